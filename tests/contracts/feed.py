"""What every Feed keeps. A suite for one feed: a class that says how to open it and how to make it lose news.

class TestMyFeed(FeedContract):
    def open(self): ...                        # async context manager: Feed, empty
    async def lose_before(self, feed, n): ...  # drop the news older than n
    async def begin_anew(self, feed): ...      # as after a failover: another incarnation
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager

import pytest

from sumun.tokens.errors import NewsLostError, StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, Feed, Position
from tests.contracts.in_loop import in_loop

ALICE = Change(ChangeKind.SUBJECT, "user:alice")
BOB = Change(ChangeKind.SUBJECT, "user:bob")
ALL_KINDS = [
    Change(ChangeKind.TOKEN, "tid_1"),
    ALICE,
    Change(ChangeKind.CLIENT, "batch"),
    Change(ChangeKind.KEYS),
    Change(ChangeKind.EVERYTHING),
]


class FeedContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[Feed]:
        raise NotImplementedError

    async def lose_before(self, feed: Feed, n: int) -> None:
        raise NotImplementedError

    async def begin_anew(self, feed: Feed) -> None:
        raise NotImplementedError

    @in_loop
    async def test_numbers_without_a_gap(self, feed: Feed) -> None:
        """Every change has the next number, also when several are published at once."""
        start = await feed.head()
        assert await feed.publish([ALICE]) == start.n + 1
        assert await feed.publish([ALICE, BOB, ALICE]) == start.n + 4
        assert await feed.head() == Position(start.incarnation, start.n + 4)
        numbers = await asyncio.gather(*(feed.publish([ALICE]) for _ in range(10)))
        assert sorted(numbers) == list(range(start.n + 5, start.n + 15))

    @in_loop
    async def test_refuses_to_publish_nothing(self, feed: Feed) -> None:
        """Nothing to publish is the caller's mistake."""
        with pytest.raises(ValueError, match="nothing"):
            await feed.publish([])

    @in_loop
    async def test_reads_oldest_first(self, feed: Feed) -> None:
        """A reader gets every kind of news after its position, in order, and none before."""
        await feed.publish([BOB])
        start = await feed.head()
        await feed.publish(ALL_KINDS)
        news = await feed.read_after(start, 0)
        assert [one.change for one in news] == ALL_KINDS
        assert [one.n for one in news] == list(range(start.n + 1, start.n + 6))
        later = Position(start.incarnation, start.n + 3)
        assert [one.change for one in await feed.read_after(later, 0)] == ALL_KINDS[3:]
        assert await feed.read_after(await feed.head(), 0) == []

    @in_loop
    async def test_reads_a_long_way_in_steps(self, feed: Feed) -> None:
        """A reader far behind gets everything, in as many reads as it takes."""
        start = await feed.head()
        await feed.publish([ALICE] * 2500)
        position, seen = start, 0
        while news := await feed.read_after(position, 0):
            seen += len(news)
            position = Position(start.incarnation, news[-1].n)
        assert seen == 2500

    @in_loop
    async def test_waits_for_the_first_news(self, feed: Feed) -> None:
        """A waiting reader is woken by the next change, long before its time is over."""
        start = await feed.head()
        waiting = asyncio.create_task(feed.read_after(start, 5))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await feed.publish([ALICE])
        [news] = await waiting
        assert news.change == ALICE
        assert time.monotonic() - began < 1

    @in_loop
    async def test_nothing_new_is_an_answer(self, feed: Feed) -> None:
        """A wait without news ends after about the time that was asked for, with an empty list."""
        start = await feed.head()
        began = time.monotonic()
        assert await feed.read_after(start, 0.2) == []
        assert 0.15 < time.monotonic() - began < 1

    @in_loop
    async def test_another_incarnation_is_lost_news(self, feed: Feed) -> None:
        """A position of another incarnation cannot be continued."""
        head = await feed.head()
        with pytest.raises(NewsLostError):
            await feed.read_after(Position("another", head.n), 0)

    @in_loop
    async def test_dropped_news_is_lost_news(self, feed: Feed) -> None:
        """Who stands before the oldest news that is kept is told so; who stands right before it is not."""
        start = await feed.head()
        await feed.publish([ALICE, BOB, ALICE, BOB])
        await self.lose_before(feed, start.n + 3)
        assert len(await feed.read_after(Position(start.incarnation, start.n + 2), 0)) == 2
        with pytest.raises(NewsLostError):
            await feed.read_after(start, 0)
        await self.lose_before(feed, start.n + 100)
        assert await feed.read_after(await feed.head(), 0) == []
        with pytest.raises(NewsLostError):
            await feed.read_after(Position(start.incarnation, start.n + 3), 0)

    @in_loop
    async def test_a_position_from_the_future_is_lost_news(self, feed: Feed) -> None:
        """A reader that saw more than was ever told proves a loss; from then on everybody is told."""
        start = await feed.head()
        await feed.publish([ALICE, BOB])
        with pytest.raises(NewsLostError):
            await feed.read_after(Position(start.incarnation, start.n + 3), 0)
        with pytest.raises(NewsLostError):
            await feed.read_after(start, 0)
        assert (await feed.head()).incarnation != start.incarnation

    @in_loop
    async def test_begins_anew(self, feed: Feed) -> None:
        """After a loss no old position is continued, even when the numbers have grown past it again."""
        await feed.publish([ALICE] * 3)
        old = await feed.head()
        await self.begin_anew(feed)
        await feed.publish([BOB] * (old.n + 5))
        new = await feed.head()
        assert new.incarnation != old.incarnation
        with pytest.raises(NewsLostError):
            await feed.read_after(old, 0)
        await feed.publish([ALICE])
        assert [one.change for one in await feed.read_after(new, 0)] == [ALICE]

    @in_loop
    async def test_names_who_has_not_confirmed(self, feed: Feed) -> None:
        """The living processes behind a number are named, of one node or of all; the others are not."""
        start = await feed.head()
        n = await feed.publish([ALICE])
        behind, caught_up = start, Position(start.incarnation, n)
        await feed.confirm("a", "answer-0", behind, 60)
        await feed.confirm("a", "answer-1", caught_up, 60)
        await feed.confirm("ab", "answer-0", behind, 60)
        assert await feed.unconfirmed("a", n) == {"a/answer-0"}
        assert await feed.unconfirmed(None, n) == {"a/answer-0", "ab/answer-0"}
        assert await feed.unconfirmed("a", start.n) == frozenset()
        assert await feed.unconfirmed("c", n) == frozenset()
        await feed.confirm("a", "answer-0", caught_up, 60)
        assert await feed.unconfirmed("a", n) == frozenset()

    @in_loop
    async def test_the_dead_are_not_waited_for(self, feed: Feed) -> None:
        """Who has not renewed its word in time, or has said goodbye, holds nobody up."""
        start = await feed.head()
        n = await feed.publish([ALICE])
        await feed.confirm("a", "short", start, 0.2)
        await feed.confirm("a", "gone", start, 60)
        await feed.confirm("a", "gone", start, 0)
        assert await feed.unconfirmed(None, n) == {"a/short"}
        await asyncio.sleep(0.3)
        assert await feed.unconfirmed(None, n) == frozenset()

    @in_loop
    async def test_a_word_about_another_incarnation_counts_for_nothing(self, feed: Feed) -> None:
        """A living process that confirmed numbers of before a loss has not confirmed those of after."""
        old = await feed.head()
        await self.begin_anew(feed)
        n = await feed.publish([ALICE])
        await feed.confirm("a", "answer-0", Position(old.incarnation, n + 1000), 60)
        assert await feed.unconfirmed("a", n) == {"a/answer-0"}

    @in_loop
    async def test_closes_twice(self, feed: Feed) -> None:
        """Closing again is no mistake; what is asked after is an outage."""
        head = await feed.head()
        await feed.close()
        await feed.close()
        with pytest.raises(StoreUnavailableError):
            await feed.read_after(head, 0)
