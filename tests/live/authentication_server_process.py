"""An authentication server of the tests, a process of its own: it keeps the contract at one path and nowhere else.

    python -m tests.live.authentication_server_process HTTP_FD RAW_FD [CERTIFICATE KEY]

HTTP_FD and RAW_FD are listening sockets; with a certificate HTTP_FD speaks TLS. Each path of the first is a way to
answer; each path of the second a way to be no HTTP server at all.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

SECRET = "shared-by-the-tests"
RIGHT = "열려라 참깨: 100% & +!"
PEOPLE = {"dave": False, "eve": True}
SEEN: list[dict[str, Any]] = []
NOT_MINE = b'{"outcome":"not_mine"}'


async def authenticate(request: Request) -> Response:
    """The contract, kept."""
    if request.headers.get("authorization") != f"Bearer {SECRET}":
        return JSONResponse({"error": "unknown gateway"}, 401)
    asked = await request.json()
    SEEN.append({"headers": dict(request.headers), "body": asked})
    if asked["login"] not in PEOPLE:
        return JSONResponse({"outcome": "not_mine"})
    if asked["password"] != RIGHT:
        return JSONResponse({"outcome": "rejected", "reason": "bad_credentials"})
    if PEOPLE[asked["login"]]:
        return JSONResponse({"outcome": "rejected", "reason": "disabled"})
    name, roles = "Dave 데이브", ["user", "admin"]
    return JSONResponse(
        {"outcome": "accepted", "subject": asked["login"], "name": name, "roles": roles},
        headers={"set-cookie": "session=1"},
    )


async def seen(_request: Request) -> Response:
    """What was asked so far."""
    return JSONResponse(SEEN)


def always(status: int, body: bytes, **headers: str) -> Callable[[Request], Awaitable[Response]]:
    """The same answer to everybody."""

    async def answer(_request: Request) -> Response:
        return Response(body, status, {"content-type": "application/json", **headers})

    return answer


def accepted(**members: Any) -> bytes:
    """An accepted answer with these members."""
    return json.dumps({"outcome": "accepted", "subject": "dave", **members}).encode()


async def hang(_request: Request) -> Response:
    """Nothing, for a long time."""
    await asyncio.sleep(60)
    return Response(NOT_MINE)


async def redirect(_request: Request) -> Response:
    """Somewhere else, where the contract is kept."""
    return RedirectResponse("/authenticate", 307)


async def drip(_request: Request) -> Response:
    """A good answer, one byte at a time, too slowly in all."""

    async def bytes_of_it() -> AsyncIterator[bytes]:
        for byte in NOT_MINE:
            yield bytes([byte])
            await asyncio.sleep(0.1)

    return StreamingResponse(bytes_of_it(), media_type="application/json")


async def huge(_request: Request) -> Response:
    """More than is read, and then nothing for a long time."""

    async def spaces() -> AsyncIterator[bytes]:
        yield b" " * 65536
        await asyncio.sleep(60)
        yield NOT_MINE

    return StreamingResponse(spaces(), media_type="application/json")


APP = Starlette(
    routes=[
        Route("/authenticate", authenticate, methods=["POST"]),
        Route("/seen", seen),
        *(
            Route(path, answer, methods=["POST"])
            for path, answer in {
                "/hang": hang,
                "/redirect": redirect,
                "/drip": drip,
                "/huge": huge,
                "/401": always(401, b'{"outcome":"rejected","reason":"bad_credentials"}'),
                "/500": always(500, NOT_MINE),
                "/503": always(503, NOT_MINE),
                "/204": always(204, b""),
                "/html": always(200, b"<p>welcome</p>", **{"content-type": "text/html"}),
                "/not-json": always(200, b"{"),
                "/gzip": always(200, gzip.compress(NOT_MINE), **{"content-encoding": "gzip"}),
                "/token": always(200, accepted(access_token="smn_at_x", token_type="Bearer")),
                "/outcome": always(200, b'{"outcome":"maybe"}'),
                "/subject": always(200, accepted(subject="Dave")),
                "/name": always(200, accepted(name="a\u0000b")),
                "/alice": always(200, accepted(subject="alice", name="Alice", roles=["user"])),
            }.items()
        ),
    ]
)

RAW = {
    b"/garbage": b"\x00\x01\x02 this is no HTTP \xff\r\n\r\n",
    b"/closed": b"",
    b"/half": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n" + NOT_MINE,
    b"/headers": b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1_000_000,
    b"/two-lengths": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n"
    b"content-length: 22\r\n\r\n" + NOT_MINE,
}


async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes that are no good answer."""
    request = await reader.readuntil(b"\r\n\r\n")
    writer.write(RAW[request.split(b" ")[1]])
    writer.close()


async def main() -> None:
    """Serve both sockets."""
    http, rude = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    tls = {"ssl_certfile": sys.argv[3], "ssl_keyfile": sys.argv[4]} if len(sys.argv) > 3 else {}
    server = uvicorn.Server(
        uvicorn.Config(APP, log_level="error", access_log=False, lifespan="off", **tls)  # type: ignore[arg-type]
    )
    async with await asyncio.start_server(raw, sock=rude):
        await server.serve([http])


if __name__ == "__main__":
    asyncio.run(main())
