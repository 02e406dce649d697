"""The contracts of tokens, kept by the parts that live in this process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sumun.sessions import Farewells
from sumun.sessions.farewells_memory import MemoryFarewells
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.feed import Feed
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_ephemeral import MemoryEphemeral
from sumun.tokens.stores.memory_feed import MemoryFeed
from sumun.tokens.stores.memory_tickets import MemoryTickets
from sumun.tokens.tickets import TicketStore
from tests.contracts.ephemeral_store import EphemeralStoreContract
from tests.contracts.farewells import FarewellsContract
from tests.contracts.feed import FeedContract
from tests.contracts.session_store import Opened, SessionStoreContract
from tests.contracts.ticket_store import TicketStoreContract
from tests.contracts.token_store import Pair, TokenStoreContract


class TestMemoryStore(TokenStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Pair]:
        feed = MemoryFeed(time.monotonic)
        yield MemoryStore(feed, time.time), feed


class TestMemoryTickets(TicketStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[TicketStore]:
        yield MemoryTickets(time.time)


class TestMemoryEphemeral(EphemeralStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[EphemeralStore]:
        yield MemoryEphemeral(time.time)


class TestMemorySessions(SessionStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        feed = MemoryFeed(time.monotonic)
        yield MemorySessions(feed, time.time), feed


class TestMemoryFarewells(FarewellsContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Farewells]:
        yield MemoryFarewells(time.time)


class TestMemoryFeed(FeedContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Feed]:
        yield MemoryFeed(time.monotonic)

    async def lose_before(self, feed: Feed, n: int) -> None:
        assert isinstance(feed, MemoryFeed)
        feed.lose_before(n)

    async def begin_anew(self, feed: Feed) -> None:
        assert isinstance(feed, MemoryFeed)
        feed.begin_anew()
