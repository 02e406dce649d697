"""Several HTTP/2 streams on one connection, each with a token of its own: event streams, and WebSockets (RFC 8441)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

from tests.live import http2
from tests.live.http2 import DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS
from tests.live.node_under_test import until

ACK = 0x1


@dataclass
class Stream:
    """One stream, as it was heard so far."""

    connection: Connection
    number: int
    headers: dict[str, str] = field(default_factory=dict)
    heard: bytes = b""
    ended: bool = False

    def is_open(self) -> bool:
        """False when the other side, or the connection, has ended it."""
        return not self.ended

    def goes_on(self) -> None:
        """Something more is heard."""
        heard = len(self.heard)
        until(lambda: len(self.heard) > heard or self.ended, 60)
        assert not self.ended

    def echoes(self) -> bool:
        """A WebSocket says back what it is told (RFC 6455 5.2: one masked text frame)."""
        self.heard = b""
        self.connection.send(DATA, 0, self.number, b"\x81\x84\0\0\0\0echo")
        until(lambda: b"echo" in self.heard or self.ended, 60)
        return not self.ended


class Connection:
    """One connection; somebody reads it all the time."""

    def __init__(self, port: int) -> None:
        """Connected in clear, with prior knowledge."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._authority = f"127.0.0.1:{port}".encode()
        self._streams: dict[int, Stream] = {}
        self._socket.sendall(http2.PREFACE)
        self.send(SETTINGS, 0, 0, b"")
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Write one frame."""
        self._socket.sendall(http2.frame(kind, flags, stream, payload))

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._socket.close()

    def events(self, path: str, token: str, accept: str = "text/event-stream") -> Stream:
        """An event stream that has begun."""
        more = [(b"authorization", f"Bearer {token}".encode())]
        if accept:
            more.append((b"accept", accept.encode()))
        return self._begun(http2.fields("GET", path, *more, authority=self._authority), END_STREAM)

    def websocket(self, path: str, *more: tuple[bytes, bytes]) -> Stream:
        """An open WebSocket (RFC 8441 4)."""
        fields = [(b":protocol", b"websocket"), (b"sec-websocket-version", b"13"), *more]
        return self._begun(http2.fields("CONNECT", path, *fields, authority=self._authority), 0)

    def _begun(self, fields: list[tuple[bytes, bytes]], flags: int) -> Stream:
        stream = Stream(self, 2 * len(self._streams) + 1)
        self._streams[stream.number] = stream
        pseudo = [one for one in fields if one[0].startswith(b":")]
        rest = [one for one in fields if not one[0].startswith(b":")]
        self.send(HEADERS, END_HEADERS | flags, stream.number, http2.block([*pseudo, *rest]))
        until(lambda: stream.headers or stream.ended or not self._reader.is_alive(), 60)
        assert self._reader.is_alive(), "the connection is closed"
        return stream

    def _read(self) -> None:
        frames = self._socket.makefile("rb")
        with suppress(OSError):
            while len(head := frames.read(9)) == 9:
                length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                number = int.from_bytes(head[5:], "big")
                self._hear(kind, flags, self._streams.get(number), frames.read(length))
        for stream in self._streams.values():
            stream.ended = True

    def _hear(self, kind: int, flags: int, stream: Stream | None, payload: bytes) -> None:
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.send(kind, ACK, 0, payload if kind == PING else b"")
        elif kind == GOAWAY:
            for one in self._streams.values():
                one.ended = True
        elif stream is None:
            return
        elif kind == HEADERS:
            stream.headers |= dict(http2.decode(payload))
        elif kind == DATA:
            stream.heard += payload
        if stream is not None and (kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & END_STREAM)):
            stream.ended = True


@contextmanager
def connection(port: int) -> Iterator[Connection]:
    """A connection, closed in the end."""
    made = Connection(port)
    try:
        yield made
    finally:
        made.close()
