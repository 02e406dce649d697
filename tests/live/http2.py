"""Just enough of an HTTP/2 client to send what no proper one would: raw header fields, in clear, with prior
knowledge.

RFC 9113 frames, RFC 7541 literals without Huffman coding. The answer's fields are read as HAProxy writes them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS = 0x1, 0x4

# RFC 7541 Appendix A, as far as answers use it: index -> (name, value).
STATIC = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}
NAMES = {
    8: ":status",
    22: "allow",
    24: "cache-control",
    28: "content-length",
    31: "content-type",
    33: "date",
    54: "server",
    53: "retry-after",
    56: "strict-transport-security",
    61: "www-authenticate",
    59: "vary",
    57: "transfer-encoding",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back on the stream; `reset` when it was reset, or the connection closed, instead."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    reset: bool = False

    def get(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for key, value in self.headers if key == name]


def call(
    port: int,
    fields: Iterable[tuple[bytes, bytes]],
    body: bytes = b"",
    seconds: float = 60.0,
    trailers: Iterable[tuple[bytes, bytes]] = (),
) -> Answer:
    """One stream on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        return call_on(connection, fields, body, trailers)


def call_on(
    connection: socket.socket,
    fields: Iterable[tuple[bytes, bytes]],
    body: bytes = b"",
    trailers: Iterable[tuple[bytes, bytes]] = (),
) -> Answer:
    """The first stream on this connection."""
    behind = block(trailers)
    flags = END_HEADERS | (0 if body or behind else END_STREAM)
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, flags, 1, block(fields)))
    if body:
        connection.sendall(frame(DATA, 0 if behind else END_STREAM, 1, body))
    if behind:
        connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, behind))
    return _read(connection)


def fields(
    method: str, path: str, *more: tuple[bytes, bytes], authority: bytes = b"gate.test"
) -> list[tuple[bytes, bytes]]:
    """The four pseudo-header fields of a request, and more."""
    pseudo = [
        (b":method", method.encode()),
        (b":scheme", b"http"),
        (b":authority", authority),
        (b":path", path.encode()),
    ]
    return [*pseudo, *more]


def block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The fields as literals."""
    return b"".join(b"\x00" + _string(name) + _string(value) for name, value in fields)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _string(text: bytes) -> bytes:
    return _integer(len(text), 7) + text


def _integer(value: int, bits: int) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes((value,))
    out, value = bytearray((most,)), value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def _read(connection: socket.socket) -> Answer:
    stream = connection.makefile("rb")
    headers: tuple[tuple[str, str], ...] = ()
    body = bytearray()
    while len(head := stream.read(9)) == 9:
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = stream.read(length)
        if kind == SETTINGS and not flags & 1:
            connection.sendall(frame(SETTINGS, 1, 0, b""))
        elif kind == HEADERS:
            headers += tuple(decode(payload))
        elif kind == DATA:
            body += payload
        elif kind in (RST_STREAM, GOAWAY):
            break
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            status = int(dict(headers)[":status"])
            return Answer(status, headers, bytes(body))
    return Answer(0, headers, bytes(body), reset=True)


def decode(block: bytes) -> Iterable[tuple[str, str]]:
    """The fields that HAProxy wrote."""
    position = 0
    while position < len(block):
        first = block[position]
        if first & 0x80:
            yield ":status", STATIC[first & 0x7F]
            position += 1
            continue
        bits = 6 if first & 0x40 else 4
        index, position = _number(block, position, bits)
        if index:
            name = NAMES[index]
        else:
            name, position = _text(block, position)
        value, position = _text(block, position)
        yield name, value


def _number(block: bytes, position: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    value = block[position] & most
    position += 1
    if value < most:
        return value, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        value += (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def _text(block: bytes, position: int) -> tuple[str, int]:
    assert not block[position] & 0x80, "HAProxy writes no Huffman code"
    length, position = _number(block, position, 7)
    return block[position : position + length].decode("latin-1"), position + length
