"""NewsReader: follows the feed for one process.

Begin   forget everything; where does the feed stand? then load keys and denials; confirm; be trusted
Follow  read news; look up what they are about; apply them in one step; confirm; be trusted a little longer
Lost    news is gone, the feed began anew or the wall clock jumped: begin again
Outage  the feed or the truth does not answer: try again, while the trust runs out by itself

The trust that a round earns counts from before the round began, and the feed is told to wait for this process a little
longer than that. So when the feed says that nobody alive is behind, nobody who could answer is. A round earns trust
only if the feed waited for this process all through it: otherwise a change may have come after the look, and its call
may have returned before the feed heard of us. Then the next round, which begins at once, earns it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from sumun.errors import OutageError
from sumun.recognition.memory import Memory
from sumun.recognition.truth import Truth
from sumun.telemetry.metrics import NEWS_APPLIED, NEWS_LOST
from sumun.tokens.errors import NewsLostError, UnusableKeyError
from sumun.tokens.feed import Change, ChangeKind, Feed, News, Position
from sumun.tokens.format import is_opaque_id

log = logging.getLogger(__name__)

LONGEST_HEARTBEAT_SECONDS = 0.5
_PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5)
# Two machines' steady clocks may differ by 500 parts in a million (NTP's bound on a crystal); this is far more.
_WAITED_FOR_FACTOR = 1.02
_WAITED_FOR_EXTRA_SECONDS = 0.25
_JUMP_SECONDS = 1.0


class NewsReader:
    """The task that keeps a Memory true. One per process."""

    def __init__(
        self,
        feed: Feed,
        memory: Memory,
        truth: Truth,
        *,
        node: str,
        process: str,
        serve_known_for_seconds: float,
        steady: Callable[[], float],
        wall: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`node` and `process` name this reader to the feed; no two living processes share both.

        `steady` gives seconds that never jump (`steady_seconds`), `wall` unix seconds.
        """
        self._feed = feed
        self._memory = memory
        self._truth = truth
        self._who = (node, process)
        self._serve_known_for_seconds = serve_known_for_seconds
        self._heartbeat_seconds = min(LONGEST_HEARTBEAT_SECONDS, serve_known_for_seconds / 4)
        self._steady = steady
        self._wall = wall
        self._sleep = sleep
        self._position: Position | None = None
        self._clock_offset = wall() - steady()
        self._ready = asyncio.Event()
        self._waited_for_until = float("-inf")
        self._failures = 0

    async def wait_ready(self) -> None:
        """Return when the memory was trusted for the first time."""
        await self._ready.wait()

    async def run(self) -> None:
        """Follow the feed until cancelled; then say goodbye to it."""
        try:
            while True:
                await self._round()
        finally:
            self._memory.forget()
            await self._say_goodbye()

    async def _round(self) -> None:
        try:
            self._watch_clocks()
            began = self._steady()
            if self._position is None:
                await self._begin()
            else:
                await self._follow(self._position)
            await self._confirm(began)
            self._memory.tidy(self._wall())
            self._recovered()
        except NewsLostError as lost:
            log.warning("news may have been missed, everything is learned anew: %s", lost)
            self._lose()
        except (OutageError, UnusableKeyError) as outage:
            await self._wait_for_better(outage)

    async def _begin(self) -> None:
        self._memory.forget()
        position = await self._feed.head()
        keys, denials = await self._truth.keys(), await self._truth.live_denials(None)
        self._memory.begin(position.n, keys, denials)
        self._memory.incarnation = position.incarnation
        self._position = position

    async def _follow(self, position: Position) -> None:
        # Who is not waited for has looked too early: nothing is earned before the next look.
        is_waited_for = self._memory.is_trusted(self._steady())
        news = await self._feed.read_after(position, self._heartbeat_seconds if is_waited_for else 0)
        if news:
            await self._learn(news)
            self._position = Position(position.incarnation, news[-1].n)
            NEWS_APPLIED.inc(len(news))

    async def _learn(self, news: Sequence[News]) -> None:
        """Look up what the news are about, then apply both in one step: nobody sees the one without the other."""
        changes = list(dict.fromkeys(one.change for one in news))
        everything = any(change.kind is ChangeKind.EVERYTHING for change in changes)
        of_keys = everything or any(change.kind is ChangeKind.KEYS for change in changes)
        deniable = None if everything else [change for change in changes if _may_deny(change)]
        keys = await self._truth.keys() if of_keys else None
        denials = await self._truth.live_denials(deniable) if deniable != [] else []
        self._memory.apply(news, keys, denials)

    async def _confirm(self, began: float) -> None:
        if self._position is None:
            return
        waited_for = self._serve_known_for_seconds * _WAITED_FOR_FACTOR + _WAITED_FOR_EXTRA_SECONDS
        asked_at = self._steady()
        await self._feed.confirm(*self._who, self._position, waited_for)
        if self._steady() < self._waited_for_until:
            self._memory.trust_until(began + self._serve_known_for_seconds)
            self._ready.set()
        self._waited_for_until = asked_at + self._serve_known_for_seconds

    def _watch_clocks(self) -> None:
        """A wall clock that jumped makes every expiry doubtful, and denials may have been dropped too early."""
        offset = self._wall() - self._steady()
        jump, self._clock_offset = offset - self._clock_offset, offset
        if abs(jump) > _JUMP_SECONDS:
            raise NewsLostError(f"the clock jumped by {jump:.1f} seconds")

    def _lose(self) -> None:
        self._memory.forget()
        self._position = None
        NEWS_LOST.inc()

    async def _wait_for_better(self, outage: Exception) -> None:
        if self._failures == 0:
            log.error(
                "the news cannot be followed; known tokens are served for %g s more: %s",
                self._serve_known_for_seconds,
                outage,
            )
        pause = _PAUSES_SECONDS[min(self._failures, len(_PAUSES_SECONDS) - 1)]
        self._failures += 1
        await self._sleep(pause)

    def _recovered(self) -> None:
        if self._failures:
            log.warning("the news is followed again")
            self._failures = 0

    async def _say_goodbye(self) -> None:
        if self._position is not None:
            try:
                await self._feed.confirm(*self._who, self._position, 0)
            except OutageError:
                log.info(
                    "the feed could not be told that this process stops; it is waited for until its time is over"
                )


def _may_deny(change: Change) -> bool:
    """An opaque token is never denied: the store forgets it."""
    match change.kind:
        case ChangeKind.TOKEN:
            return not is_opaque_id(change.key)
        case ChangeKind.SUBJECT | ChangeKind.CLIENT:
            return True
        case _:
            return False
