"""Confirmations: wait until the processes that matter have applied a change."""

from __future__ import annotations

import asyncio

from sumun.changes.applied import Applied
from sumun.changes.errors import ChangeNotConfirmedError
from sumun.errors import OutageError
from sumun.tokens.feed import Feed

WAIT_SECONDS = 2.0
"""How long a call waits for confirmations. A living process confirms in milliseconds."""

_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.05


class Confirmations:
    """Waits on one event loop. The feed stays the caller's."""

    def __init__(self, feed: Feed, node: str | None, wait_seconds: float = WAIT_SECONDS) -> None:
        """`node` is whose processes are waited for, None: those of every node."""
        self._feed = feed
        self._wait_seconds = wait_seconds
        self.node = node

    def for_all(self) -> Confirmations:
        """The same, of every node."""
        return Confirmations(self._feed, None, self._wait_seconds)

    async def settled(self) -> Applied:
        """Who has not confirmed what is announced so far? `n` is None."""
        head = await self._feed.head()
        return Applied(None, (await self.of(head.n)).unconfirmed)

    async def of(self, n: int) -> Applied:
        """Wait until every live process that matters has confirmed `n`, or the time is over."""
        loop = asyncio.get_running_loop()
        last_look = loop.time() + self._wait_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            over = loop.time() >= last_look
            try:
                unconfirmed = await self._feed.unconfirmed(self.node, n)
            except OutageError as outage:
                if over:
                    raise ChangeNotConfirmedError(
                        f"the change is made and announced (number {n}); "
                        f"who has applied it is not known ({outage.code})"
                    ) from outage
            else:
                if over or not unconfirmed:
                    return Applied(n, unconfirmed)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
