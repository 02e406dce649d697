"""The book of quotas on a real Valkey server: shared by nodes, told twice without harm, and new every day."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sumun.errors import OutageError
from sumun.keeper.quota_book import Count, QuotaBook
from sumun.keeper.quota_valkey import ValkeyQuotaBook
from sumun.keeper.quotas import DAY_SECONDS
from sumun.tokens.stores.valkey_link import ValkeyLink
from tests.live.valkey_server import ValkeyServer, patience, running_valkey

KEY = "smn:quota:app"


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A server."""
    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder)) as server,
    ):
        yield server


@asynccontextmanager
async def book_on(server: ValkeyServer) -> AsyncIterator[QuotaBook]:
    """A book, as one node has it."""
    book = ValkeyQuotaBook(ValkeyLink(server.address, deadline=patience, steady=time.monotonic))
    try:
        yield book
    finally:
        await book.close()


def on_book(server: ValkeyServer, work: Callable[[QuotaBook], Awaitable[None]]) -> None:
    """Do this work with a book."""

    async def whole() -> None:
        async with book_on(server) as book:
            await work(book)

    asyncio.run(whole())


def test_all_workers_of_all_nodes_are_added_up(valkey: ValkeyServer) -> None:
    """What workers have counted since they began is added up, by client, whoever tells it."""

    async def work(book: QuotaBook) -> None:
        assert (await book.add("app", [])).calls == 0
        assert (await book.add("app", [Count("a/1-1", 10), Count("a/2-2", 5)])).calls == 15
        async with book_on(valkey) as other:
            assert (await other.add("app", [Count("b/1-1", 7)])).calls == 22
            assert (await other.add("jobs", [Count("b/1-1", 1)])).calls == 1
        used = await book.add("app", [Count("a/1-1", 11), Count("a/2-2", 5)])
        assert (used.calls, used.day) == (23, int(time.time() // DAY_SECONDS))

    on_book(valkey, work)


def test_told_twice_is_added_once(valkey: ValkeyServer) -> None:
    """A count that was told before adds nothing, also by a keeper that began anew and remembers nothing."""

    async def work(book: QuotaBook) -> None:
        for _ in range(3):
            assert (await book.add("app", [Count("a/1-1", 10, before=0)])).calls == 10
        async with book_on(valkey) as again:
            assert (await again.add("app", [Count("a/1-1", 12)])).calls == 12

    on_book(valkey, work)


def test_a_server_that_lost_it_counts_from_what_the_keeper_had(valkey: ValkeyServer) -> None:
    """After a flush a worker's whole life is not charged to today, only what came since its keeper last told it."""

    async def work(book: QuotaBook) -> None:
        await book.add("app", [Count("a/1-1", 1_000_000)])
        assert valkey.admin("FLUSHALL") == "+OK"
        assert (await book.add("app", [Count("a/1-1", 1_000_003, before=1_000_000)])).calls == 3
        assert (await book.add("app", [Count("a/1-1", 1_000_004, before=1_000_003)])).calls == 4

    on_book(valkey, work)


def test_a_new_day(valkey: ValkeyServer) -> None:
    """At midnight nothing is used; what a worker counted before is never counted again, however long it lives."""

    async def work(book: QuotaBook) -> None:
        assert (await book.add("app", [Count("a/1-1", 50)])).calls == 50
        for _ in range(10):
            shift(valkey, 1)
            assert (await book.add("app", [Count("a/1-1", 50)])).calls == 0
        assert (await book.add("app", [Count("a/1-1", 52)])).calls == 2

    on_book(valkey, work)


def test_what_is_gone_is_forgotten(valkey: ValkeyServer) -> None:
    """Workers of which nobody told for a week are not kept, and a client that nobody counts is forgotten itself."""

    async def work(book: QuotaBook) -> None:
        await book.add("app", [Count("a/9-9", 3)])
        shift(valkey, 9)
        await book.add("app", [Count("a/1-1", 1)])
        assert list(kept(valkey)["seen"]) == ["a/1-1"]
        assert 0 < int(valkey.admin("PTTL", KEY).lstrip(":")) <= 7 * DAY_SECONDS * 1000

    on_book(valkey, work)


def kept(valkey: ValkeyServer) -> dict[str, Any]:
    """What the server keeps of the client."""
    found: dict[str, Any] = json.loads(valkey.admin_text("GET", KEY).split("\r\n")[1])
    return found


def shift(valkey: ValkeyServer, days: int) -> None:
    """Let so many days pass: everything that is kept becomes older."""
    book = kept(valkey)
    book["day"] -= days
    book["seen"] = {worker: [count, day - days] for worker, (count, day) in book["seen"].items()}
    assert valkey.admin("SET", KEY, json.dumps(book)) == "+OK"


def test_no_server(valkey: ValkeyServer) -> None:
    """Without its server the book is away, and says so."""

    async def work(book: QuotaBook) -> None:
        valkey.kill()
        with pytest.raises(OutageError):
            await book.add("app", [Count("a/1-1", 1)])

    on_book(valkey, work)
