"""Feed in this process: for tests, and for a program of one process. Nothing survives it.

It can also lose news, as a server can: `lose_before` drops old news, `begin_anew` starts another incarnation.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile

from sumun.tokens.errors import NewsLostError, StoreUnavailableError
from sumun.tokens.feed import Change, News, Position


class MemoryFeed:
    """Numbered news in a deque. Keeps the Feed contract within one event loop."""

    def __init__(self, clock: Callable[[], float], keep: int = 100_000) -> None:
        """`clock` gives seconds, for the readers' liveness; `keep` news at most are kept."""
        self._clock = clock
        self._news: deque[News] = deque(maxlen=keep)
        self._n = 0
        self._incarnation = secrets.token_hex(8)
        self._readers: dict[tuple[str, str], tuple[Position, float]] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    def append(self, changes: Sequence[Change]) -> int:
        """Append at once; the number of the last one. ValueError for no change at all."""
        if not changes:
            raise ValueError("there is nothing to publish")
        for change in changes:
            self._n += 1
            self._news.append(News(self._n, change))
        self._wake()
        return self._n

    async def publish(self, changes: Sequence[Change]) -> int:
        """Append; the number of the last one."""
        self._check_open()
        return self.append(changes)

    async def head(self) -> Position:
        """The newest position."""
        self._check_open()
        return Position(self._incarnation, self._n)

    async def read_after(self, position: Position, wait_seconds: float) -> list[News]:
        """News after `position`; waits for the first."""
        self._check_open()
        found = self._after(position)
        if not found and wait_seconds > 0:
            await self._wait(wait_seconds)
            self._check_open()
            found = self._after(position)
        return found

    async def confirm(self, node: str, process: str, position: Position, alive_for_seconds: float) -> None:
        """Say what this process has applied; `alive_for_seconds` 0 says goodbye."""
        self._check_open()
        if alive_for_seconds > 0:
            self._readers[node, process] = (position, self._clock() + alive_for_seconds)
        else:
            self._readers.pop((node, process), None)

    async def unconfirmed(self, node: str | None, n: int) -> frozenset[str]:
        """The live processes that have not confirmed `n`."""
        self._check_open()
        now = self._clock()
        self._readers = {who: said for who, said in self._readers.items() if said[1] > now}
        return frozenset(
            f"{of}/{process}"
            for (of, process), (position, _) in self._readers.items()
            if node in (None, of) and (position.incarnation != self._incarnation or position.n < n)
        )

    async def close(self) -> None:
        """Answer nothing any more; whoever waits is told so."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def lose_before(self, n: int) -> None:
        """Drop the news older than `n`, as a bounded stream does."""
        while self._news and self._news[0].n < n:
            self._news.popleft()

    def begin_anew(self, n: int = 0) -> None:
        """Lose everything, as a failover can: another incarnation, counting from `n`."""
        self._incarnation = secrets.token_hex(8)
        self._news.clear()
        self._n = n

    def _after(self, position: Position) -> list[News]:
        if position.incarnation == self._incarnation and position.n > self._n:
            self.begin_anew(self._n)  # numbers were lost: nobody continues from before
        if position.incarnation != self._incarnation:
            raise NewsLostError("the feed began anew; whatever was learned from it before may be out of date")
        found = list(takewhile(lambda news: news.n > position.n, reversed(self._news)))[::-1]
        if position.n < self._n and (not found or found[0].n != position.n + 1):
            raise NewsLostError(f"news after {position.n} is gone; the feed keeps only the latest")
        return found

    async def _wait(self, seconds: float) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            async with asyncio.timeout(seconds):
                await waiting
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(waiting)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the feed of this process is closed")
