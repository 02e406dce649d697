"""What a replay found: calls that would change, in groups, and what was not replayed, by reason. Bounded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sumun.explain.logged import LoggedCall
from sumun.explain.replay import Changed, Judged, NotReplayed, Outcome

MOST_GROUPS = 10_000
MOST_CALLERS = 500_000
"""Names of callers that are kept, in all groups together."""
FIRST_IDS = 3

_NO_CALL = "no call: notices of HAProxy, and lines that are not whole"
_MANY = "other calls (more sorts of change than are kept apart)"


@dataclass(slots=True)
class Group:
    """Calls of one sort that change in one way. `requests`: ids of the first ones."""

    calls: int = 0
    people: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    or_more: bool = False

    def add(self, line: LoggedCall, *, room: bool) -> bool:
        """One more; without room no new caller is told apart. True when a caller is new here."""
        self.calls += 1
        if len(self.requests) < FIRST_IDS:
            self.requests.append(line.id)
        kind, _, name = line.who.partition(":")
        callers = self.people if kind == "user" else self.clients if kind == "client" else None
        if callers is None or name in callers:
            return False
        if room:
            callers.add(name)
        else:
            self.or_more = True
        return room

    @property
    def callers(self) -> str:
        """`by 2 people and 1 client`; nothing when nobody is known."""
        words = [
            f"{_counted(len(of), *words)}{' or more' * self.or_more}"
            for of, words in ((self.people, ("person", "people")), (self.clients, ("client", "clients")))
            if of
        ]
        return f" by {' and '.join(words)}" if words else ""


class ChangedCalls:
    """Adds up what a replay says."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.calls = 0
        self.changed = 0
        self._not_replayed: Counter[str] = Counter()
        self._groups: dict[Changed | None, Group] = {}
        self._callers = 0

    def add(self, line: LoggedCall, judged: Judged) -> None:
        """One call that was judged."""
        self.calls += 1
        if isinstance(judged, NotReplayed):
            self._not_replayed[judged.reason] += 1
        elif isinstance(judged, Changed):
            self.changed += 1
            known = judged in self._groups or len(self._groups) < MOST_GROUPS
            group = self._groups.setdefault(judged if known else None, Group())
            self._callers += group.add(line, room=self._callers < MOST_CALLERS)

    def skip(self) -> None:
        """One line that tells of no call."""
        self._not_replayed[_NO_CALL] += 1

    @property
    def replayed(self) -> int:
        """Calls that were decided again."""
        return self.calls - self._not_replayed.total() + self._not_replayed[_NO_CALL]

    def groups_in_words(self) -> list[str]:
        """What would change: two lines for each group, and an empty one."""
        lines = []
        for changed, group in self._sorted():
            what = _MANY if changed is None else str(changed)
            lines += [f"{_counted(group.calls, 'call', 'calls')}{group.callers}: {what}"]
            lines += [f"    {' '.join(group.requests)}{' ...' * (group.calls > FIRST_IDS)}"]
        return [*lines, ""] if lines else []

    def summary_in_words(self) -> list[str]:
        """How many calls would change, and what was not replayed."""
        change = f"{self.changed:,} would change" if self.changed else "nothing would change"
        lines = [f"{_counted(self.replayed, 'call', 'calls')} replayed: {change}."]
        reasons = self._reasons()
        if reasons:
            lines.append(f"{_counted(sum(reasons.values()), 'line', 'lines')} not replayed:")
            width = len(f"{max(reasons.values()):,}")
            lines += [f"  {count:>{width},}  {reason}" for reason, count in reasons.items()]
        return lines

    def groups_json(self) -> list[dict[str, Any]]:
        """An object for each group."""
        return [
            {
                "calls": group.calls,
                "people": len(group.people),
                "clients": len(group.clients),
                "call": None if changed is None else changed.call,
                "before": None if changed is None else _outcome_json(changed.was),
                "after": None if changed is None else _outcome_json(changed.becomes),
                "requests": group.requests,
            }
            for changed, group in self._sorted()
        ]

    def summary_json(self) -> dict[str, Any]:
        """The summary as one object."""
        return {"replayed": self.replayed, "changed": self.changed, "not_replayed": self._reasons()}

    def _sorted(self) -> list[tuple[Changed | None, Group]]:
        """The largest first; None: what was too much to keep apart."""
        return sorted(self._groups.items(), key=lambda item: (-item[1].calls, str(item[0])))

    def _reasons(self) -> dict[str, int]:
        found = sorted(self._not_replayed.items(), key=lambda item: (-item[1], item[0]))
        return {reason: count for reason, count in found if count}


def call_words(line: LoggedCall, changed: Changed) -> str:
    """One call that would change."""
    by = f" by {line.who}" if line.who else ""
    return f"{line.id} {line.method} {line.host}{line.path}{by}: {changed}"


def call_json(line: LoggedCall, changed: Changed) -> dict[str, Any]:
    """The same for programs."""
    return {
        "id": line.id,
        "t": line.began,
        "method": line.method,
        "host": line.host,
        "path": line.path,
        "who": line.who or None,
        "client": line.client or None,
        "call": changed.call,
        "before": _outcome_json(changed.was),
        "after": _outcome_json(changed.becomes),
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs."""
    return {
        "outcome": outcome.kind.value,
        "service": outcome.service or None,
        "status": outcome.status or None,
        "code": outcome.code or None,
        "detail": outcome.detail or None,
    }


def _counted(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
