"""Held: what one worker holds, as far as its answers prove it.

One command is under way at a time, and nobody else writes; so what an answered command did is known, and what an
unanswered one did is in doubt. Doubt is mended from the ground up: take the lease, forget, write the marks.

A fact is added to the young of two maps, never when that map may hold its key (the older row would be the one found).
A turn empties the old map and makes it the young one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

from sumun.haproxy.kept import Fact, Verdict
from sumun.haproxy.known import FACTS, MARKS, VERDICTS
from sumun.haproxy.map_commands import Row
from sumun.keeper.commands import (
    Command,
    Forget,
    GiveLease,
    Keep,
    RaiseMarks,
    TakeLease,
    Turn,
    WriteMarks,
)
from sumun.keeper.marks import Marks
from sumun.tokens.feed import News

UNKNOWN_LEASE = 2**62
"""A worker that nobody has asked yet may have any lease."""

ROWS_AT_ONCE = 500
"""Rows of facts or verdicts in one command: a mark that comes meanwhile waits for some milliseconds, not for all."""


class Doubt(IntEnum):
    """What of a worker's maps is in doubt."""

    NOTHING = 0
    MARKS = 1
    EVERYTHING = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker may keep.

    facts          rows in both maps together (about 460 bytes each, in HAProxy)
    verdicts       rows
    marks          rows; more of them are reason enough for a turn
    masked         so many questions that a stale row has cost are reason enough for a turn
    waiting        facts that wait to be written; what comes then is dropped
    turn_seconds   the longest time between turns: at most the shortest life of a token
    """

    facts: int = 1_000_000
    verdicts: int = 100_000
    marks: int = 20_000
    masked: int = 1_000
    waiting: int = 20_000
    turn_seconds: float = 900.0


class Held:
    """What one worker holds."""

    def __init__(self, generation: int, bounds: Bounds) -> None:
        """A stranger: it may keep anything and believe it for ever."""
        self.generation = generation
        self.lease = UNKNOWN_LEASE
        """The unix second until when it may believe; 0: it believes nothing, by its own answer."""
        self.over_by = float("-inf")
        """The steady second by which that is over, unless the wall clock is set back."""
        self.must_lose_lease = True
        self.retired = False
        self.doubt = Doubt.EVERYTHING
        self.n = -1
        """It has every mark up to this number; -1: it may have none."""
        self.under_way: Command | None = None
        self.unanswered_since: float | None = None
        self._overtaken = False
        self._bounds = bounds
        self._forgotten()

    def _forgotten(self) -> None:
        self._marks: Marks | None = None
        self._unwritten: dict[str, dict[str, int]] = {kind: {} for kind in MARKS}
        self._rows: dict[str, set[str]] = {kind: set() for kind in MARKS}
        self._young, self._old = FACTS
        self._keys: set[str] = set()
        self._verdicts: set[str] = set()
        self._facts_waiting: dict[str, Fact] = {}
        self._verdicts_waiting: dict[str, str] = {}
        self._masked = 0
        self._turned_n, self._turned_at = 0, 0.0

    # -- doubt ---------------------------------------------------------------------------------------------------

    def take_lease(self) -> None:
        """It must not believe anything any more."""
        self.must_lose_lease = self.lease != 0

    def begin_anew(self, doubt: Doubt) -> None:
        """So much of what it keeps does not count any more."""
        self.take_lease()
        self.doubt = max(doubt, self.doubt)
        self._overtaken = self.under_way is not None
        if doubt is Doubt.EVERYTHING:
            self._forgotten()

    def serves(self, generation: int) -> None:
        """Its routes are of this generation. What was found under the clients of another one does not count."""
        if generation != self.generation:
            self.generation = generation
            self.begin_anew(Doubt.EVERYTHING)

    # -- news and facts ------------------------------------------------------------------------------------------

    def hear(self, news: News) -> None:
        """Owe the worker the marks of this."""
        if self._marks is None:
            return  # it will begin at a later number
        fresh = self._marks.apply((news,))
        if self._marks.wide == news.n:
            # Every fact is older than that. Rows that nobody believes would only be in the way of new ones.
            self.begin_anew(Doubt.EVERYTHING)
        for kind, marks in fresh.items():
            self._unwritten[kind].update(marks)

    def learn(self, fact: Fact, verdict: Verdict) -> None:
        """Write these some time, if there is room."""
        if self._marks is None:
            return
        if len(self._facts_waiting) < self._bounds.waiting:
            self._facts_waiting[fact.key] = fact
        if (
            verdict.generation == self.generation
            and verdict.key not in self._verdicts
            and verdict.key not in self._verdicts_waiting
            and len(self._verdicts) + len(self._verdicts_waiting) < self._bounds.verdicts
            and (value := verdict.value()) is not None
        ):
            self._verdicts_waiting[verdict.key] = value

    # -- commands ------------------------------------------------------------------------------------------------

    def next_about_marks(self, n: int, steady: float) -> Command | None:
        """What it needs to have every mark up to `n`, the latest number there is."""
        if self.doubt is Doubt.MARKS:
            if self._marks is None:
                # Marks up to here are not known, so nothing that is older may count.
                self._marks, self._turned_n, self._turned_at = Marks(newest=n, wide=n), n, steady
            self._unwritten = {kind: {} for kind in MARKS}
            return WriteMarks(self._marks.newest, self._marks.wide, _copied(self._marks.by_kind))
        if self._marks is None or self._marks.newest == self.n:
            return None
        unwritten, self._unwritten = self._unwritten, {kind: {} for kind in MARKS}
        changed, new = _parted(unwritten, self._rows)
        return RaiseMarks(self._marks.newest, changed, new)

    def next_about_facts(self, n: int, steady: float) -> Command | None:
        """A turn, or rows that wait."""
        if self._marks is None:
            return None
        if self._is_time_to_turn(self._marks, steady):
            self._marks.drop_up_to(self._turned_n)
            self._turned_n, self._turned_at = n, steady
            too_many = len(self._verdicts) >= self._bounds.verdicts
            return Turn(self._old, too_many, self._marks.wide, _copied(self._marks.by_kind))
        if self._verdicts_waiting:
            rows = tuple(islice(self._verdicts_waiting.items(), ROWS_AT_ONCE))
            for key, _ in rows:
                del self._verdicts_waiting[key]
                self._verdicts.add(key)
            return Keep(VERDICTS, rows)
        return self._keep_facts(self._marks)

    def _is_time_to_turn(self, marks: Marks, steady: float) -> bool:
        bounds = self._bounds
        return (
            len(self._keys) >= bounds.facts // 2
            or len(self._verdicts) >= bounds.verdicts
            or len(marks) >= bounds.marks
            or self._masked >= bounds.masked
            or steady - self._turned_at >= bounds.turn_seconds
        )

    def _keep_facts(self, marks: Marks) -> Keep | None:
        room = self._bounds.facts // 2 - len(self._keys)
        rows: list[Row] = []
        while self._facts_waiting and len(rows) < min(room, ROWS_AT_ONCE):
            key, fact = self._facts_waiting.popitem()  # the latest first
            if self._is_wanted(fact, marks) and (value := fact.value()) is not None:
                rows.append((key, value))
        if not rows:
            return None
        # Whatever becomes of the command, from now on the map may hold these keys.
        self._keys.update(key for key, _ in rows)
        return Keep(self._young, tuple(rows))

    def _is_wanted(self, fact: Fact, marks: Marks) -> bool:
        if not marks.allows(fact):
            return False
        if fact.key in self._keys:
            # Somebody asked although there is a row: it may be one that a mark has made stale.
            self._masked += marks.concerns(fact)
            return False
        return True

    # -- answers -------------------------------------------------------------------------------------------------

    def answered(self) -> None:
        """The command under way was done, all of it."""
        command, overtaken = self._answer()
        self.unanswered_since = None
        match command:
            case TakeLease():
                self.lease, self.must_lose_lease = 0, False
            case GiveLease(until):
                self.lease = until
            case _ if overtaken:
                pass  # what it was about does not count any more
            case Forget():
                self.doubt = Doubt.MARKS
            case WriteMarks(newest, _, marks):
                self.doubt, self.n = Doubt.NOTHING, newest
                self._rows = {kind: set(of_kind) for kind, of_kind in marks.items()}
            case RaiseMarks(newest, _, new):
                self.n = newest
                for kind, of_kind in new.items():
                    self._rows[kind].update(of_kind)
            case Turn(old, verdicts, _, marks):
                self._turned(old, verdicts=verdicts)
                self._rows = {kind: set(of_kind) for kind, of_kind in marks.items()}
            case _:
                pass

    def failed(self) -> None:
        """The command under way was done in part, or not at all, or all of it; nothing of it is still to come."""
        command, overtaken = self._answer()
        match command:
            case TakeLease() | GiveLease():
                self.take_lease()
            case Keep(name, rows) if name == VERDICTS and not overtaken:
                self._verdicts.difference_update(key for key, _ in rows)  # twice the same row does no harm
            case Forget():
                self.begin_anew(Doubt.EVERYTHING)
            case WriteMarks() | RaiseMarks() | Turn():
                self.begin_anew(Doubt.MARKS)
            case _:
                pass

    def _answer(self) -> tuple[Command | None, bool]:
        command, overtaken = self.under_way, self._overtaken
        self.under_way, self._overtaken = None, False
        return command, overtaken

    def _turned(self, old: str, *, verdicts: bool) -> None:
        self._young, self._old = old, self._young
        self._keys.clear()
        self._masked = 0
        if verdicts:
            self._verdicts.clear()


def _copied(marks: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {kind: dict(of_kind) for kind, of_kind in marks.items()}


def _parted(
    marks: Mapping[str, Mapping[str, int]], rows: Mapping[str, set[str]]
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Marks that there is a row for, and the others."""
    changed = {
        kind: {key: n for key, n in of_kind.items() if key in rows[kind]} for kind, of_kind in marks.items()
    }
    new = {
        kind: {key: n for key, n in of_kind.items() if key not in rows[kind]}
        for kind, of_kind in marks.items()
    }
    return changed, new
