"""An event loop whose clock runs only while everybody waits: hours pass in milliseconds, and every run is the same."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.SelectSelector):
    """Instead of waiting, move the clock."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for something that will never happen"
        self.loop.now += max(timeout, 0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`now` is in seconds and begins at 1,000."""

    def __init__(self) -> None:
        selector = _Leaping()
        selector.loop = self
        self.now = 1000.0
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Let everything happen that happens within so long."""
        self.run_until_complete(asyncio.sleep(seconds))

    def finish(self) -> None:
        """End every task and close."""
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.wait(tasks))
        self.close()


def in_virtual_time(conversation: Coroutine[Any, Any, T]) -> T:
    """Run one conversation to its end."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(conversation)
    finally:
        loop.finish()
