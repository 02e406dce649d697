"""The keeper's rules. Pure: what happens goes in, commands to workers and the number to confirm come out.

    1  Only the newest worker may believe what it keeps. Every other one loses its lease and is asked to forget.
    2  A worker is given a lease only when it has every mark up to the latest number that is known here.
    3  The lease ends `serve_known_for` after the beginning of the last round (a look at the feed that brought all news
       there was, and a confirmation that reached the feed after it), and only of a round during which the feed waited
       for this keeper. So nobody believes on its word while the feed does not wait for it.
    4  A number is confirmed when each worker has the marks up to it, or believes nothing: it answered that its lease is
       gone, or it is silent and its lease is over by the wall clock and by the steady clock.
    5  A lease that ends later by the wall clock than it was given for by the steady clock is taken: the wall clock was
       set back. A worker that is silent then, or was never heard of, is stopped: nothing else is a proof.
    6  When news may have been missed, every lease is taken and everything is forgotten.

The driver's part: commands of one worker are carried out one at a time, in order, each at most once, and no command of
anybody else (an earlier connection, an earlier keeper) can still be carried out after the first; a worker that HAProxy
may still run is among `workers`; a clock that is set reaches `tick` at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import TypeAlias

from sumun.haproxy.kept import Fact, Verdict
from sumun.keeper.commands import Command, Forget, GiveLease, TakeLease, to_read_back
from sumun.keeper.held import Bounds, Doubt, Held
from sumun.tokens.feed import News, Position

Lesson: TypeAlias = tuple[Fact, Verdict]

LEASE_MARGIN_SECONDS = 0.1
"""Two readings of the clocks are never of the same moment, and a worker's idea of now is a loop turn old."""

SILENT_SECONDS = 2.0
"""A worker answers in a millisecond, in half a second while it empties a large map."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment. `steady` never jumps; `wall` is unix seconds, as the workers see them."""

    steady: float
    wall: float


@dataclass(frozen=True, slots=True)
class Order:
    """Carry this out on this worker, then say `answered` or `failed`."""

    worker: str
    command: Command


@dataclass(frozen=True, slots=True)
class Stop:
    """Kill this worker: it cannot be told to believe nothing, and nobody knows until when it believes."""

    worker: str


