"""Streams: which open streams hang on which token, and which of them must be judged again or cut. Pure.

    opened, news, clock in  ->  suspects (to be judged)  ->  verdicts in  ->  condemned (to be cut)  ->  ended

A stream is suspect from the moment at which news concerns its token, subject or client (or everything), until it is
judged by someone who knows that news. It is condemned when it may not go on, when its token expires, and when nobody
could say for PATIENCE_SECONDS after news that named it: then it may have lost its right, and that fails closed.
One that hangs on what may end in silence (a session that nobody uses) is suspect now and then without any news.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sumun.haproxy.stream_commands import StreamName, read_name
from sumun.keeper.marks import concerned_by
from sumun.keeper.stream_wire import OpenStream
from sumun.recognition.marks import Marks
from sumun.tokens.feed import Change, ChangeKind, News, Position

PATIENCE_SECONDS: Final = 0.7
"""What is suspect by name and not judged by then is cut: so it is over within a second of the change."""

MOST: Final = 200_000
"""Streams at once, about 1 KiB each; one more is not let live. HAProxy's maxconn is far below."""

_LEAST_BEFORE_LOOK: Final = 2000

Key: TypeAlias = tuple[str, int]
"""Worker (a name that is never used twice) and the number of the stream in it."""


@dataclass(slots=True)
class _Entry:
    stream: OpenStream
    name: StreamName
    suspect_since: float | None = None
    by_name: bool = False
    under_judgement: bool = False
    condemned: bool = False


