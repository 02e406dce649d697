"""src/sumun/tokens/batching.py"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sumun.identity import ANYTHING, Subject
from sumun.tokens.batching import BatchingReader
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord
from tests.unit.tokens.asking import by_asking


class Slow:
    """A store that answers when it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []
        self.go = asyncio.Event()
        self.trouble: Exception | None = None

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        self.asked.append(list(digests))
        await self.go.wait()
        if self.trouble is not None:
            raise self.trouble
        return [None if digest == b"none" else record(digest) for digest in digests]


def record(digest: bytes) -> TokenRecord:
    return TokenRecord(digest.decode(), Subject.user("a"), "c", frozenset({ANYTHING}), 0, 0, 0)


def test_one_turn_is_one_question() -> None:
    """Look-ups of one loop turn travel together, each digest once; each asker gets its own answer."""

    async def conversation() -> None:
        store = Slow()
        reader = BatchingReader(by_asking(store.get_many))
        store.go.set()
        wanted = [b"a", b"b", b"a", b"none"]
        answers = await asyncio.gather(*(reader.get(digest, 0) for digest in wanted))
        assert answers == [(0, record(b"a")), (0, record(b"b")), (0, record(b"a")), (0, None)]
        assert store.asked == [[b"a", b"b", b"none"]]

    asyncio.run(conversation())


def test_one_who_fails_keeps_nobody_waiting() -> None:
    """An asker that cannot take its answer costs the others of its batch nothing, nor who asks for the same token later."""

    async def conversation() -> None:
        store = Slow()
        reader = BatchingReader(by_asking(store.get_many))
        store.go.set()

        def fail(_as_of: int, _found: object) -> None:
            raise ZeroDivisionError

        reader.ask(b"a", 0, fail)
        assert await reader.get(b"b", 0) == (0, record(b"b"))
        assert await reader.get(b"a", 0) == (0, record(b"a"))

    asyncio.run(conversation())


def test_who_joins_is_told_how_old_the_look_is() -> None:
    """A look under way is shared, with the `as_of` of the one who began it; after its answer a new one begins."""

    async def conversation() -> None:
        store = Slow()
        reader = BatchingReader(by_asking(store.get_many))
        first = asyncio.create_task(reader.get(b"a", 5))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(reader.get(b"a", 6))
        await asyncio.sleep(0.01)
        store.go.set()
        assert await asyncio.gather(first, second) == [(5, record(b"a"))] * 2
        assert store.asked == [[b"a"]]
        assert await reader.get(b"a", 7) == (7, record(b"a"))
        assert store.asked == [[b"a"], [b"a"]]

    asyncio.run(conversation())


def test_a_long_turn_is_cut() -> None:
    """No question to the store is longer than its bound."""

    async def conversation() -> None:
        store = Slow()
        reader = BatchingReader(by_asking(store.get_many), max_batch=10)
        store.go.set()
        await asyncio.gather(*(reader.get(b"%d" % i, 0) for i in range(25)))
        assert [len(batch) for batch in store.asked] == [10, 10, 5]

    asyncio.run(conversation())


@pytest.mark.parametrize("trouble", [StoreUnavailableError("down"), RuntimeError("a bug")])
def test_trouble_reaches_every_asker(trouble: Exception) -> None:
    """An outage of the store is an outage for each who asked, also when some have gone away; then life goes on."""

    async def conversation() -> None:
        store = Slow()
        store.trouble = trouble
        reader = BatchingReader(by_asking(store.get_many))
        askers = [asyncio.create_task(reader.get(b"%d" % (i % 2), 0)) for i in range(4)]
        await asyncio.sleep(0.01)
        askers[0].cancel()
        store.go.set()
        results = await asyncio.gather(*askers, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1:] == [trouble] * 3
        store.trouble = None
        assert await reader.get(b"0", 1) == (1, record(b"0"))

    asyncio.run(conversation())


def test_nobody_waits_for_ever() -> None:
    """When the question cannot even be asked, those who wait for it hear why."""

    async def conversation() -> None:
        def fail(_digests: Sequence[bytes], _hear: object) -> None:
            raise ZeroDivisionError

        reader = BatchingReader[int](fail)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(reader.get(b"a", 0), 30)

    asyncio.run(conversation())


def test_an_asker_that_leaves_takes_nothing_away() -> None:
    """The others still get the answer that was asked for with it."""

    async def conversation() -> None:
        store = Slow()
        reader = BatchingReader(by_asking(store.get_many))
        leaving, staying = (asyncio.create_task(reader.get(b"a", 0)) for _ in range(2))
        await asyncio.sleep(0.01)
        leaving.cancel()
        store.go.set()
        assert await staying == (0, record(b"a"))

    asyncio.run(conversation())


def test_the_crowd_is_bounded() -> None:
    """Beyond the bound a look-up fails at once; when others have their answers there is room again."""

    async def conversation() -> None:
        store = Slow()
        reader = BatchingReader(by_asking(store.get_many), max_waiting=5)
        askers = [asyncio.create_task(reader.get(b"%d" % i, 0)) for i in range(5)]
        await asyncio.sleep(0.01)
        with pytest.raises(StoreUnavailableError, match="5 token look-ups"):
            await reader.get(b"x", 0)
        store.go.set()
        await asyncio.gather(*askers)
        assert await reader.get(b"x", 0) == (0, record(b"x"))

    asyncio.run(conversation())
