"""Unit tests touch no socket: whoever tries gets an error that says so."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that connects or binds a socket fails, whatever address it meant."""

    def refuse(_self: socket.socket, address: object) -> None:
        msg = f"a unit test tried to use a socket ({address!r}): move it to tests/live or hand the code its bytes"
        raise AssertionError(msg)

    for name in ("bind", "connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
