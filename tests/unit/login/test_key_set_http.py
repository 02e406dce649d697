"""Which addresses a client's keys are fetched from."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from sumun.login import key_set_http
from sumun.login.key_set_http import KeySetHttp, is_everybodys


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
        *("", "localhost", "8.8.8.8.", "0x7f.1"),
    ],
)
def test_not_everybodys(address: str) -> None:
    """This machine, private networks, metadata services, other words for them, and what is no address."""
    assert not is_everybodys(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_everybodys(address: str) -> None:
    """Addresses of the public internet."""
    assert is_everybodys(address)


def test_a_name_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a client's name is asked for, one thread waits for its server; names of others, and whatever else the
    event loop has threads for, do not.
    """
    asked: list[str] = []
    ends = threading.Event()

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        if host == "silent.example":
            ends.wait()
        raise socket.gaierror("no such name")

    async def whole() -> None:
        http = KeySetHttp()
        for _ in range(50):
            with pytest.raises(ConnectionError, match="no answer in time"):
                await http.fetch("https://silent.example/keys", False)
        with pytest.raises(ConnectionError, match="no address"):
            await http.fetch("https://other.example/keys", False)
        await asyncio.to_thread(lambda: None)
        ends.set()
        await http.close()

    monkeypatch.setattr(key_set_http, "TIMEOUT_SECONDS", 0.02)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        asyncio.run(whole())
    finally:
        ends.set()
    assert asked == ["silent.example", "other.example"]
