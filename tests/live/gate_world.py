"""A gate in front of real services: HAProxy as sumun runs it, an answerer that decides by the token's text, an echo.

Everything runs on one event loop in a thread of its own, so tests are plain functions that write to sockets.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sumun.config.plan import Plan
from sumun.haproxy import Master, RuntimePaths, find_program, install, make_current, render
from sumun.spop import AgentConnection, AgentDisconnect, Disconnected, HealthCheck, Hello, Notify, Refused
from sumun.spop.actions import encode_variables

T = TypeVar("T")

ALICE: Mapping[str, bool | int | str] = {
    "allow": True,
    "user_id": "u-alice",
    "user_name": "%EC%95%A8%EB%A6%AC%EC%8A%A4",
    "user_roles": "admin",
    "user_permissions": "product:create,product:read",
    "client_id": "shop-app",
    "token_id": "t-1",
    "who": "user:alice",
}

CHALLENGE = 'Bearer realm="sumun", error="insufficient_scope", scope="product:create"'


def decide(args: Mapping[str, Any]) -> dict[str, bool | int | str]:
    """What the answerer says to a question, by the text of the token."""
    cred = args.get("cred")
    if args["kind"] == "none":
        return {
            "status": 401,
            "code": "no_credential",
            "title": "Token needed",
            "challenge": 'Bearer realm="sumun"',
        }
    if cred == "weak":
        return {"status": 403, "code": "insufficient_scope", "title": 'Needs "more"', "challenge": CHALLENGE}
    if cred == "outage":
        return {"status": 503, "code": "decision_unavailable", "title": "x", "why": "store_down"}
    if cred == "half":
        return {"user_id": "u-alice", "client_id": "shop-app"}
    if cred == "no":
        return dict(ALICE) | {"allow": False}
    if isinstance(cred, str) and (cred == "good" or set(cred) == {"x"}):
        return dict(ALICE)
    challenge = 'Bearer realm="sumun", error="invalid_token"'
    return {
        "status": 401,
        "code": "invalid_token",
        "title": "Not valid",
        "challenge": challenge,
        "why": "unknown",
    }


class Answerer(asyncio.Protocol):
    """One SPOP connection."""

    def __init__(self, seen: list[Mapping[str, Any]], mood: list[str]) -> None:
        self._agent = AgentConnection()
        self._seen = seen
        self._mood = mood
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        for event in self._agent.receive(data):
            if isinstance(event, Hello):
                transport.write(self._agent.agent_hello())
            elif isinstance(event, HealthCheck):
                transport.write(self._agent.agent_hello())
                transport.close()
            elif isinstance(event, Notify):
                self._answer(event, transport)
            elif isinstance(event, Disconnected):
                transport.write(self._agent.disconnect())
                transport.close()
            elif isinstance(event, Refused):
                transport.write(self._agent.disconnect(AgentDisconnect.because_of(event.error)))
                transport.close()

    def _answer(self, event: Notify, transport: asyncio.Transport) -> None:
        args = event.messages[0].args
        self._seen.append(args)
        mood = self._mood[0]
        if mood == "silent":
            return
        if mood == "close":
            transport.close()
        elif mood == "garbage":
            transport.write(b"\x00\x00\x00\x05hello" * 3)
        elif mood == "empty":
            transport.write(self._agent.ack(event, b""))
        else:
            transport.write(self._agent.ack(event, encode_variables(decide(args))))


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as a service saw it."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    trailers: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> list[str]:
        """All values of a header field."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def names(self) -> set[str]:
        """Names of all header fields, lower case."""
        return {key.lower() for key, _ in self.headers}


class Echo:
    """A real HTTP/1.1 service that remembers what it heard; a few paths make it misbehave."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            while True:
                heard = await read_message(reader)
                self.heard.append(heard)
                if not await self._reply(heard, reader, writer):
                    break
        writer.close()

    async def _reply(self, heard: Heard, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        method, target = heard.line.split(" ")[:2]
        if "/close" in target:
            return False
        if "/slow" in target:
            await asyncio.sleep(30)
        if "/garbage" in target:
            writer.write(b"this is no HTTP\r\n\r\n")
            return False
        if heard.get("upgrade") == ["websocket"]:
            await _echo_bytes(reader, writer)
            return False
        if "/events" in target:
            await _send_events(writer)
            return False
        body = json.dumps({"line": heard.line, "headers": heard.headers}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + (b"" if method == "HEAD" else body))
        await writer.drain()
        return True


async def read_message(reader: asyncio.StreamReader) -> Heard:
    """One HTTP/1.1 message, with its trailers."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.split("\r\n")
    headers = tuple(_pair(one) for one in rest if one)
    by_name = {name.lower(): value for name, value in headers}
    if "chunked" in by_name.get("transfer-encoding", ""):
        body = bytearray()
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        trailers = []
        while (trailer := (await reader.readline()).rstrip(b"\r\n")) != b"":
            trailers.append(_pair(trailer.decode("latin-1")))
        return Heard(line, headers, bytes(body), tuple(trailers))
    return Heard(line, headers, await reader.readexactly(int(by_name.get("content-length", "0"))))


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


