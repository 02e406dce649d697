"""Marks: since when something that was learned before does not count any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sumun.haproxy.kept import Fact
from sumun.haproxy.known import MARKS
from sumun.identity import SubjectKind
from sumun.tokens.feed import Change, ChangeKind, News

_OF_CLIENTS = f"{SubjectKind.CLIENT.value}:"


@dataclass(slots=True)
class Marks:
    """The marks that a worker must have.

    newest   the number of the latest change of all
    wide     the number of the latest change that concerns everything; nothing that is older counts
    by_kind  "subject", "token", "client" -> key -> number of the latest change that concerns it
    """

    newest: int
    wide: int
    by_kind: dict[str, dict[str, int]] = field(default_factory=lambda: {kind: {} for kind in MARKS})

    def __len__(self) -> int:
        return sum(map(len, self.by_kind.values()))

    def apply(self, news: Iterable[News]) -> Mapping[str, Mapping[str, int]]:
        """Take news in, oldest first. Returns the marks that are new or higher, by kind."""
        fresh: dict[str, dict[str, int]] = {kind: {} for kind in MARKS}
        for one in news:
            self.newest = one.n
            concerned = tuple(concerned_by(one.change))
            for kind, key in concerned:
                fresh[kind][key] = self.by_kind[kind][key] = one.n
            if not concerned:
                self.wide = one.n
        return fresh

    def allows(self, fact: Fact) -> bool:
        """True when no change that concerns this fact is newer than it."""
        as_of = fact.as_of
        return as_of >= self.newest or as_of >= max(self.wide, *self._of(fact))

    def concerns(self, fact: Fact) -> bool:
        """True when something that this fact is about has a mark."""
        return any(self._of(fact))

    def drop_up_to(self, n: int) -> None:
        """Let nothing that is older than `n` count: marks up to there say nothing more."""
        self.wide = max(self.wide, n)
        for kind, marks in self.by_kind.items():
            self.by_kind[kind] = {key: number for key, number in marks.items() if number > self.wide}

    def _of(self, fact: Fact) -> tuple[int, int, int]:
        of_subjects, of_tokens, of_clients = (self.by_kind[kind] for kind in ("subject", "token", "client"))
        return of_subjects.get(fact.subject, 0), of_tokens.get(fact.token, 0), of_clients.get(fact.client, 0)


def concerned_by(change: Change) -> Iterator[tuple[str, str]]:
    """(kind, key) of each mark that this raises; none when it concerns everything. A client is a subject too."""
    match change.kind:
        case ChangeKind.TOKEN:
            yield "token", change.key
        case ChangeKind.SUBJECT:
            yield "subject", change.key
            if change.key.startswith(_OF_CLIENTS):
                yield "client", change.key.removeprefix(_OF_CLIENTS)
        case ChangeKind.CLIENT:
            yield "client", change.key
            yield "subject", f"{_OF_CLIENTS}{change.key}"
        case ChangeKind.KEYS | ChangeKind.EVERYTHING:
            return
