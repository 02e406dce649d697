"""The OAuth server behind the HTTP server that carries it, byte by byte: versions, HEAD, chunks, bodies that are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from sumun.node.machine.unix_socket import bind_unix
from tests.conversations.oauth.oauth_server import SECRETS, oauth_server

FORM = b"content-type: application/x-www-form-urlencoded\r\n"
BODY = f"grant_type=client_credentials&client_id=batch&client_secret={SECRETS['batch']}".encode()


@asynccontextmanager
async def listening(folder: Path, socket_folder: Path) -> AsyncIterator[Path]:
    """The server on a unix socket, as the HTTP process serves it."""
    path = socket_folder / "http.sock"
    async with oauth_server(folder) as oauth:
        config = uvicorn.Config(
            oauth.app, log_config=None, access_log=False, lifespan="off", server_header=False
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([bind_unix(path)]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield path
        finally:
            server.should_exit = True
            await serving


async def say(path: Path, *pieces: bytes, until_closed: bool = True) -> bytes:
    """Write these bytes on one connection; everything that comes back."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        async with asyncio.timeout(60):
            return await reader.read() if until_closed else await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()


def post(version: bytes, headers: bytes, body: bytes) -> bytes:
    """A request to the token endpoint."""
    return b"POST /oauth/token HTTP/%s\r\nhost: x\r\n%s%s\r\n%s" % (version, FORM, headers, body)


def test_versions(tmp_path: Path, socket_folder: Path) -> None:
    """HTTP/1.0 is answered and closed, HTTP/1.1 goes on until it is told to close."""
    length = b"content-length: %d\r\n" % len(BODY)

    async def story() -> None:
        async with listening(tmp_path, socket_folder) as path:
            old = await say(path, post(b"1.0", length, BODY))
            assert old.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"access_token" in old
            twice = await say(
                path, post(b"1.1", length, BODY), post(b"1.1", length + b"connection: close\r\n", BODY)
            )
            assert twice.count(b"HTTP/1.1 200 OK\r\n") == 2

    asyncio.run(story())


def test_pieces(tmp_path: Path, socket_folder: Path) -> None:
    """A body in chunks, and one that comes in pieces, is one body; who announces it is told to go on."""
    close = b"connection: close\r\n"

    async def story() -> None:
        async with listening(tmp_path, socket_folder) as path:
            chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (5, BODY[:5], len(BODY) - 5, BODY[5:])
            chunked = await say(path, post(b"1.1", close + b"transfer-encoding: chunked\r\n", chunks))
            assert b"access_token" in chunked
            length = close + b"content-length: %d\r\n" % len(BODY)
            pieces = await say(path, post(b"1.1", length, BODY[:7]), BODY[7:9], BODY[9:])
            assert b"access_token" in pieces
            expected = await say(path, post(b"1.1", length + b"expect: 100-continue\r\n", b""), BODY)
            assert expected.startswith(b"HTTP/1.1 100 Continue\r\n")
            assert b"access_token" in expected

    asyncio.run(story())


def test_head_and_options(tmp_path: Path, socket_folder: Path) -> None:
    """HEAD has the headers of GET and no body, OPTIONS has Allow, and both leave the connection usable."""

    async def story() -> None:
        async with listening(tmp_path, socket_folder) as path:
            target = b"/.well-known/jwks.json HTTP/1.1\r\nhost: x\r\n"
            got = await say(path, b"GET " + target + b"connection: close\r\n\r\n")
            head, _, body = got.partition(b"\r\n\r\n")
            assert json.loads(body)["keys"]
            both = await say(
                path, b"HEAD " + target + b"\r\n", b"OPTIONS " + target + b"connection: close\r\n\r\n"
            )
            first, second, rest = both.split(b"\r\n\r\n")
            assert first.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"content-length: %d" % len(body) in first
            assert b"content-length: %d" % len(body) in head
            assert second.startswith(b"HTTP/1.1 204 No Content\r\n")
            assert b"allow: GET, HEAD, OPTIONS" in second
            assert rest == b""

    asyncio.run(story())


def test_bodies_that_are_refused(tmp_path: Path, socket_folder: Path) -> None:
    """A body that is too large is refused before it has come, and the connection ends."""

    async def story() -> None:
        async with listening(tmp_path, socket_folder) as path:
            announced = await say(path, post(b"1.1", b"content-length: 70000\r\n", b"a=1"))
            assert announced.startswith(b"HTTP/1.1 413 ")
            endless = b"%x\r\n%s\r\n" % (70_000, b"x" * 70_000)
            chunked = await say(path, post(b"1.1", b"transfer-encoding: chunked\r\n", endless))
            assert chunked.startswith(b"HTTP/1.1 413 ")

    asyncio.run(story())
