"""Who asks for tokens: requests as HAProxy hands them on, and connections that go on as soon as they were answered."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.live.node_under_test import NodeUnderTest
from tests.live.visitor import App, Visitor

PROGRAMS: Final = 100
SECRET: Final = "of-the-measurement"
CALLBACK: Final = "http://127.0.0.1:51004/callback"

Talk = Generator[bytes, "Reply", None]
"""Requests out, replies in; `Reply.done` says that something was finished."""


@dataclass
class Reply:
    """One answer. `finish` counts it as what is measured."""

    status: int
    headers: dict[str, str]
    body: bytes
    done: bool = False

    def finish(self, *, well: bool) -> None:
        """The end of one token's way."""
        if not well:
            raise AssertionError(f"{self.status} {self.body[:300]!r}")
        self.done = True

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def get(path: str, *headers: str) -> bytes:
    """A request as HAProxy hands it on."""
    return _request("GET", path, b"", headers)


def post(path: str, fields: dict[str, str], *headers: str) -> bytes:
    """A form as HAProxy hands it on."""
    body = urlencode(fields).encode()
    more = ("content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}")
    return _request("POST", path, body, (*headers, *more))


def _request(method: str, path: str, body: bytes, headers: tuple[str, ...]) -> bytes:
    lines = (
        f"{method} {path} HTTP/1.1",
        *("host: 127.0.0.1:8080", "user-agent: bench", "accept: */*"),
        *("x-sumun-source: 192.0.2.1", "x-sumun-listener: public", "x-request-id: 0123456789abcdef"),
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def basic(name: str) -> str:
    """A program's own credentials."""
    return "authorization: Basic " + base64.b64encode(f"{name}:{SECRET}".encode()).decode()


def programs(kind: str, connection: int) -> Talk:
    """client_credentials, another program each time."""
    asked = {"grant_type": "client_credentials", "scope": "order:read"}
    requests = [post("/oauth/token", asked, basic(f"{kind}{n}")) for n in range(PROGRAMS)]
    n = connection
    while True:
        reply = yield requests[n % PROGRAMS]
        reply.finish(well=reply.status == 200 and b'"access_token"' in reply.body)
        n += 1


def password() -> Talk:
    """The password grant: one login for each token."""
    form = {"grant_type": "password", "client_id": "app", "username": "alice", "password": "alice-demo-pass"}
    while True:
        reply = yield post("/oauth/token", form)
        reply.finish(well=reply.status == 200)


def logged_in() -> Generator[bytes, Reply, Reply]:
    """The answer to a login; who is told to try again later does."""
    login = next(password())
    while (reply := (yield login)).status in (429, 503):
        pass
    return reply


def refresh() -> Talk:
    """One login, then each refresh token is exchanged for the next."""
    reply = yield from logged_in()
    while True:
        form = {
            "grant_type": "refresh_token",
            "client_id": "app",
            "refresh_token": reply.json["refresh_token"],
        }
        reply = yield post("/oauth/token", form)
        reply.finish(well=reply.status == 200)


def introspection(kind: str, connection: int) -> Talk:
    """A resource server asks again and again about a program's token."""
    form = {"grant_type": "client_credentials"}
    reply = yield post("/oauth/token", form, basic(f"{kind}{connection}"))
    asked = post("/oauth/introspect", {"token": reply.json["access_token"]}, basic("asks"))
    while True:
        reply = yield asked
        reply.finish(well=reply.status == 200 and reply.json["active"] is True)


def codes(node: NodeUnderTest) -> Talk:
    """A browser that is logged in fetches a code, and the application redeems it."""
    app, visitor = App(node, "app", CALLBACK), Visitor(node.port)
    visitor.log_in(visitor.open(app.address()), "alice")
    cookie = "cookie: " + "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    asked = get(app.address(), cookie)
    form = {
        "grant_type": "authorization_code",
        "client_id": "app",
        "redirect_uri": CALLBACK,
        "code_verifier": app.verifier,
    }
    while True:
        reply = yield asked
        where = reply.headers.get("location", "")
        if reply.status != 303 or not where.startswith(CALLBACK):
            raise AssertionError(f"{reply.status} {where} {reply.body[:300]!r}")
        (code,) = parse_qs(urlsplit(where).query)["code"]
        reply = yield post("/oauth/token", {**form, "code": code})
        reply.finish(well=reply.status == 200)


def constant_talk() -> Talk:
    """What the floor is asked."""
    asked = post(
        "/oauth/token", {"grant_type": "client_credentials", "scope": "order:read"}, basic("opaque0")
    )
    while True:
        reply = yield asked
        reply.finish(well=reply.status == 200)


class Caller(asyncio.Protocol):
    """One connection that goes on as soon as it was answered."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.first = next(talk)
        self.done = 0
        self.begun = asyncio.Event()
        self.stopped = False
        self.seen = b""
        self.failure: BaseException | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.first)

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head, found, body = self.seen.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        if len(body) < int(headers.get("content-length", "0")):
            return
        self.seen = b""
        reply = Reply(int(lines[0].split()[1]), headers, body)
        try:
            following = self.talk.send(reply)
        except BaseException as failure:  # noqa: BLE001 - told when the round ends
            self.failure = failure
            self.begun.set()
            return
        if reply.done:
            self.done += 1
            self.begun.set()
        if not self.stopped:
            self.transport.write(following)
