"""A headless Chromium, driven by its own DevTools protocol over a WebSocket: pages are opened, typed into, clicked.

    with chromium() as browser:
        page = browser.page()
        page.go(url)
        page.type("#username", "alice")
        page.click("button[type=submit]")
        page.until("location.pathname == '/account'")

Clicks and keys are the browser's own input events, so what a person could not click is not clicked. Each page is a
browsing context of its own: cookies of its own, like another person's browser. Every wait has an end.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
WAIT_SECONDS = 60.0
DESKTOP = (1100, 800)
PHONE = (390, 844)


class ChromiumError(AssertionError):
    """The browser said no, or what was waited for did not come."""


class _NoPageYetError(Exception):
    """Between two documents there is nothing to ask."""


def binary() -> str:
    """The browser: $CHROMIUM, or the first that PATH has."""
    found = os.environ.get("CHROMIUM") or next((path for path in map(shutil.which, NAMES) if path), None)
    assert found, (
        "no Chromium here: scripts/install-system chromium (CHROMIUM=/path/to/chrome names another one)"
    )
    return found


class Browser:
    """A running Chromium."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._pages: dict[str, Page] = {}

    def page(self, size: tuple[int, int] = DESKTOP, *, scripts: bool = True, language: str = "en-US") -> Page:
        """A new browser window with cookies of its own. `language` is the Accept-Language it sends."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session, context)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.resize(size)
        agent = self.call("Browser.getVersion")["userAgent"]
        page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        return page

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its answer; what the pages complained of meanwhile is noted."""
        number = next(self._ids)
        words = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(words | ({"sessionId": session} if session else {})))
        while True:
            message = json.loads(self._connection.recv(timeout=WAIT_SECONDS))
            if message.get("id") == number:
                break
            if message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]].heard(message)
        if "error" in message:
            said = message["error"]["message"]
            if re.search(r"context|navigated|node with given id|Inspected target", said, re.IGNORECASE):
                raise _NoPageYetError(said)
            raise ChromiumError(f"{method}: {said}")
        result: dict[str, Any] = message["result"]
        return result


class Page:
    """One window. `complaints` are the browser's own: blocked by policy, failed scripts, refused requests."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self.complaints: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command about this window."""
        return self._browser.call(method, self._session, **parameters)

    def heard(self, event: dict[str, Any]) -> None:
        """An event of this window."""
        if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            entry = event["params"]["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}".strip())
        elif event["method"] == "Runtime.exceptionThrown":
            details = event["params"]["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))

    def resize(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """A window of width x height, in light or dark colours."""
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def go(self, url: str) -> None:
        """Open an address and wait for its document."""
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer and answer["errorText"] != "net::ERR_ABORTED":
            raise ChromiumError(f"{url}: {answer['errorText']}")
        self.until("document.readyState == 'complete' && location.href != 'about:blank'")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page (also where the page itself may run no scripts)."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ChromiumError(
                f"{expression}: {details.get('exception', {}).get('description', details['text'])}"
            )
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = WAIT_SECONDS) -> Any:
        """Wait until an expression is true; gives its value."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                value = self.evaluate(expression)
            except _NoPageYetError:
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                raise ChromiumError(
                    f"not within {seconds} s: {expression}\nat {self.url}\n{self.text}\n{self.complaints}"
                )
            time.sleep(0.02)

    def has(self, selector: str) -> bool:
        """Whether there is such an element."""
        return bool(self.evaluate(f"!!document.querySelector({json.dumps(selector)})"))

    def click(self, selector: str) -> None:
        """Click in the middle of an element, as soon as it is there."""
        self.until(f"document.readyState == 'complete' && !!document.querySelector({json.dumps(selector)})")
        x, y = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2] }})(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, selector: str) -> None:
        """Click what leads to another document, and wait for that one."""
        self.until("document.readyState == 'complete'")
        self.evaluate("window.__left = true")
        self.click(selector)
        self.until("!window.__left && document.readyState == 'complete'")

    def type(self, selector: str, text: str) -> None:
        """Click into a field and type, in place of what stood there."""
        self.click(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)

    @property
    def url(self) -> str:
        """Where the window is."""
        return str(self._asked("location.href"))

    @property
    def text(self) -> str:
        """What a person reads."""
        return str(self._asked("document.body.innerText"))

    def _asked(self, expression: str) -> Any:
        try:
            return self.evaluate(expression)
        except _NoPageYetError:
            return ""

    def cookies(self) -> dict[str, dict[str, Any]]:
        """The window's cookies by name, with all their attributes."""
        found = self._browser.call("Storage.getCookies", browserContextId=self._context)["cookies"]
        return {one["name"]: one for one in found}

    def screenshot(self, path: Path) -> None:
        """A PNG of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser with an empty profile; it ends here, and its profile goes."""
    with tempfile.TemporaryDirectory(prefix="smn-chromium-", ignore_cleanup_errors=True) as folder:
        said = Path(folder, "said")
        with said.open("w") as output:
            process = _started(folder, output)
        try:
            with connect(_address(process, said), max_size=None, compression=None, proxy=None) as connection:
                browser = Browser(connection)
                yield browser
                browser.call("Browser.close")
            process.wait(10)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _started(profile: str, output: TextIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            binary(),
            "--headless",
            "--no-sandbox",  # it opens our own pages only, and root has no sandbox
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-proxy-server",
            "about:blank",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=output,
        start_new_session=True,
    )


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """Where it listens, which it says on standard error."""
    deadline = time.monotonic() + 2 * WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"DevTools listening on (ws://\S+)\n", said.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.02)
    raise ChromiumError(f"Chromium did not start:\n{said.read_text(errors='replace')}")
