"""Commands to one worker, as values. Each is a list of steps; the driver writes them as lines of the runtime socket.

Why the steps of a command stand in this order is what is safe when only the first of them were done. The names of the
maps are those of `haproxy.known`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sumun.haproxy.known import BEYOND, FACTS, LEASE, MARKS, NEWEST, STATE, VERDICTS, WIDE
from sumun.haproxy.map_commands import Row

MarksByKind: TypeAlias = Mapping[str, Mapping[str, int]]
""" "subject", "token", "client" -> key -> number."""


@dataclass(frozen=True, slots=True)
class Add:
    """`add map` of keys that the map does not hold: a second row for one key would never be found."""

    map: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """`set map` of a key that the map holds."""

    map: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Replace:
    """`prepare map`, `add map @version`, `commit map`: these rows and no others, all at once."""

    map: str
    rows: tuple[Row, ...] = ()


Step: TypeAlias = Add | Change | Replace


@dataclass(frozen=True, slots=True)
class TakeLease:
    """Believe nothing."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """One."""
        return (_state(LEASE, 0),)


@dataclass(frozen=True, slots=True)
class GiveLease:
    """Believe what you keep until this unix second."""

    until: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """One."""
        return (_state(LEASE, self.until),)


@dataclass(frozen=True, slots=True)
class Forget:
    """Be as you were when you began. Only for a worker without a lease."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """In any order: nothing is believed meanwhile."""
        maps = (*FACTS, VERDICTS, *MARKS.values())
        return (_state(NEWEST, BEYOND), _state(WIDE, BEYOND), *map(Replace, maps))


@dataclass(frozen=True, slots=True)
class WriteMarks:
    """These marks and no others. Only for a worker without a lease."""

    newest: int
    wide: int
    marks: MarksByKind

    @property
    def steps(self) -> tuple[Step, ...]:
        """In any order: nothing is believed meanwhile."""
        return (*_replaced(self.marks), _state(WIDE, self.wide), _state(NEWEST, self.newest))


@dataclass(frozen=True, slots=True)
class RaiseMarks:
    """What was changed up to `newest`: marks that the worker has a row for, and marks that it has none for.

    `newest` goes first: while it is behind, facts that are not older than it are believed without a look at the marks.
    """

    newest: int
    changed: MarksByKind
    new: MarksByKind

    @property
    def steps(self) -> tuple[Step, ...]:
        """The shortcut is closed, then the marks are written."""
        changes = (
            Change(MARKS[kind], key, str(n))
            for kind, marks in self.changed.items()
            for key, n in marks.items()
        )
        additions = (Add(MARKS[kind], _rows(marks)) for kind, marks in self.new.items() if marks)
        return (_state(NEWEST, self.newest), *changes, *additions)


@dataclass(frozen=True, slots=True)
class Turn:
    """Empty the old facts, believe none that is older than `wide`, and keep only the marks above it.

    First `wide`, then the marks that it makes needless.
    """

    old: str
    verdicts: bool
    wide: int
    marks: MarksByKind

    @property
    def steps(self) -> tuple[Step, ...]:
        """Each leaves less to believe, or drops what says nothing more."""
        verdicts = (Replace(VERDICTS),) if self.verdicts else ()
        return (Replace(self.old), *verdicts, _state(WIDE, self.wide), *_replaced(self.marks))


@dataclass(frozen=True, slots=True)
class Keep:
    """Rows of facts or of verdicts."""

    map: str
    rows: tuple[Row, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """One."""
        return (Add(self.map, self.rows),)


Command: TypeAlias = TakeLease | GiveLease | Forget | WriteMarks | RaiseMarks | Turn | Keep


def to_read_back(command: Command) -> tuple[tuple[str, str, str], ...]:
    """(map, key, value): what must be found when the steps are done.

    What trust hangs on: the state and single marks. `Replace` is one step or none, and HAProxy says which; a fact or a
    verdict that is not there is only asked about.
    """
    found: list[tuple[str, str, str]] = []
    for step in command.steps:
        match step:
            case Change(name, key, value):
                found.append((name, key, value))
            case Add(name, rows) if name in _MARKS:
                found += [(name, key, value) for key, value in rows]
            case _:
                pass
    return tuple(found)


_MARKS = frozenset(MARKS.values())


def _state(key: str, value: int) -> Change:
    return Change(STATE, key, str(value))


def _rows(marks: Mapping[str, int]) -> tuple[Row, ...]:
    return tuple((key, str(n)) for key, n in marks.items())


def _replaced(marks: MarksByKind) -> Iterator[Replace]:
    return (Replace(name, _rows(marks[kind])) for kind, name in MARKS.items())