async def _echo_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    while data := await reader.read(4096):
        writer.write(data)


async def _send_events(writer: asyncio.StreamWriter) -> None:
    """One event at once, one after a silence longer than the service's answer may take."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for pause, text in ((0.0, b"data: first\n\n"), (2.5, b"data: second\n\n")):
        await asyncio.sleep(pause)
        writer.write(b"%x\r\n%s\r\n" % (len(text), text))
        await writer.drain()
    writer.write(b"0\r\n\r\n")


@dataclass(slots=True)
class World:
    """A running gate and what stands around it."""

    folder: Path
    loop: asyncio.AbstractEventLoop
    echo: Echo = field(default_factory=Echo)
    http: Echo = field(default_factory=Echo)
    questions: list[Mapping[str, Any]] = field(default_factory=list)
    mood: list[str] = field(default_factory=lambda: ["well"])
    plan: Plan | None = None
    master: Master | None = None
    generation: int = 0
    said: list[str] = field(default_factory=list)
    _servers: list[asyncio.AbstractServer] = field(default_factory=list)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def paths(self) -> RuntimePaths:
        return RuntimePaths(self.run, self.folder / "current")

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 40.0) -> T:
        """Run a coroutine on the world's loop."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(seconds)

    def log(self) -> list[dict[str, Any]]:
        """The access log's lines; each must be JSON."""
        return [json.loads(line) for line in (self.folder / "access.log").read_text().splitlines()]

    def logged(self, response: Response) -> dict[str, Any]:
        """The log line of a response; it is written when the response has ended."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for line in self.log():
                if [line["id"]] == response.get("X-Request-Id"):
                    return line
            time.sleep(0.02)
        raise AssertionError("a response has no line in the access log")

    async def listen(self, answerers: int = 1) -> None:
        """Start the answerers and the HTTP process's stand-in, a real HTTP server on the socket."""
        await self.echo.start()
        for number in range(answerers):
            self._servers.append(
                await self.loop.create_unix_server(
                    lambda: Answerer(self.questions, self.mood), str(self.paths.answerer(number))
                )
            )
        self._servers.append(await asyncio.start_unix_server(self.http._serve, str(self.paths.http)))

    async def stop_answering(self) -> None:
        """Close the answerers' sockets, as if they had crashed."""
        for server in self._servers[:-1]:
            server.close()
            if hasattr(server, "close_clients"):
                server.close_clients()
        for number in range(10):
            self.paths.answerer(number).unlink(missing_ok=True)

    def prepare(self, plan: Plan) -> None:
        """Render, install and make current a new generation."""
        self.generation += 1
        self.plan = plan
        files = render(plan, self.generation, self.paths)
        make_current(install(files, self.folder / "generations"), self.folder / "current")

    async def start(self, program: Path) -> None:
        assert self.plan is not None
        found = find_program({"HAPROXY": str(program)})
        log = os.open(self.folder / "access.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.master = Master(
            found, self.folder / "current", self.paths, access_log=log, hear=self.said.append
        )
        addresses = [a for a in (self.plan.listen, self.plan.internal, self.plan.operator) if a is not None]
        try:
            await self.master.start(addresses)
        finally:
            os.close(log)

    async def stop(self) -> None:
        if self.master is not None:
            await self.master.stop()
        await self.echo.stop()
        for server in self._servers:
            server.close()


@contextmanager
def world(folder: Path, program: Path, make_plan: Callable[[World], Plan] | None) -> Iterator[World]:
    """A gate that runs until the block ends; without `make_plan` only what stands around it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="world", daemon=True)
    thread.start()
    here = World(folder, loop)
    here.run.mkdir(mode=0o700)
    try:
        here.do(here.listen())
        if make_plan is not None:
            here.prepare(make_plan(here))
            here.do(here.start(program))
        yield here
    finally:
        with suppress(Exception):
            here.do(here.stop())
        here.do(_cancel_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def get(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem."""
        assert self.get("content-type") == ["application/problem+json"], (
            self.status,
            self.headers,
            self.body,
        )
        return str(self.json["code"])


def send_raw(port: int, request: bytes, seconds: float = 5.0) -> bytes:
    """Write bytes, read until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """What arrives until the other side closes, resets, or is silent for too long."""
    received = bytearray()
    with suppress(TimeoutError, ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return bytes(received)


def parse(received: bytes) -> Response:
    """The last response in the bytes (an interim 1xx may stand before it)."""
    head, _, body = received.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    status = int(line.split(" ")[1])
    if status == 100:
        return parse(body)
    return Response(status, tuple(_pair(one) for one in rest), body)


def request(
    port: int,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    **more: Any,
) -> Response:
    """One HTTP/1.1 request on a connection of its own."""
    lines = [f"{method} {target} HTTP/1.1", "Host: gate.test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return parse(send_raw(port, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, **more))


def bearer(token: str) -> tuple[str, str]:
    """The header field that carries a token."""
    return ("Authorization", f"Bearer {token}")


GOOD = bearer("good")