class Streams:
    """The open streams of one node. `steady` and `wall` are the clocks' seconds."""

    def __init__(self, most: int = MOST) -> None:
        """Knows none. `most` is how many it holds."""
        self._most = most
        self._entries: dict[Key, _Entry] = {}
        self._about: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)
        self._suspects: set[Key] = set()
        self._condemned: set[Key] = set()
        self._expiries: list[tuple[float, Key]] = []
        self._looks: list[tuple[float, Key]] = []
        self._position: Position | None = None
        self._begun_at = 0
        self._marks = Marks()
        self._opened_since_look = 0
        self._lived_at_look = 0

    def __len__(self) -> int:
        return len(self._entries)

    # -- what happens --------------------------------------------------------------------------------------------

    def opened(self, worker: str, stream: OpenStream, steady: float) -> bool:
        """A request was allowed that may stay open. False when it was known, or its name is none."""
        name = read_name(stream.name)
        key = (worker, -1 if name is None else name.number)
        if name is None or key in self._entries:
            return False
        self._entries[key] = entry = _Entry(stream, name)
        for about in _about(stream):
            self._about[about].add(key)
        heapq.heappush(self._expiries, (stream.expires, key))
        if stream.again_seconds > 0:
            heapq.heappush(self._looks, (steady + stream.again_seconds, key))
        self._opened_since_look += 1
        if len(self._entries) > self._most:
            self._condemn(key)
        elif not self._is_judged_by_all_news(stream):
            self._suspect(key, entry, steady, by_name=False)
        return True

    def begun(self, position: Position, steady: float) -> None:
        """News is followed from here on. What was opened before may have been concerned by what was missed."""
        self._position, self._begun_at, self._marks = position, position.n, Marks()
        for key, entry in self._entries.items():
            self._suspect(key, entry, steady, by_name=False)

    def read(self, news: Sequence[News], steady: float) -> None:
        """The news after the position, oldest first."""
        if self._position is None:
            raise ValueError("no news is followed: `begun` comes first")
        for one in news:
            self._position = Position(self._position.incarnation, one.n)
            concerned = tuple(concerned_by(one.change))
            for kind, name in concerned:
                self._marks.set(Change(ChangeKind(kind), name), one.n)
                for key in self._about.get((kind, name), ()):
                    self._suspect(key, self._entries[key], steady, by_name=True)
            if not concerned:
                self._marks.set(Change(ChangeKind.EVERYTHING), one.n)
                for key, entry in self._entries.items():
                    self._suspect(key, entry, steady, by_name=False)

    def passed(self, steady: float) -> None:
        """It is that late: whose time for another look has come is suspect."""
        while self._looks and self._looks[0][0] <= steady:
            _, key = heapq.heappop(self._looks)
            entry = self._entries.get(key)
            if entry is not None:
                self._suspect(key, entry, steady, by_name=False)
                heapq.heappush(self._looks, (steady + entry.stream.again_seconds, key))

    def lost(self) -> None:
        """News may have been missed: nobody is judged until it is followed again, then everybody is."""
        self._position = None

    def reconfigured(self, steady: float) -> None:
        """Another configuration is in force: it may ask for more, or give people less."""
        for key, entry in self._entries.items():
            self._suspect(key, entry, steady, by_name=False)

    def judged(self, at: Position, verdicts: Mapping[Key, bool | None], steady: float) -> None:
        """May these go on, by someone who knew the news up to `at`? None: nobody can tell."""
        for key, may in verdicts.items():
            entry = self._entries.get(key)
            if entry is None:
                continue
            entry.under_judgement = False
            if may is False:
                self._condemn(key)
            elif may and self._is_judged_by(entry.stream, at):
                entry.suspect_since, entry.by_name = None, False
                self._suspects.discard(key)
            elif entry.by_name and steady - (entry.suspect_since or steady) >= PATIENCE_SECONDS:
                self._condemn(key)

    def ended(self, keys: Iterable[Key]) -> None:
        """These are over."""
        for key in keys:
            entry = self._entries.pop(key, None)
            if entry is None:
                continue
            self._suspects.discard(key)
            self._condemned.discard(key)
            for about in _about(entry.stream):
                self._about[about].discard(key)
                if not self._about[about]:
                    del self._about[about]

    def looked(self) -> None:
        """What had ended was looked for, and told with `ended`."""
        self._opened_since_look, self._lived_at_look = 0, len(self._entries)
        self._expiries = [(entry.stream.expires, key) for key, entry in self._entries.items()]
        heapq.heapify(self._expiries)

    # -- what is to be done --------------------------------------------------------------------------------------

    def to_judge(self, most: int) -> tuple[Position, dict[Key, OpenStream]] | None:
        """Whom to ask about, and what the judge must know; None for nobody. Tell the outcome with `judged`."""
        if self._position is None:
            return None
        chosen: dict[Key, OpenStream] = {}
        for key in self._suspects:
            entry = self._entries[key]
            if not entry.under_judgement:
                entry.under_judgement = True
                chosen[key] = entry.stream
                if len(chosen) == most:
                    break
        return (self._position, chosen) if chosen else None

    def to_cut(self, steady: float, wall: float) -> dict[str, dict[int, StreamName]]:
        """Worker -> number -> name of the streams that must end now."""
        while self._expiries and self._expiries[0][0] <= wall:
            _, key = heapq.heappop(self._expiries)
            if key in self._entries:
                self._condemn(key)
        late = steady - PATIENCE_SECONDS
        for key in [
            key
            for key in self._suspects
            if (entry := self._entries[key]).by_name
            and entry.suspect_since is not None
            and entry.suspect_since <= late
        ]:
            self._condemn(key)
        by_worker: dict[str, dict[int, StreamName]] = {}
        for worker, number in self._condemned:
            by_worker.setdefault(worker, {})[number] = self._entries[worker, number].name
        return by_worker

    def next_expiry(self) -> float | None:
        """When the next token ends, in unix seconds."""
        return self._expiries[0][0] if self._expiries else None

    def should_look(self) -> bool:
        """True when so many were opened that most have probably ended: look which still live."""
        return self._opened_since_look > max(_LEAST_BEFORE_LOOK, self._lived_at_look)

    def of(self, worker: str) -> dict[int, StreamName]:
        """Number -> name of all streams of this worker."""
        return {number: entry.name for (w, number), entry in self._entries.items() if w == worker}

    def workers(self) -> frozenset[str]:
        """The workers that have streams."""
        return frozenset(worker for worker, _ in self._entries)

    def streams(self) -> list[tuple[str, OpenStream]]:
        """All, with their workers: what must be written down."""
        return [(worker, entry.stream) for (worker, _), entry in self._entries.items()]

    # -- inside --------------------------------------------------------------------------------------------------

    def _suspect(self, key: Key, entry: _Entry, steady: float, *, by_name: bool) -> None:
        if entry.condemned:
            return
        if entry.suspect_since is None or (by_name and not entry.by_name):
            entry.suspect_since = steady
        entry.by_name = entry.by_name or by_name
        self._suspects.add(key)

    def _condemn(self, key: Key) -> None:
        self._entries[key].condemned = True
        self._suspects.discard(key)
        self._condemned.add(key)

    def _is_judged_by_all_news(self, stream: OpenStream) -> bool:
        position = self._position
        if position is None or stream.incarnation != position.incarnation or stream.as_of < self._begun_at:
            return False
        return self._marks.none_after(stream.as_of, _changes(stream))

    def _is_judged_by(self, stream: OpenStream, at: Position) -> bool:
        """True when someone who knew the news up to `at` knew all that concerns this stream."""
        position = self._position
        if position is None or at.incarnation != position.incarnation or at.n < self._begun_at:
            return False
        return self._marks.none_after(at.n, _changes(stream))


def _about(stream: OpenStream) -> tuple[tuple[str, str], ...]:
    return (("subject", stream.subject), ("token", stream.token), ("client", stream.client))


def _changes(stream: OpenStream) -> tuple[Change, ...]:
    return tuple(Change(ChangeKind(kind), key) for kind, key in _about(stream))
