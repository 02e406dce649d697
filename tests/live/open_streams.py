"""Streams as clients hold them open: WebSockets and event streams as bytes, gRPC with its own library."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Iterator
from queue import Queue
from threading import Thread
from typing import Self

import grpc

from tests.live.node_under_test import NodeUnderTest, until

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


class Wire:
    """An open WebSocket or event stream, as bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = b""
        self.ended = False

    def is_open(self) -> bool:
        """False when the other side has ended it."""
        return not self.ended

    def echoes(self) -> bool:
        """A WebSocket says back what it is told (RFC 6455 5.2: one masked text frame)."""
        self.heard = b""
        self.connection.sendall(b"\x81\x84\0\0\0\0echo")
        until(lambda: b"echo" in self.heard or self.ended, 60)
        return not self.ended

    def read(self) -> None:
        """Read what is there; a ping is answered, or the service would hang up after 40 s (RFC 6455 5.5.2)."""
        try:
            part = self.connection.recv(65536)
            ping = part.find(b"\x89\x04")
            if ping >= 0:
                self.connection.sendall(b"\x8a\x84\0\0\0\0" + part[ping + 2 : ping + 6])
        except OSError:
            part = b""
        self.heard += part
        self.ended = not part


class Wires:
    """Opens wires to one node, and reads them all, all the time, until the block ends."""

    def __init__(self, node: NodeUnderTest) -> None:
        """Nothing is open yet."""
        self._node = node
        self._wires: list[Wire] = []
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._reader = Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._reader.join()
        self._selector.close()
        for wire in self._wires:
            wire.connection.close()

    def _read(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.02):
                wire: Wire = key.data
                wire.read()
                if wire.ended:
                    self._selector.unregister(key.fileobj)

    def open(self, path: str, token: str, *lines: str) -> Wire:
        """Ask for a stream and wait until it has begun. Without a token, something in the path stands for it."""
        port = self._node.port
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        credential = (f"Authorization: Bearer {token}",) if token else ()
        head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *credential, *lines, "", "")
        connection.sendall("\r\n".join(head).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(65536)
            assert part, answer
            answer += part
        assert answer.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), answer
        wire = Wire(connection)
        self._wires.append(wire)
        self._selector.register(connection, selectors.EVENT_READ, wire)
        return wire

    def chat(self, token: str, query: str = "") -> Wire:
        """A WebSocket."""
        return self.open(f"/chat{query}", token, *UPGRADE)

    def prices(self, token: str) -> Wire:
        """An event stream."""
        return self.open("/prices", token, "Accept: text/event-stream")


class Count:
    """A gRPC server stream, on its own connection or on one that it shares."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        call = channel.unary_stream("/demo.Echo/Count")
        self.call = call(b"", metadata=[("authorization", f"Bearer {token}")])
        assert next(self.call) == b"0"
        self.numbers: Queue[bytes] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(grpc.RpcError):
            for number in self.call:
                self.numbers.put(number)

    def is_open(self) -> bool:
        """False when the call has ended."""
        return bool(self.call.is_active())


@contextlib.contextmanager
def channel(node: NodeUnderTest) -> Iterator[grpc.Channel]:
    """A connection for gRPC calls."""
    with grpc.insecure_channel(f"127.0.0.1:{node.port}", [("grpc.use_local_subchannel_pool", 1)]) as made:
        yield made
