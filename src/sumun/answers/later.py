"""An answer that is not there yet, for questions that come by the thousand: no task and no turn of the loop for each.

Who finds it tells it, in the same breath to everybody who wants to hear it. It is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """A value of T to come, or the failure that came instead."""

    __slots__ = ("_hearers", "_work")

    def __init__(self) -> None:
        """Nobody listens yet, so nothing may be told before `then` was called."""
        self._hearers: list[Callable[[T | BaseException], None]] = []
        self._work: asyncio.Task[T] | None = None

    def then(self, hear: Callable[[T | BaseException], None]) -> None:
        """Have `hear` called with what comes, after those who asked before. It must not raise."""
        self._hearers.append(hear)

    def tell(self, value: T | BaseException) -> None:
        """This is it."""
        hearers, self._hearers = self._hearers, []
        for hear in hearers:
            hear(value)

    def follow(self, work: Coroutine[Any, Any, T]) -> None:
        """Tell what becomes of this work."""
        self._work = asyncio.ensure_future(work)
        self._work.add_done_callback(self._followed)

    def cancel(self) -> None:
        """Nobody waits any more: work that is followed ends."""
        if self._work is not None:
            self._work.cancel()

    def _followed(self, work: asyncio.Task[T]) -> None:
        if work.cancelled():
            self.tell(asyncio.CancelledError())
        else:
            self.tell(work.exception() or work.result())
