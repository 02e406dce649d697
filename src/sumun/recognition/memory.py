"""Memory: what this process knows, and how far it has followed the news.

An entry is dropped when news about it is applied. Who fetches something from elsewhere takes a *ticket* before asking;
what comes back is kept only if no news about it was applied since (a late write is refused), and returned only after
the same check (`unchanged_since`). Keys and denials are here completely or the memory is not trusted at all.

Trust has an end: the NewsReader moves it while it can prove that it follows the news. Not thread-safe: one event loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sumun.identity import InvalidSubjectError, Standing, Subject, SubjectKind
from sumun.recognition.errors import OutOfTouchError
from sumun.recognition.marks import Marks
from sumun.tokens.denials import Denial, Denials
from sumun.tokens.feed import Change, ChangeKind, News
from sumun.tokens.judge import ClientState
from sumun.tokens.jwt import AccessClaims
from sumun.tokens.signing_keys import KeyRing

MAX_SUBJECTS = 50_000  # about 1 KiB each; the one used longest ago makes room
MAX_CLIENTS = 10_000
MAX_CLAIMS = 10_000  # verified JWTs, so that the same one is not verified again and again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where the memory stood when someone began to look elsewhere. An `era` ends when everything is forgotten."""

    era: int
    n: int


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """Something known, and the number of the latest change that was applied before it was looked up."""

    value: T
    as_of: int


