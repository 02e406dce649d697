"""A HAProxy worker as far as it keeps anything: its maps, the steps that change them, and what it decides without asking.

As the real one: `add map` of a key that is there appends and the oldest row is found; `set map` changes every row of a
key and refuses a key that is not there; `date()` shows whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from sumun.haproxy.known import BEYOND, FACTS, LEASE, MARKS, NEWEST, STATE, VERDICTS, WIDE
from sumun.keeper.commands import Add, Change, Replace, Step

Rows = dict[str, list[str]]


class NotThereError(Exception):
    """`entry not found.`"""


@dataclass(frozen=True)
class Known:
    """What a worker decided by itself: let through, as this profile, with this verdict."""

    profile: str
    verdict: str


class Worker:
    """It begins as `haproxy.known.files()` says: believing nothing."""

    def __init__(self, name: str, generation: int) -> None:
        self.name = name
        self.generation = generation
        self.maps: dict[str, Rows] = {name: {} for name in (*FACTS, VERDICTS, *MARKS.values())}
        self.maps[STATE] = {LEASE: ["0"], NEWEST: [str(BEYOND)], WIDE: [str(BEYOND)]}
        self.set_backs = 0
        """How often the node's clock had been set back when it got its lease."""

    def do(self, step: Step) -> None:
        match step:
            case Add(name, rows):
                for key, value in rows:
                    self.maps[name].setdefault(key, []).append(value)
            case Change(name, key, value):
                if key not in self.maps[name]:
                    raise NotThereError(name, key)
                self.maps[name][key] = [value] * len(self.maps[name][key])
            case Replace(name, rows):
                self.maps[name] = {key: [value] for key, value in rows}

    def look_up(self, name: str, key: str) -> str | None:
        rows = self.maps[name].get(key)
        return rows[0] if rows else None

    def number(self, name: str, key: str) -> int:
        return int(self.look_up(name, key) or 0)

    def believes(self, wall: float) -> bool:
        return self.number(STATE, LEASE) > floor(wall)

    def known(self, credential: str, rule: str, wall: float) -> Known | None:
        """`haproxy.known.look_up`: None means that somebody must be asked."""
        row = self.look_up(FACTS[0], credential) or self.look_up(FACTS[1], credential)
        if row is None or not self.believes(wall):
            return None
        expires, as_of, profile, subject, token, client, _, _ = row.split("|")
        verdict = self.look_up(VERDICTS, f"{profile}@{self.generation}.{rule}")
        if verdict is None or int(expires) <= floor(wall):
            return None
        if int(as_of) < self.number(STATE, NEWEST):
            marks = zip(MARKS.values(), (subject, token, client), strict=True)
            if int(as_of) < max(self.number(STATE, WIDE), *(self.number(name, key) for name, key in marks)):
                return None
        return Known(profile, verdict)
