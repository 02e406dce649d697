"""Requests as bytes, and what comes back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


def name_and_value(line: str) -> tuple[str, str]:
    """One header field line, cut at its colon."""
    name, _, value = line.partition(":")
    return name, value.strip()


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


def send_raw(port: int, request: bytes, seconds: float = 60.0) -> bytes:
    """Write bytes, read until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        return read_all(connection)


def shake_hands(port: int, request: bytes) -> Response:
    """Write bytes, read until one response is complete: after 101 nobody closes, and nobody says more."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        while part := connection.recv(65536):
            received += part
            if b"\r\n\r\n" in received:
                response = parse(bytes(received))
                length = int(next(iter(response.get("content-length")), 0))
                if response.status == 101 or (
                    response.get("content-length") and len(response.body) >= length
                ):
                    return response
    return parse(bytes(received))


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
    return Response(status, tuple(name_and_value(one) for one in rest), body)


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
