"""A person's browser, as far as these conversations need one: cookies, forms of a page, no redirect followed unasked.

browser = Browser(server)
page = await browser.open("/oauth/authorize?...")     303 to pages of ours are followed, to a client's address they are not
page = await page.send(decision="login", username="alice", password="alice-pass")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.conversations.oauth.oauth_server import Answer, OAuthServer

HOST = "gw.example.com"


class _Forms(HTMLParser):
    """The forms of a page: action, hidden fields and boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.boxes: dict[str, bool] = {}
        self.buttons: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given["action"]
        elif tag == "input" and given.get("type") == "checkbox":
            self.boxes[given["name"]] = "checked" in given
        elif tag == "input" and given.get("type") not in ("checkbox", "submit"):
            self.fields.setdefault(given.get("name", ""), given.get("value", ""))
        elif tag == "button":
            self.buttons.append((given.get("name", ""), given.get("value", "")))


@dataclass
class Page:
    """What the browser shows; `left_to` is where it was sent, when that is not a page of ours."""

    browser: Browser
    path: str
    answer: Answer
    left_to: str = ""

    @property
    def text(self) -> str:
        return self.answer.body.decode()

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def form(self) -> _Forms:
        forms = _Forms()
        forms.feed(self.text)
        return forms

    @property
    def told(self) -> dict[str, str]:
        """What the client is told, by whatever response mode."""
        if not self.left_to:
            return self.form.fields
        parts = urlsplit(self.left_to)
        return {name: values[0] for name, values in parse_qs(parts.fragment or parts.query).items()}

    async def send(self, **fields: str) -> Page:
        """Fill in the form and send it."""
        form = self.form
        return await self.browser.post(form.action, {**form.fields, **fields})


@dataclass
class Browser:
    """One browser: its cookies. `source`: its address."""

    server: OAuthServer
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    source: str = "192.0.2.7"

    async def open(self, path: str) -> Page:
        """Go somewhere, and on to where that sends us, while it is ours."""
        return await self._shown(path, await self._call("GET", path))

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form as a page of ours does."""
        told = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": f"https://{HOST}",
            "sec-fetch-site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self._shown(path, await self._call("POST", path, told, urlencode(fields).encode()))

    async def _shown(self, path: str, answer: Answer) -> Page:
        hops = 0
        while answer.status == 303 and answer.headers["location"].startswith("/"):
            path = answer.headers["location"]
            answer = await self._call("GET", path)
            hops += 1
            assert hops < 10, "a circle of redirects"
        return Page(self, path, answer, answer.headers.get("location", ""))

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        sent = {"host": HOST, "user-agent": "Firefox", **self.headers, **(headers or {})}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.server.call(method, path, sent, body, source=self.source)
        for line in answer.all("set-cookie"):
            self._keep(line)
        return answer

    def _keep(self, line: str) -> None:
        pair, *attributes = [part.strip() for part in line.split(";")]
        name, _, value = pair.partition("=")
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes), line
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
