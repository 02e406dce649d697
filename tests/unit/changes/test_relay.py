"""The relay from the outbox to the feed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sumun.changes import Relay, relay
from sumun.changes.in_line import InLine
from sumun.directory import Directory, DirectoryThreads
from sumun.directory.errors import DirectoryUnavailableError
from sumun.sessions.farewells_memory import MemoryFarewells
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Position
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.contracts.occasions import NOW, NOW_MS


class BrittleFeed(MemoryFeed):
    """The feed of this process, with a way to be away, and to be slow."""

    away = False

    async def publish(self, changes):
        if self.away:
            raise StoreUnavailableError("away")
        await asyncio.sleep(0.005)
        return await super().publish(changes)

    async def told(self) -> list[str]:
        """The keys of everything told so far, in order."""
        start = Position((await self.head()).incarnation, 0)
        return [news.change.key for news in await self.read_after(start, 0)]


Conversation = Callable[[DirectoryThreads, BrittleFeed], Awaitable[None]]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """An empty directory."""
    with Directory.open(tmp_path / "sumun.db") as opened:
        yield opened


def run(conversation: Conversation) -> None:
    """Run it, and close the threads."""

    async def whole() -> None:
        threads = DirectoryThreads()
        try:
            await conversation(threads, BrittleFeed(clock=lambda: 0.0))
        finally:
            await threads.close()

    asyncio.run(whole())


def a_relay(directory: Directory, threads: DirectoryThreads, feed: BrittleFeed) -> Relay:
    """A relay with a token store that tells the same feed."""
    tokens, sessions = MemoryStore(feed, clock=float), MemorySessions(feed, clock=float)
    return Relay(
        directory,
        threads,
        feed,
        InLine(directory, threads, tokens, sessions, MemoryFarewells(float), lambda actor: NOW),
    )


def store(directory: Directory, *keys: str) -> None:
    """Changes that wait."""
    for jti in keys:
        directory.denials.deny_token(jti, NOW_MS, NOW)


def test_in_order_and_in_batches(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that waits is told oldest first, however many batches it takes; then nothing waits."""
    monkeypatch.setattr(relay, "BATCH", 3)
    keys = [f"jti-{i}" for i in range(9)]
    store(directory, *keys)

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        carrier = a_relay(directory, threads, feed)
        assert await carrier.relay_outbox() == 9
        assert await carrier.relay_outbox() is None
        assert await feed.told() == keys

    run(conversation)
    assert directory.outbox.oldest(10) == []


def test_two_at_once(directory: Directory) -> None:
    """Two relays lose nothing and keep the order of what each tells; twice told is allowed."""

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        carriers = a_relay(directory, threads, feed), a_relay(directory, threads, feed)
        keys = [f"jti-{i}" for i in range(20)]
        for jti in keys:
            store(directory, jti)
            await asyncio.gather(*(carrier.relay_outbox() for carrier in carriers))
        told = await feed.told()
        assert list(dict.fromkeys(told)) == keys

    run(conversation)
    assert directory.outbox.oldest(10) == []


def test_callers_of_one_process_do_not_repeat_each_other(directory: Directory) -> None:
    """Many changes at once: each is told once by this process."""
    keys = [f"jti-{i}" for i in range(10)]
    store(directory, *keys)

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        carrier = a_relay(directory, threads, feed)
        assert sorted(filter(None, await asyncio.gather(*(carrier.relay_outbox() for _ in range(10))))) == [
            10
        ]
        assert await feed.told() == keys

    run(conversation)


def test_a_number_that_is_given_twice(directory: Directory) -> None:
    """A restored database, or a standby that took over, numbers anew: what waits there is told all the same."""

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        carrier = a_relay(directory, threads, feed)
        for jti in ("jti-1", "jti-2"):
            store(directory, jti)
            assert [entry.id for entry in directory.outbox.oldest(10)] == [1]
            await carrier.relay_outbox()
            with directory._database.write() as connection:
                connection.execute(sa.text("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'outbox'"))
        assert await feed.told() == ["jti-1", "jti-2"]

    run(conversation)


def test_nothing_is_deleted_before_it_is_told(directory: Directory) -> None:
    """While the feed is away, the outbox keeps everything."""
    store(directory, "jti-1", "jti-2")

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        feed.away = True
        with pytest.raises(StoreUnavailableError):
            await a_relay(directory, threads, feed).relay_outbox()
        assert len(directory.outbox.oldest(10)) == 2

    run(conversation)


def test_told_and_not_deleted(directory: Directory) -> None:
    """When deleting fails (full disk), the news is out; this process does not repeat it, another may."""
    store(directory, "jti-1")
    with directory._database.write() as connection:
        connection.execute(
            sa.text("CREATE TRIGGER no BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END")
        )

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        carrier = a_relay(directory, threads, feed)
        assert await carrier.relay_outbox() == 1
        with pytest.raises(DirectoryUnavailableError):
            await carrier.relay_outbox()
        assert await feed.told() == ["jti-1"]
        store(directory, "jti-2")
        assert await carrier.relay_outbox() == 2
        with directory._database.write() as connection:
            connection.execute(sa.text("DROP TRIGGER no"))
        assert await carrier.relay_outbox() is None
        assert await feed.told() == ["jti-1", "jti-2"]

    run(conversation)
    assert directory.outbox.oldest(10) == []


def test_the_loop_of_a_node(directory: Directory, caplog: pytest.LogCaptureFixture) -> None:
    """The loop tells what others left behind, survives an outage, and says when it began and ended."""

    async def conversation(threads: DirectoryThreads, feed: BrittleFeed) -> None:
        loop = asyncio.create_task(a_relay(directory, threads, feed).relay_forever(interval_seconds=0.01))
        try:
            store(directory, "jti-1")
            await until(lambda: not directory.outbox.oldest(1))
            feed.away = True
            store(directory, "jti-2")
            await until(lambda: "news waits in the outbox" in caplog.text)
            feed.away = False
            await until(lambda: "news flows from the outbox again" in caplog.text)
            assert await feed.told() == ["jti-1", "jti-2"]
        finally:
            loop.cancel()
            with pytest.raises(asyncio.CancelledError):
                await loop

    with caplog.at_level(logging.INFO):
        run(conversation)
    assert caplog.text.count("news waits in the outbox") == 1


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; five seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # what it waits for is in a database, which sets no event
            await asyncio.sleep(0.005)
