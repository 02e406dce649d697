"""A whole node with routes for browsers, and sessions as a login begins them."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from sumun.identity import Subject
from sumun.node.operator.opened import open_for_operator
from sumun.sessions import Authentication, Session, Sessions
from tests.live.demo_node import Answer, call, whole_lines
from tests.live.kept_world import echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder, until

COOKIE = "__Host-sumun_session"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
_ACTION = re.compile(r'<form[^>]* action="([^"]*)"')

PAGE = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate"}


class BrowserNode(NodeUnderTest):
    """The node, and what a browser does with it."""

    idle_seconds = 1800

    def begin(self, name: str, times: int = 1) -> tuple[str, Session]:
        """Log somebody in, as the login page does, so many times: the last cookie's value and session."""

        async def login() -> tuple[str, Session]:
            async with open_for_operator(self.data) as shared:

                async def standing(subject: Subject) -> Any:
                    return shared.directory.standing(subject)

                sessions = Sessions(
                    shared.stores.sessions,
                    standing,
                    shared.changes,
                    idle_seconds=self.idle_seconds,
                    absolute_seconds=3600,
                    clock=time.time,
                )
                found = shared.directory.standing(Subject.user(name))
                assert found is not None
                who = Authentication(name, int(time.time()), found.login_epoch, ("pwd",))
                return [await sessions.begin(who) for _ in range(times)][-1]

        return asyncio.run(login())

    def end(self, session: Session) -> None:
        """Log out, as the logout page does."""

        async def logout() -> None:
            async with open_for_operator(self.data) as shared:
                await shared.changes.end_session(session.id, actor="user:ann")

        asyncio.run(logout())

    def ask(
        self, path: str, cookie: str | None = None, method: str = "GET", host: str = "", **headers: str
    ) -> Answer:
        """One call; header names are given with underscores."""
        sent: dict[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie is not None:
            sent["Cookie"] = f"{COOKIE}={cookie}"
        if host:
            sent["Host"] = host
        return call(self.port, method, path, sent)

    def line(self, answer: Answer) -> Mapping[str, Any]:
        """The access log's line about this answer."""
        found: list[Mapping[str, Any]] = []

        def look() -> bool:
            path = self.data / "log" / "access.log"
            if path.exists():
                wanted = answer.headers["x-request-id"]
                found.extend(json.loads(text) for text in whole_lines(path) if wanted in text)
            return bool(found)

        until(look, why="the access log has a line about the request")
        return found[-1]

    def is_kept(self, path: str, cookie: str, **headers: str) -> bool:
        """Whether HAProxy lets such a call through by what it knows."""
        answer = self.ask(path, cookie, **headers)
        assert answer.status == 200, answer
        return str(self.line(answer)["be"]).startswith("known.")


@contextmanager
def browser_node(haproxy: Path, text: str, *people: str) -> Iterator[BrowserNode]:
    """A node on this configuration (`SERVICE`: the port of an echo service; `PORT`: its own), with people of role user."""
    with node_folder() as folder, echo_service() as service:
        node = BrowserNode(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        node.config = folder / "sumun.yaml"
        node.config.write_text(text.replace("SERVICE", str(service)).replace("PORT", str(node.port)))
        with node.running():
            for name in people:
                node.add_person(name, "user")
            yield node
        assert "Traceback" not in node.log()


@dataclass
class Surfer:
    """One browser that knows many hosts, all of them names of one gateway; each host's cookies are its own."""

    port: int
    jars: dict[str, dict[str, str]] = field(default_factory=dict)
    way: list[str] = field(default_factory=list)
    """Every address of the last visit, in order."""

    def visit(self, address: str) -> Answer:
        """Navigate there, and on wherever that leads."""
        self.way = []
        return self._followed(address, self._call("GET", address, PAGE))

    def fill_in(self, page: Answer, **fields: str) -> Answer:
        """Send the form of the page that the last visit ended at."""
        text, here = page.body.decode(), urlsplit(self.way[-1])
        action = _ACTION.search(text)
        assert action is not None, text
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(text)}
        address = f"{here.scheme}://{here.netloc}{unescape(action[1])}"
        headers = {
            **PAGE,
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{here.scheme}://{here.netloc}",
            "Sec-Fetch-Site": "same-origin",
        }
        return self._followed(address, self._call("POST", address, headers, urlencode({**hidden, **fields})))

    def log_in(self, page: Answer, name: str) -> Answer:
        """Fill in the login page."""
        return self.fill_in(page, decision="login", username=name, password=f"{name}-demo-pass")

    def session(self, host: str) -> str | None:
        """The session's cookie at this host."""
        return self.jars.get(host, {}).get(COOKIE)

    def _followed(self, address: str, answer: Answer) -> Answer:
        while answer.status in (302, 303):
            assert len(self.way) < 12, f"a circle of redirects: {self.way}"
            address = urljoin(address, answer.headers["location"])
            answer = self._call("GET", address, PAGE)
        return answer

    def _call(self, method: str, address: str, headers: Mapping[str, str], body: str = "") -> Answer:
        self.way.append(address)
        parts = urlsplit(address)
        jar = self.jars.setdefault(parts.hostname or "", {})
        sent = {**headers, "Host": parts.netloc}
        if jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body or None, sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            assert name.startswith("__Host-")
            assert "Secure" in line
            if "Max-Age=0" in line:
                jar.pop(name, None)
            else:
                jar[name] = value
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)


class Stream:
    """An open WebSocket of a page; what is sent comes back as it is, byte by byte."""

    def __init__(self, port: int, host: str, path: str, cookie: str, origin: str | None) -> None:
        """Raises RefusedStreamError."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Cookie: {COOKIE}={cookie}",
            *([] if origin is None else [f"Origin: {origin}"]),
        ]
        self._socket.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._read(1)
        if not head.startswith(b"HTTP/1.1 101 "):
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
            body = b"".join(self._read(1) for _ in range(length))
            self._socket.close()
            raise RefusedStreamError(int(head.split(b" ")[1]), json.loads(body)["code"])

    def lives(self) -> bool:
        """What is sent comes back."""
        self._socket.sendall(b"still there")
        return b"".join(self._read(1) for _ in range(11)) == b"still there"

    def has_ended(self, within_seconds: float) -> bool:
        """The gateway ends it within so long; it is closed then in any case."""
        self._socket.settimeout(within_seconds)
        with self._socket:
            try:
                return self._socket.recv(1) == b""
            except ConnectionResetError:
                return True
            except TimeoutError:
                return False

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _read(self, size: int) -> bytes:
        read = self._socket.recv(size)
        if not read:
            raise ConnectionError("the stream has ended")
        return read


class RefusedStreamError(Exception):
    """(status, code) of a handshake that was refused."""
