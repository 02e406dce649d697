"""What stands around a gate under test: an answerer that decides by the token's text, and a service that echoes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sumun.spop import AgentConnection, AgentDisconnect, Disconnected, HealthCheck, Hello, Notify, Refused
from sumun.spop.actions import encode_variables
from tests.live.gate_wire import name_and_value

ALICE: Mapping[str, bool | int | str] = {
    "allow": True,
    "fact": "||opaque;admin;;*:*|user:alice|t-1|shop-app|u-alice|%EC%95%A8%EB%A6%AC%EC%8A%A4",
    "rights": "|admin|product:create,product:read",
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
        return {name: value for name, value in ALICE.items() if name != "allow"}
    if cred == "no":
        return dict(ALICE) | {"allow": False}
    good = {"bearer": "good", "ticket": "smn_wt_good"}[args["kind"]]
    if isinstance(cred, str) and (cred == good or set(cred) == {"x"}):
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

    def __init__(
        self, seen: list[Mapping[str, Any]], mood: list[str], conversations: set[asyncio.Transport]
    ) -> None:
        self._conversations = conversations
        self._agent = AgentConnection()
        self._seen = seen
        self._mood = mood
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._conversations.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        self._conversations.discard(self._transport)

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
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
        if heard.get("upgrade") == ["websocket"] and "/deaf" not in target:
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
    headers = tuple(name_and_value(one) for one in rest if one)
    by_name = {name.lower(): value for name, value in headers}
    if "chunked" in by_name.get("transfer-encoding", ""):
        body = bytearray()
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        trailers = []
        while (trailer := (await reader.readline()).rstrip(b"\r\n")) != b"":
            trailers.append(name_and_value(trailer.decode("latin-1")))
        return Heard(line, headers, bytes(body), tuple(trailers))
    return Heard(line, headers, await reader.readexactly(int(by_name.get("content-length", "0"))))


async def _echo_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # RFC 6455 1.3: the accept value of the one key that the tests send. Frames are echoed as they come.
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
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
