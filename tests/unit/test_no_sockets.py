"""The guard of this folder's conftest works."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("use", ["bind", "connect", "connect_ex"])
def test_sockets_are_off(use: str) -> None:
    """A unit test cannot open the network by mistake."""
    with socket.socket() as plain, pytest.raises(AssertionError, match="unit test tried to use a socket"):
        getattr(plain, use)(("127.0.0.1", 9))


def test_asyncio_is_off_too() -> None:
    """The event loop reaches no server either, and can still run."""
    with pytest.raises(AssertionError, match="unit test tried to use a socket"):
        asyncio.run(asyncio.wait_for(asyncio.open_unix_connection("/nowhere.sock"), 1))


@given(st.integers())
def test_properties_run_beside_the_guard(number: int) -> None:
    """Hypothesis does not mind the guard of this folder."""
    assert number == number + 0
