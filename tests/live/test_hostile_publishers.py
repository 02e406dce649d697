"""Publishers of keys that mean harm (`jwks_uri`), over real TLS: each is an outage of its own client, soon, and of nobody else."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from sumun.login import key_set_http
from sumun.login.fetched_keys import FetchedKeys, KeySetUnavailableError, read_key_set
from sumun.login.key_set_http import MAX_BYTES, KeySetHttp
from sumun.tokens.signing_keys import SigningKey
from tests.certificates import Certificate

Says = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
KEY = SigningKey.generate("ES256")
GOOD = json.dumps({"keys": [dict(KEY.public_jwk)]}).encode()
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def publisher(
    folder: Path, says: Says, patch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, KeySetHttp]]:
    """Its address, and who fetches from it and trusts its certificate."""
    authority = Certificate.authority()
    authority.issue("partner", names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]).write(
        folder, "partner"
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "partner.pem", folder / "partner.key")
    trusted = folder / "trusted.pem"
    trusted.write_text(authority.pem())
    patch.setenv("SSL_CERT_FILE", str(trusted))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await says(reader, writer, head.split(b" ")[1])
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    http = KeySetHttp()
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys", http
    finally:
        await http.close()
        server.close()


async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """A byte now and then, in the head: no read ever waits for long."""
    for byte in OK + b"X: " + b"a" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """The same behind the head."""
    writer.write(OK + b"Content-Length: 10000\r\n\r\n")
    for _ in range(10_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """Header fields without end."""
    writer.write(OK)
    while True:
        writer.write(b"X-More: " + b"a" * 8000 + b"\r\n")
        await writer.drain()


async def endless_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """A body without end."""
    writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"2000\r\n" + b" " * 0x2000 + b"\r\n")
        await writer.drain()


async def endless_news(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """Interim answers without end (RFC 9110 15.2)."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await writer.drain()


async def bomb(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """What unpacks to 100 MiB, though nobody asked for it packed."""
    packed = gzip.compress(b'{"keys":' + b" " * (100 << 20) + b"[]}")
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    writer.write(OK + head + packed)
    await writer.drain()


async def elsewhere(_: asyncio.StreamReader, writer: asyncio.StreamWriter, *_path: bytes) -> None:
    """A redirect to where only we can go."""
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter, *_path: bytes) -> None:
    """Nothing."""
    await reader.read()


HOSTILE = [dripping, dripping_body, endless_head, endless_body, endless_news, bomb, elsewhere, silent]


@pytest.mark.parametrize("says", HOSTILE, ids=lambda one: one.__name__)
def test_it_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: Says) -> None:
    """Whatever it does, the keys are not there, after seconds and kilobytes."""

    async def whole() -> None:
        async with publisher(tmp_path, says, monkeypatch) as (uri, http):
            keys = FetchedKeys(http.fetch, time.monotonic)
            with pytest.raises(KeySetUnavailableError):
                await keys.of(uri, "k", private=True)

    monkeypatch.setattr(key_set_http, "TIMEOUT_SECONDS", 1.0)
    asyncio.run(whole())


def test_nobody_else_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While publishers are silent, and many call in their clients' names, another client's keys are fetched."""

    async def whole() -> None:
        found = asyncio.Event()

        async def says(_: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes) -> None:
            if path != b"/keys":
                await found.wait()
                return
            writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD)
            await writer.drain()

        async with publisher(tmp_path, says, monkeypatch) as (uri, http):
            keys = FetchedKeys(http.fetch, time.monotonic)
            slow = [
                asyncio.create_task(keys.of(f"{uri}?{n % 20}", f"made-up-{n}", private=True))
                for n in range(400)
            ]
            await asyncio.sleep(0)
            assert KEY.kid in await keys.of(uri, KEY.kid, private=True)
            found.set()
            ended = await asyncio.gather(*slow, return_exceptions=True)
            assert all(isinstance(one, KeySetUnavailableError) for one in ended)

    monkeypatch.setattr(key_set_http, "TIMEOUT_SECONDS", 60.0)
    asyncio.run(whole())


def test_keys_that_cost() -> None:
    """10,000 keys, an RSA key of 16,384 bits, a huge exponent, a symmetric key: none of them is ever verified with."""
    many = json.dumps({"keys": [dict(KEY.public_jwk)] * 10_000}).encode()
    assert len(many) > MAX_BYTES
    large = {"kty": "RSA", "n": "_" * 2730 + "8", "e": "AQAB"}
    slow = {**SigningKey.generate("RS256").public_jwk, "e": "_" * 341 + "w"}
    for keys in ([large], [slow], [{"kty": "oct", "k": "AAAA", "alg": "HS256"}]):
        with pytest.raises(ValueError, match="0 keys"):
            read_key_set(json.dumps({"keys": keys}).encode())
    with pytest.raises(ValueError, match="0 keys"):
        read_key_set(many)
