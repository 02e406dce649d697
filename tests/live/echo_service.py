"""A service that answers every request with the fields it received, as JSON. `python echo_service.py FD`: a listening socket.

GET /heard       how many requests came before
GET /events      an event stream that goes on until the caller leaves
Upgrade          101, and then every byte comes back
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import sys

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class Echo(asyncio.Protocol):
    """One connection."""

    heard = 0

    def __init__(self) -> None:
        self._seen = b""
        self._raw = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._raw:
            self._transport.write(data)
            return
        self._seen += data
        while b"\r\n\r\n" in self._seen:
            head, _, self._seen = self._seen.partition(b"\r\n\r\n")
            self._answer(head.decode("latin-1").split("\r\n"))

    def _answer(self, lines: list[str]) -> None:
        fields = [line.split(": ", 1) for line in lines[1:]]
        keys = [value for name, value in fields if name.lower() == "sec-websocket-key"]
        if keys:
            self._raw = True
            accept = base64.b64encode(
                hashlib.sha1(f"{keys[0]}{_GUID}".encode(), usedforsecurity=False).digest()
            ).decode()
            head = (
                "HTTP/1.1 101 Switching",
                "Upgrade: websocket",
                "Connection: Upgrade",
                f"Sec-WebSocket-Accept: {accept}",
            )
            self._transport.write("".join(f"{line}\r\n" for line in (*head, "")).encode())
            return
        body = json.dumps(sorted([name.lower(), value] for name, value in fields)).encode()
        if lines[0].split(" ")[1] == "/heard":
            body = str(Echo.heard).encode()
        Echo.heard += 1
        if lines[0].split(" ")[1] == "/events":
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n"
            )
            return
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def serve(descriptor: int) -> None:
    """Until killed."""
    listening = socket.socket(fileno=descriptor)
    server = await asyncio.get_running_loop().create_server(Echo, sock=listening)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
