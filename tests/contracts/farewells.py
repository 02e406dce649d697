"""What every Farewells store keeps. A suite for one store: a class that says how to open it.

class TestMyFarewells(FarewellsContract):
    def open(self): ...   # async context manager: Farewells on an empty place
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from sumun.sessions import Farewells
from sumun.sessions.farewells import Farewell, pause_seconds
from sumun.tokens.errors import StoreUnavailableError
from tests.contracts.in_loop import in_loop

SID = "sid_" + "a" * 22


class FarewellsContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[Farewells]:
        raise NotImplementedError

    @in_loop
    async def test_each_is_told(self, store: Farewells) -> None:
        """Whoever is added, once or again, is due once, with whose session it was."""
        assert await store.due(9) == []
        await store.add(SID, "alice", ("shop", "news"))
        await store.add(SID, "alice", ("shop",))
        await store.add(SID, "alice", ())
        assert sorted(await store.due(9), key=str) == [
            Farewell(SID, "alice", "news", 1),
            Farewell(SID, "alice", "shop", 1),
        ]
        assert await store.due(9) == []

    @in_loop
    async def test_each_by_one(self, store: Farewells) -> None:
        """Of many who ask at the same time, each farewell is given to one."""
        await store.add(SID, "alice", [f"c{i}" for i in range(20)])
        given = [one for some in await asyncio.gather(*(store.due(3) for _ in range(30))) for one in some]
        assert len(given) == len(set(given)) == 20

    @in_loop
    async def test_again_after_a_pause(self, store: Farewells) -> None:
        """What is not said is due again after its pause, as the next try; what is said never is."""
        await store.add(SID, "alice", ("shop", "news"))
        news, _ = sorted(await store.due(9), key=str)
        await store.done(news)
        await store.done(news)
        await asyncio.sleep(pause_seconds(1) + 0.1)
        assert await store.due(9) == [Farewell(SID, "alice", "shop", 2)]
        await asyncio.sleep(pause_seconds(1) + 0.1)
        assert await store.due(9) == []

    @in_loop
    async def test_closed(self, store: Farewells) -> None:
        """A closed store says that it cannot answer, never that there is nothing to say."""
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailableError):
            await store.due(9)
        with pytest.raises(StoreUnavailableError):
            await store.add(SID, "alice", ("shop",))