class Memory:
    """What one process knows. Starts out knowing nothing and trusted by nobody."""

    def __init__(
        self,
        *,
        max_subjects: int = MAX_SUBJECTS,
        max_clients: int = MAX_CLIENTS,
        max_claims: int = MAX_CLAIMS,
    ) -> None:
        """The bounds are numbers of entries."""
        self._standings: _Bounded[Subject, Standing | None] = _Bounded(max_subjects)
        self._clients: _Bounded[str, ClientState | None] = _Bounded(max_clients)
        self._claims: _Bounded[bytes, AccessClaims] = _Bounded(max_claims)
        self._era = 0
        self._marks = Marks()
        self.forget()

    # -- trust ---------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Know nothing and be trusted by nobody: news may have been missed."""
        self._trusted_until = float("-inf")
        self.incarnation = ""
        self._start_over(0)
        self._keys: KeyRing | None = None
        self.denials = Denials()

    def begin(self, n: int, keys: KeyRing, denials: Iterable[Denial]) -> None:
        """Know this, which was looked up after the feed stood at `n`. Trust is another step."""
        self._start_over(n)
        self._keys = keys
        self.denials = Denials(denials)

    def reconfigured(self) -> None:
        """Another configuration is in force: what was found, or is being found, under the one before does not count."""
        self._start_over(self._n)

    def trust_until(self, steady: float) -> None:
        """Be trusted until then, on the steady clock."""
        self._trusted_until = steady

    def is_trusted(self, steady: float) -> bool:
        """True while this memory may be believed."""
        return steady < self._trusted_until

    def require_trust(self, steady: float) -> None:
        """Raises OutOfTouchError when this process may have missed news."""
        if not self.is_trusted(steady):
            raise OutOfTouchError("this process has lost touch with the news of changes; it is catching up")

    # -- news ----------------------------------------------------------------------------------------------------

    def apply(self, news: Sequence[News], keys: KeyRing | None, denials: Iterable[Denial]) -> None:
        """Apply these news in one step, with what was looked up because of them (after they were read).

        `keys` None: none of the news is about keys. `denials` only ever adds.
        """
        self.denials.add(denials)
        if keys is not None:
            self._keys = keys
            self._claims.clear()
        for one in news:
            for change in _both_sides(one.change):
                self._drop(change)
                self._marks.set(change, one.n)
            self._n = one.n
        self._ticket = Ticket(self._era, self._n)

    @property
    def n(self) -> int:
        """The latest change that is applied."""
        return self._n

    def ticket(self) -> Ticket:
        """Take one before looking elsewhere."""
        return self._ticket

    def unchanged_since(self, ticket: Ticket, about: Iterable[Change]) -> bool:
        """True when surely nothing about these was applied since the ticket was taken."""
        if ticket is self._ticket:
            return True
        return ticket.era == self._era and self._marks.none_after(ticket.n, about)

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def keys(self) -> KeyRing:
        """The signing keys. Raises OutOfTouchError while they are not known: "no key" would be a lie."""
        if self._keys is None:
            raise OutOfTouchError("this process does not know the signing keys now; it is learning them")
        return self._keys

    def standing(self, subject: Subject) -> Entry[Standing | None] | None:
        """The subject's standing; None when it is not known here (an entry of None: there is no such subject)."""
        return self._standings.get(subject)

    def keep_standing(self, ticket: Ticket, subject: Subject, found: Standing | None) -> bool:
        """Remember what was found. False, and nothing kept, when news about it came first."""
        about = Change(ChangeKind.SUBJECT, str(subject))
        return self._keep(self._standings, ticket, about, subject, found)

    def client(self, client_id: str) -> Entry[ClientState | None] | None:
        """The state of a client registered at run time; None when it is not known here."""
        return self._clients.get(client_id)

    def keep_client(self, ticket: Ticket, client_id: str, found: ClientState | None) -> bool:
        """Remember what was found. False, and nothing kept, when news about it came first."""
        about = Change(ChangeKind.CLIENT, client_id)
        return self._keep(self._clients, ticket, about, client_id, found)

    def claims(self, digest: bytes) -> AccessClaims | None:
        """What a JWT with this digest says, if its signature was verified with the keys of today."""
        found = self._claims.get(digest)
        return None if found is None else found.value

    def keep_claims(self, digest: bytes, claims: AccessClaims) -> None:
        """Remember a verification that was made in this loop turn with `keys`."""
        self._claims.put(digest, Entry(claims, self._n))

    def tidy(self, now: float) -> None:
        """Drop denials that have ended. `now` is unix seconds."""
        self.denials.drop_expired(now)

    # -- inside --------------------------------------------------------------------------------------------------

    def _start_over(self, n: int) -> None:
        self._era += 1  # whoever holds a ticket of before brings nothing in
        self._n = n
        self._ticket = Ticket(self._era, n)
        self._marks = Marks()
        self._drop(Change(ChangeKind.EVERYTHING))

    def _drop(self, change: Change) -> None:
        match change.kind:
            case ChangeKind.SUBJECT:
                self._standings.drop(_subject(change.key))
            case ChangeKind.CLIENT:
                self._clients.drop(change.key)
            case ChangeKind.KEYS:
                self._claims.clear()
            case ChangeKind.TOKEN:
                pass  # token records are not remembered
            case ChangeKind.EVERYTHING:
                self._standings.clear()
                self._clients.clear()
                self._claims.clear()

    def _keep(self, where: _Bounded[K, T], ticket: Ticket, about: Change, key: K, found: T) -> bool:
        if not self.unchanged_since(ticket, (about,)):
            return False
        where.put(key, Entry(found, ticket.n))
        return True


K = TypeVar("K")


class _Bounded(Generic[K, T]):
    """A dict with an end: the entry used longest ago makes room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, Entry[T]] = OrderedDict()

    def get(self, key: K) -> Entry[T] | None:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: K, entry: Entry[T]) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def drop(self, key: K | None) -> None:
        if key is not None:
            self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()


def _subject(key: str) -> Subject | None:
    try:
        return Subject.parse(key)
    except InvalidSubjectError:
        return None


def _both_sides(change: Change) -> tuple[Change, ...]:
    """A client is a subject too: news about the one is news about the other."""
    if change.kind is ChangeKind.CLIENT:
        return change, Change(ChangeKind.SUBJECT, f"{SubjectKind.CLIENT.value}:{change.key}")
    kind, _, name = change.key.partition(":")
    if change.kind is ChangeKind.SUBJECT and kind == SubjectKind.CLIENT.value:
        return change, Change(ChangeKind.CLIENT, name)
    return (change,)
