"""Changes that wait for the one writer, in one transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from sumun.directory import DirectoryThreads, together
from sumun.directory.errors import DirectoryUnavailableError
from sumun.directory.together import Together


class Writer:
    """Writes down what comes together; the first transaction lasts until it is let go."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.go = threading.Event()
        self.trouble: Exception | None = None

    def change(self, items: Sequence[int]) -> list[int]:
        """Each item becomes ten times as much."""
        self.seen.append(list(items))
        self.go.wait(10)
        if self.trouble is not None and len(self.seen) == 2:
            raise self.trouble
        return [10 * item for item in items]


Story = Callable[[Together[int, int], Writer], Awaitable[None]]


def run(story: Story) -> None:
    """Tell it, and close the threads."""

    async def whole() -> None:
        threads, writer = DirectoryThreads(), Writer()
        try:
            await story(Together(threads, writer.change), writer)
        finally:
            writer.go.set()
            await threads.close()

    asyncio.run(whole())


async def begun(one: Together[int, int], writer: Writer, *items: int) -> list[asyncio.Task[int]]:
    """Item 0 is being written, and these wait."""
    tasks = [asyncio.create_task(one.change(0))]
    while not writer.seen:
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(one.change(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


def test_what_comes_meanwhile_goes_together() -> None:
    """The first goes alone at once; all who come while it is written go in the next, each told what became of its own."""

    async def story(one: Together[int, int], writer: Writer) -> None:
        tasks = await begun(one, writer, 1, 2, 3)
        writer.go.set()
        assert await asyncio.gather(*tasks) == [0, 10, 20, 30]
        assert writer.seen == [[0], [1, 2, 3]]
        assert await one.change(4) == 40
        assert writer.seen[2:] == [[4]]

    run(story)


def test_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction has a bounded size; the rest goes in the next one."""
    monkeypatch.setattr(together, "MAX_BATCH", 2)

    async def story(one: Together[int, int], writer: Writer) -> None:
        tasks = await begun(one, writer, 1, 2, 3)
        writer.go.set()
        assert await asyncio.gather(*tasks) == [0, 10, 20, 30]
        assert writer.seen == [[0], [1, 2], [3]]

    run(story)


def test_a_transaction_that_fails() -> None:
    """Everybody in it hears why, and nobody else: those before and after are written."""

    async def story(one: Together[int, int], writer: Writer) -> None:
        writer.trouble = DirectoryUnavailableError("away")
        tasks = await begun(one, writer, 1, 2)
        writer.go.set()
        first, *others = await asyncio.gather(*tasks, return_exceptions=True)
        assert first == 0
        assert [type(other) for other in others] == [DirectoryUnavailableError] * 2
        assert await one.change(3) == 30

    run(story)


def test_one_who_does_not_wait() -> None:
    """A caller that went away holds nobody up."""

    async def story(one: Together[int, int], writer: Writer) -> None:
        tasks = await begun(one, writer, 1, 2)
        tasks[1].cancel()
        writer.go.set()
        assert await tasks[0] == 0
        assert await tasks[2] == 20

    run(story)
