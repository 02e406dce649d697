"""The house that a change passes through: a real directory, and feed and stores of this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from sumun.changes import Changes
from sumun.directory import Directory, DirectoryThreads
from sumun.identity import Permission, Subject
from sumun.sessions.farewells_memory import MemoryFarewells
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, Position
from sumun.tokens.record import TokenRecord
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.contracts.occasions import CONFIGURED, NOW_MS

DIGEST = bytes(range(32))
RECORD = TokenRecord(
    "tid_1", Subject.user("alice"), "shop", frozenset({Permission("*", "*")}), NOW_MS, NOW_MS + 900_000, 0
)


class BrittleFeed(MemoryFeed):
    """The feed of this process, with a way to be away."""

    away = False
    deaf = False

    async def publish(self, changes):
        if self.away:
            raise StoreUnavailableError("away")
        return await super().publish(changes)

    async def unconfirmed(self, node, n):
        if self.deaf:
            raise StoreUnavailableError("away")
        return await super().unconfirmed(node, n)


class House:
    """Everything that a change passes through."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.threads = DirectoryThreads()
        self.feed = BrittleFeed(clock=lambda: 0.0)
        self.store = MemoryStore(self.feed, clock=lambda: NOW_MS / 1000)
        self.sessions = MemorySessions(self.feed, clock=lambda: NOW_MS / 1000)
        self.changes = self.another()

    def another(self, *, node: str | None = "n1", wait_seconds: float = 0.2) -> Changes:
        """Changes of another process on the same stores."""
        return Changes(
            self.directory,
            self.threads,
            self.store,
            self.feed,
            self.sessions,
            MemoryFarewells(clock=lambda: NOW_MS / 1000),
            node=node,
            clock=lambda: NOW_MS / 1000,
            claims_live_seconds=900,
            configured_clients=lambda: CONFIGURED,
            wait_seconds=wait_seconds,
        )

    async def told(self) -> list[Change]:
        """Everything that the feed has told so far."""
        start = Position((await self.feed.head()).incarnation, 0)
        return [news.change for news in await self.feed.read_after(start, 0)]


Talk: TypeAlias = Callable[[Callable[[House], Awaitable[None]]], None]
