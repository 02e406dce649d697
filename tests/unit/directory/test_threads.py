"""The way from the event loop to the directory."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sumun.directory import DirectoryThreads, threads
from sumun.directory.errors import DirectoryUnavailableError, UnknownUserError


def test_results_and_refusals_come_back() -> None:
    """A look gives its value, a refusal is raised as itself, arguments by name included."""

    def look(name: str, *, loud: bool = False) -> str:
        if not name:
            raise UnknownUserError("nobody")
        return name.upper() if loud else name

    async def conversation() -> None:
        pool = DirectoryThreads()
        assert await pool.call(look, "alice", loud=True) == "ALICE"
        with pytest.raises(UnknownUserError):
            await pool.change(look, "")
        await pool.close()
        await pool.close()

    asyncio.run(conversation())


def test_changes_are_made_one_at_a_time() -> None:
    """Changes never run beside each other in one process; looks do."""
    inside: list[int] = []
    most: list[int] = []
    together = threading.Barrier(2)

    def change(number: int) -> None:
        inside.append(number)
        most.append(len(inside))
        inside.remove(number)

    async def conversation() -> None:
        pool = DirectoryThreads()
        await asyncio.gather(*(pool.change(change, number) for number in range(50)))
        await asyncio.gather(pool.call(together.wait, 5), pool.call(together.wait, 5))
        await pool.close()

    asyncio.run(conversation())
    assert max(most) == 1


def test_a_full_queue_refuses_at_once() -> None:
    """Who would be one too many hears so at once, and there is room again later."""
    go = threading.Event()

    async def conversation() -> None:
        pool = DirectoryThreads(looking_threads=1, max_waiting=2)
        waiting = [asyncio.create_task(pool.call(go.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(DirectoryUnavailableError, match="too many callers"):
            await pool.call(go.wait, 5)
        assert await pool.change(int, "7") == 7  # changes wait elsewhere
        go.set()
        assert await asyncio.gather(*waiting) == [True] * 3
        await asyncio.sleep(0)
        assert await pool.call(go.wait, 5)
        await pool.close()

    asyncio.run(conversation())


def test_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits too long is let go: what had begun may still happen, what had not never does."""
    monkeypatch.setattr(threads, "CHANGE_DEADLINE_SECONDS", 0.05)
    go = threading.Event()
    done: list[str] = []

    def slow() -> None:
        go.wait(5)
        done.append("slow")

    async def conversation() -> None:
        pool = DirectoryThreads()
        begun, waiting = (
            asyncio.create_task(pool.change(slow)),
            asyncio.create_task(pool.change(done.append, "late")),
        )
        with pytest.raises(DirectoryUnavailableError, match="may still happen"):
            await begun
        with pytest.raises(DirectoryUnavailableError, match="nothing happened"):
            await waiting
        go.set()
        await pool.close()

    asyncio.run(conversation())
    assert done == ["slow"]


def test_closing() -> None:
    """What has begun ends, what waits is dropped with an outage, and nothing is taken any more."""
    go = threading.Event()

    async def conversation() -> None:
        pool = DirectoryThreads()
        begun, waiting = (
            asyncio.create_task(pool.change(go.wait, 5)),
            asyncio.create_task(pool.change(go.wait, 5)),
        )
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(pool.close())
        await asyncio.sleep(0.01)
        go.set()
        await closing
        assert await begun
        with pytest.raises(DirectoryUnavailableError, match="being closed"):
            await waiting
        with pytest.raises(DirectoryUnavailableError, match="being closed"):
            await pool.call(go.wait, 5)

    asyncio.run(conversation())


def test_a_caller_who_gives_up() -> None:
    """A cancelled caller is cancelled, not told of an outage; a change that had not begun never happens."""
    go = threading.Event()
    done: list[str] = []

    async def conversation() -> None:
        pool = DirectoryThreads()
        begun, waiting = (
            asyncio.create_task(pool.change(go.wait, 5)),
            asyncio.create_task(pool.change(done.append, "x")),
        )
        await asyncio.sleep(0.01)
        for caller in (begun, waiting):
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
        go.set()
        await pool.close()

    asyncio.run(conversation())
    assert done == []
