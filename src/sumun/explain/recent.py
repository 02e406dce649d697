"""What became of the calls of the last minutes: how many went well, and how many others ended for what reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sumun.explain.logged import NOT_KNOWN, LoggedCall, Said

MOST_GROUPS = 1000
"""Sorts of refusals that are kept apart. What is more is added up without `where`: strangers choose paths."""

_NO_CALLS = frozenset({"healthz", "pages"})
_TOLD = {502: "bad_service_response", 503: "service_unavailable", 504: "service_timeout"}
"""What the caller was told, where the log has no code: HAProxy tried, and gave up."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Calls that ended alike. `where`: the service, or the path of a page of ours; empty when it came to neither."""

    status: int
    code: str
    why: str
    where: str


@dataclass(slots=True)
class Ended:
    """How many of a sort there were; `newest` is the request id of the last one."""

    sort: Sort
    newest: str
    calls: int = 0


@dataclass(slots=True)
class Recent:
    """Adds up lines of the log, the newest first."""

    calls: int = 0
    well: int = 0
    _sorts: dict[Sort, Ended] = field(default_factory=dict)

    def add(self, line: LoggedCall) -> None:
        """One more; what load balancers and monitors ask is no call."""
        if line.backend in _NO_CALLS:
            return
        self.calls += 1
        sort = _sort(line)
        if sort is None:
            self.well += 1
        else:
            kept = sort if sort in self._sorts or len(self._sorts) < MOST_GROUPS else replace(sort, where="")
            self._sorts.setdefault(kept, Ended(kept, line.id)).calls += 1

    @property
    def ended(self) -> Sequence[Ended]:
        """What did not go well: our own and the services' failures first, then the most frequent."""
        return sorted(self._sorts.values(), key=lambda one: (one.sort.status < 500, -one.calls))


def _sort(line: LoggedCall) -> Sort | None:
    """None: it was let through, or answered by ourselves, and went well."""
    said = line.said
    if said is Said.SERVICE and line.status < 500:
        return None
    if said is Said.PREFLIGHT or (said is Said.OWN and line.status < 400):
        return None
    where = _page(line) if said is Said.OWN else line.backend.partition(".")[2]
    if said is Said.NO_SERVICE:
        return Sort(line.status, _TOLD.get(line.status, NOT_KNOWN), f"ended {line.end}", where)
    why = {Said.OWN: "answered by sumun", Said.SERVICE: "answered by the service"}.get(said, line.why)
    return Sort(line.status, line.code or NOT_KNOWN, why, where)


def _page(line: LoggedCall) -> str:
    """The path of a page of ours; empty when it is none: those are a stranger's words, one as good as another."""
    return "" if line.code == "not_found" else line.path
