"""Together: changes of one kind that wait for the one writer go in one transaction.

    change(item)  ->  alone, when nobody writes; else with all that came meanwhile, `MAX_BATCH` at most

A commit is a write to the disk, whatever is in it, and there is one writer at a time: so a busy process commits once
for many callers, and an idle one makes nobody wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from sumun.directory.threads import DirectoryThreads

Item = TypeVar("Item")
Told = TypeVar("Told")

MAX_BATCH: Final = 200
"""Each is a few statements, and a reader of the news waits for none of them."""


class Together(Generic[Item, Told]):
    """One way to change something, for many callers. Lives on one event loop; owns nothing of what it is given."""

    def __init__(self, threads: DirectoryThreads, change: Callable[[Sequence[Item]], Sequence[Told]]) -> None:
        """`change` is one transaction, and says what became of each item, in order."""
        self._threads = threads
        self._change = change
        self._waiting: list[tuple[Item, asyncio.Future[Told]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def change(self, item: Item) -> Told:
        """What became of it. Raises what the change raises, for everybody who was in it; DirectoryUnavailableError."""
        told: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, told))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await told

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                try:
                    became = await self._threads.change(self._change, [item for item, _ in batch])
                except Exception as trouble:  # noqa: BLE001 - whatever it is, each of them hears it
                    for _, told in batch:
                        if not told.done():
                            told.set_exception(trouble)
                else:
                    for (_, told), what in zip(batch, became, strict=True):
                        if not told.done():
                            told.set_result(what)
        finally:
            self._writing = None
            for _, told in self._waiting:
                told.cancel()
            self._waiting = []