class Ledger:
    """What the keeper of one node knows and owes. `workers` are names that are never used twice."""

    def __init__(
        self, *, serve_known_for_seconds: float, bounds: Bounds, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        """Knows nothing: no worker, no news. So nothing can be confirmed."""
        self._serve_known_for_seconds = serve_known_for_seconds
        self._bounds = bounds
        self._silent_seconds = silent_seconds
        self._held: dict[str, Held] | None = None
        self._newest: str | None = None
        self._position: Position | None = None
        self._proven_at: float | None = None
        self._waited_for_until = self._waited_for_at_look = float("-inf")

    # -- what happens --------------------------------------------------------------------------------------------

    def workers(self, generations: Mapping[str, int], newest: str | None) -> None:
        """These HAProxy workers live (name -> generation), and new connections go to `newest`.

        A worker's generation may become another: the rows of its routes were switched.
        """
        known = self._held or {}
        self._held = {
            worker: known.get(worker) or Held(generation, self._bounds)
            for worker, generation in generations.items()
        }
        for worker, generation in generations.items():
            self._held[worker].serves(generation)
        self._newest = newest
        for worker, held in self._held.items():
            if worker != newest and not held.retired:
                held.retired = True
                held.begin_anew(Doubt.EVERYTHING)

    def begun(self, position: Position) -> None:
        """The feed stands here; news is followed from here on."""
        self._position = position
        self._waited_for_at_look = self._waited_for_until

    def read(self, news: Sequence[News]) -> None:
        """The news after the position, oldest first; [] is all there was, too."""
        if self._position is None:
            raise ValueError("no news is followed: `begun` comes first")
        self._waited_for_at_look = self._waited_for_until
        if news:
            self._position = Position(self._position.incarnation, news[-1].n)
        held = self._at_newest()
        if held is not None:
            for one in news:
                held.hear(one)

    def told(self, looked_at: float, asked_at: float, answered_at: float) -> None:
        """The feed took a confirmation of all that the last look brought.

        Steady seconds: when that look began, when the confirmation was sent, when the answer came. The look proves
        something only if the feed waited for this keeper all the while: if it did not, a change may have been made and
        its call may have returned after the look, without a word to us. Then the next look proves it.
        """
        if self._position is not None and answered_at < self._waited_for_at_look:
            self._proven_at = looked_at
        self._waited_for_until = asked_at + self._serve_known_for_seconds

    def lost(self) -> None:
        """News may have been missed, or this keeper stops."""
        self._position = self._proven_at = None
        for held in (self._held or {}).values():
            held.n = -1
            held.begin_anew(Doubt.EVERYTHING)

    def learned(self, incarnation: str, adopted: int, lessons: Iterable[Lesson]) -> None:
        """What an answering process found. Losing some does no harm, nor does their order.

        `incarnation` is the feed's in which `as_of` counts, `adopted` the generation whose clients were in force: both
        of the moment when the facts were found, not when they were sent.
        """
        held = self._at_newest()
        if held is None or self._position is None:
            return
        if (incarnation, adopted) == (self._position.incarnation, held.generation):
            for fact, verdict in lessons:
                held.learn(fact, verdict)

    def answered(self, worker: str, found: Sequence[str | None]) -> None:
        """The worker carried its command out, and this was read back (`to_read_back`, in that order)."""
        held = (self._held or {}).get(worker)
        if held is None or held.under_way is None:
            return
        if list(found) == [value for _, _, value in to_read_back(held.under_way)]:
            held.answered()
        else:
            held.failed()

    def failed(self, worker: str) -> None:
        """The worker closed the connection or said something else: none, some or all of the command was done."""
        held = (self._held or {}).get(worker)
        if held is not None and held.under_way is not None:
            held.failed()

    # -- what is to be done --------------------------------------------------------------------------------------

    def orders(self, now: Reading) -> list[Order | Stop]:
        """What the workers must be told now. To be asked when something has happened, and several times a second."""
        orders: list[Order | Stop] = []
        for worker, held in (self._held or {}).items():
            if self._was_set_back(held, now):
                held.take_lease()
            if held.under_way is not None:
                if self._must_be_stopped(held, now):
                    orders.append(Stop(worker))
                continue
            command = self._next(worker, held, now)
            if command is not None:
                held.under_way = command
                if held.unanswered_since is None:
                    held.unanswered_since = now.steady
                orders.append(Order(worker, command))
        return orders

    def confirmable(self, now: Reading) -> Position | None:
        """The position that the feed may be told; None when nothing can be said yet."""
        if self._position is None or self._held is None:
            return None
        behind = (held.n for held in self._held.values() if self._must_be_waited_for(held, now))
        n = min((self._position.n, *behind))
        return None if n < 0 else Position(self._position.incarnation, n)

    def is_trusted_nowhere(self) -> bool:
        """True when no worker believes anything: this keeper may say goodbye to the feed."""
        return self._held is not None and all(held.lease == 0 for held in self._held.values())

    def is_trusted_only(self, newest: str) -> bool:
        """True when this is the newest worker and no other believes anything: the reload is over.

        It may still believe what it kept under another generation; it has no verdict of the one that it serves.
        """
        others = (held for worker, held in (self._held or {}).items() if worker != newest)
        return self._newest == newest and all(held.lease == 0 for held in others)

    # -- inside --------------------------------------------------------------------------------------------------

    def _at_newest(self) -> Held | None:
        return None if self._held is None or self._newest is None else self._held.get(self._newest)

    def _next(self, worker: str, held: Held, now: Reading) -> Command | None:
        if held.must_lose_lease:
            return TakeLease()
        if held.doubt is Doubt.EVERYTHING:
            return Forget()
        if worker != self._newest or self._position is None:
            return None
        return (
            held.next_about_marks(self._position.n, now.steady)
            or self._lease(held, now)
            or held.next_about_facts(self._position.n, now.steady)
        )

    def _lease(self, held: Held, now: Reading) -> GiveLease | None:
        """Only for a worker that has every mark."""
        if self._proven_at is None:
            return None
        over_by = self._proven_at + self._serve_known_for_seconds
        # The worker's clock shows whole seconds: it believes while the second it shows is less than `until`.
        until = floor(now.wall + (over_by - now.steady) - LEASE_MARGIN_SECONDS)
        if until <= max(held.lease, now.wall):
            return None
        held.lease, held.over_by = until, over_by
        return GiveLease(until)

    def _was_set_back(self, held: Held, now: Reading) -> bool:
        """By the wall clock it may believe for longer than by the steady clock: the wall clock was set back."""
        return held.lease - now.wall > held.over_by - now.steady

    def _must_be_waited_for(self, held: Held, now: Reading) -> bool:
        """False when it surely believes nothing now, and is told so or does not answer."""
        if held.lease == 0:
            return False
        is_over = now.wall >= held.lease and now.steady >= held.over_by
        return not (is_over and self._is_silent(held, now))

    def _must_be_stopped(self, held: Held, now: Reading) -> bool:
        """It does not answer, and believes although its time is over."""
        return self._is_silent(held, now) and now.steady >= held.over_by and now.wall < held.lease

    def _is_silent(self, held: Held, now: Reading) -> bool:
        since = held.unanswered_since
        return since is not None and now.steady - since >= self._silent_seconds
