"""What every TicketStore keeps. A suite for one store: a class that says how to open it.

class TestMyTickets(TicketStoreContract):
    def open(self): ...   # async context manager: a TicketStore on an empty place
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager

import pytest

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.tickets import MOST_AT_ONCE, TicketStore
from tests.contracts.in_loop import in_loop

LONG_MS = 30_000


class TicketStoreContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[TicketStore]:
        raise NotImplementedError

    @in_loop
    async def test_once(self, store: TicketStore) -> None:
        """A ticket is given back as it was put, once; what was never put is None."""
        ticket, other = secrets.token_bytes(32), secrets.token_bytes(32)
        assert await store.put(ticket, b"\x00what\xff", "tid_a", LONG_MS)
        assert await store.redeem(other) is None
        assert await store.redeem(ticket) == b"\x00what\xff"
        assert await store.redeem(ticket) is None

    @in_loop
    async def test_many_at_once(self, store: TicketStore) -> None:
        """Of a hundred who redeem one ticket at the same time, one is given it."""
        ticket = secrets.token_bytes(32)
        assert await store.put(ticket, b"what", "tid_a", LONG_MS)
        answers = await asyncio.gather(*(store.redeem(ticket) for _ in range(100)))
        assert (answers.count(b"what"), answers.count(None)) == (1, 99)

    @in_loop
    async def test_over(self, store: TicketStore) -> None:
        """A ticket whose time is over is gone."""
        ticket, stays = secrets.token_bytes(32), secrets.token_bytes(32)
        assert await store.put(ticket, b"what", "tid_a", 50)
        assert await store.put(stays, b"what", "tid_b", LONG_MS)
        await asyncio.sleep(0.1)
        assert await store.redeem(ticket) is None
        assert await store.redeem(stays) == b"what"

    @in_loop
    async def test_bounded(self, store: TicketStore) -> None:
        """One token gets so many tickets within the life of one; another token is not concerned, and time helps."""
        put = [await store.put(secrets.token_bytes(32), b"x", "tid_a", 2000) for _ in range(MOST_AT_ONCE + 5)]
        assert put == [True] * MOST_AT_ONCE + [False] * 5
        assert await store.put(secrets.token_bytes(32), b"x", "tid_b", 2000)
        await asyncio.sleep(2.1)
        assert await store.put(secrets.token_bytes(32), b"x", "tid_a", 2000)

    @in_loop
    async def test_closed(self, store: TicketStore) -> None:
        """A store that was closed is an outage, and no answer; closing twice does no harm."""
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailableError):
            await store.redeem(secrets.token_bytes(32))
        with pytest.raises(StoreUnavailableError):
            await store.put(secrets.token_bytes(32), b"x", "tid_a", 2000)
