"""A whole demo as a visitor starts it: `python -m sumun demo`, its own process, talked to from outside."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.live.ports import free_ports

REPOSITORY = Path(__file__).parents[2]
SOURCES = os.pathsep.join(filter(None, (str(REPOSITORY / "src"), os.environ.get("PYTHONPATH"))))


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def whole_lines(log: Path) -> list[str]:
    """The lines of a file that grows; the last one may be half written still."""
    return log.read_text().rpartition("\n")[0].splitlines()


def call(
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> Answer:
    """One call on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


@dataclass
class DemoNode:
    """The running demo."""

    data: Path
    port: int = field(default_factory=lambda: free_ports(3)[0])
    language: str = "C.UTF-8"
    process: subprocess.Popen[str] | None = None
    said: str = ""

    def start(self, seconds: float = 60.0) -> None:
        """Start and wait for /healthz, as a visitor's script would."""
        printed = self.data.parent / f"demo-{self.port}.out"
        with printed.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sumun", "demo", "--port", str(self.port), "--data", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=REPOSITORY,
                env={
                    **os.environ,
                    "LANG": self.language,
                    "LC_ALL": self.language,
                    "PYTHONPATH": SOURCES,
                },
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self.process, printed, seconds)
        finally:
            printed.unlink()

    def _wait_until_ready(self, process: subprocess.Popen[str], printed: Path, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.said = printed.read_text(encoding="utf-8", errors="replace")
            if process.poll() is not None:
                raise AssertionError(f"the demo ended with {process.returncode}:\n{self.said}\n{self.log()}")
            if "Ctrl-C" in self.said and self.healthy():
                return
            if time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the demo was not ready in {seconds} s:\n{self.said}\n{self.log()}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = 60.0) -> int:
        """Stop as Ctrl-C does (to the one process that a terminal's group leader is) and give the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            left = [pid for pid in self.family() if Path(f"/proc/{pid}").exists()]
            names = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in left]
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no stop in {seconds} s; left: {names}\n{self.log()}") from None

    def healthy(self) -> bool:
        try:
            return call(self.port, "GET", "/healthz").status == 200
        except OSError:
            return False

    def log(self) -> str:
        path = self.data / "log" / "sumun.log"
        return path.read_text()[-4000:] if path.exists() else "(no log)"

    def call(
        self, method: str, path: str, token: str | None = None, *, body: str | None = None, **headers: str
    ) -> Answer:
        """One call on the public port. Header names are given with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return call(self.port, method, path, sent, body)

    def form(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """POST an urlencoded form."""
        return self.call(
            "POST", path, body=urlencode(fields), Content_Type="application/x-www-form-urlencoded", **headers
        )

    def log_in(self, who: str, **fields: str) -> str:
        """An access token for one of the demo's people."""
        answer = self.form(
            "/oauth/token",
            {
                "grant_type": "password",
                "client_id": "shop-app",
                "username": who,
                "password": f"{who}-demo-pass",
                **fields,
            },
        )
        assert answer.status == 200, answer
        token: str = answer.json["access_token"]
        return token

    def sumun(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command of the command line against this node's data folder."""
        return subprocess.run(
            [sys.executable, "-m", "sumun", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            timeout=60,
            env={**os.environ, "SUMUN_DATA": str(self.data), "PYTHONPATH": SOURCES},
            check=False,
        )

    def family(self) -> set[int]:
        """The process and everything below it."""
        assert self.process is not None
        return {self.process.pid} | descendants(self.process.pid)


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(re.sub(r"^.*\) ", "", stat, flags=re.DOTALL).split()[1])
    found: set[int] = set()
    while True:
        more = {p for p, parent in parents.items() if (parent == pid or parent in found) and p not in found}
        if not more:
            return found
        found |= more
