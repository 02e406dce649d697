"""What a node keeps in its store, behind contracts: the only file of `node/` that names the concrete classes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sumun.keeper.quota_book import QuotaBook
from sumun.keeper.quota_valkey import ValkeyQuotaBook
from sumun.login.throttle import Budgets, Counted, LoginThrottle
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.login.throttle_valkey import ValkeyLoginThrottle
from sumun.recognition import steady_seconds
from sumun.sessions import Farewells, SessionStore
from sumun.sessions.farewells_valkey import ValkeyFarewells
from sumun.sessions.store_valkey import ValkeySessions
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.feed import Feed
from sumun.tokens.store import TokenStore
from sumun.tokens.stores.connect import valkey_ephemeral, valkey_feed, valkey_store, valkey_tickets
from sumun.tokens.stores.valkey_link import Deadline, ValkeyAddress, ValkeyLink
from sumun.tokens.tickets import TicketStore


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that processes of a node keep in the store together."""

    tokens: TokenStore
    tickets: TicketStore
    ephemeral: EphemeralStore
    sessions: SessionStore
    farewells: Farewells
    feed: Feed


class _Closes(Protocol):
    async def close(self) -> None: ...


_Opened = TypeVar("_Opened", bound=_Closes)


@asynccontextmanager
async def open_stores(address: ValkeyAddress, deadline: Deadline) -> AsyncIterator[Stores]:
    """Connections are made when they are needed."""
    async with AsyncExitStack() as stack:

        def opened(store: _Opened) -> _Opened:
            stack.push_async_callback(store.close)
            return store

        yield Stores(
            opened(valkey_store(address, steady_seconds, deadline)),
            opened(valkey_tickets(address, steady_seconds, deadline)),
            opened(valkey_ephemeral(address, steady_seconds, deadline)),
            opened(ValkeySessions(ValkeyLink(address, deadline=deadline, steady=steady_seconds))),
            opened(
                ValkeyFarewells(ValkeyLink(address, connections=4, deadline=deadline, steady=steady_seconds))
            ),
            opened(valkey_feed(address, steady_seconds, deadline)),
        )


@asynccontextmanager
async def open_feed(address: ValkeyAddress, deadline: Deadline) -> AsyncIterator[Feed]:
    """The feed alone."""
    feed = valkey_feed(address, steady_seconds, deadline)
    try:
        yield feed
    finally:
        await feed.close()


@asynccontextmanager
async def open_quota_book(address: ValkeyAddress, deadline: Deadline) -> AsyncIterator[QuotaBook]:
    """Where all nodes add up what clients have used of their quotas."""
    book = ValkeyQuotaBook(ValkeyLink(address, connections=1, deadline=deadline, steady=steady_seconds))
    try:
        yield book
    finally:
        await book.close()


def shared_throttle(
    stack: AsyncExitStack, address: ValkeyAddress, deadline: Deadline, counted: Counted, budgets: Budgets
) -> LoginThrottle:
    """One count for all nodes; `stack` closes it."""
    throttle = ValkeyLoginThrottle(
        ValkeyLink(address, deadline=deadline, steady=steady_seconds), budgets, counted
    )
    stack.push_async_callback(throttle.close)
    return throttle


def own_throttle(budgets: Budgets) -> LoginThrottle:
    """The count of one process."""
    return MemoryLoginThrottle(budgets, steady_seconds)
