"""What is true: people, clients, keys, tokens, and what each configuration says. Changes are made here and announced.

A change of people, clients, keys or denials is one transaction with an outbox entry, which some node's publisher brings
to the feed; a change of an opaque token is one atomic step with its news. Store and feed are the real ones in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, product
from typing import Any

from msgspec import structs

from sumun.access import Evidence, HasPermission, Proven, Rule, decide, profile_id
from sumun.access.decision import Allow
from sumun.access.handover import rights_of, user_of
from sumun.haproxy.kept import Fact, Verdict
from sumun.identity import ANYTHING, Credential, CredentialKind, Permission, Standing, Subject
from sumun.tokens.denials import Denial, DenialKind, Denials
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.judge import ClientState, judge_claims, judge_record
from sumun.tokens.jwt import AccessClaims
from sumun.tokens.record import TokenRecord
from sumun.tokens.signing_keys import KeyRing, SigningKey, StoredKey
from sumun.tokens.store import Rights
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.model.history import History, Version

ALICE, BOB = Subject.user("alice"), Subject.user("bob")
REGISTERED, CONFIGURED = "app", "shop"
READ, WRITE = Permission("doc", "read"), Permission("doc", "write")
RULES = {
    "1": Rule("reading", requirement=HasPermission(READ)),
    "2": Rule("writing", requirement=HasPermission(WRITE)),
}
ROLES = tuple(map(frozenset, ((), ("reader",), ("writer",), ("reader", "writer"))))
SLOTS = ("alice's", "bob's", "signed")
NARROW = frozenset({READ, Permission("role", "reader")})
KEY = SigningKey.generate("EdDSA")
FAR_MS = 4 * 10**12
BUNDLES = (
    {"reader": frozenset({READ}), "writer": frozenset({READ, WRITE})},
    {"reader": frozenset({READ, WRITE}), "writer": frozenset({WRITE})},
)

Outcome = tuple[str, str] | None
"""Let through as this profile with this verdict, or refused."""


def done(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of something asynchronous that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


@dataclass(frozen=True)
class Token:
    """A token under a name of its own: a record in the store, or claims."""

    name: str
    subject: Subject
    client: str
    credential: Credential
    claims: AccessClaims | None = None

    @cached_property
    def key(self) -> str:
        """Its name in HAProxy's maps."""
        return self.credential.fingerprint()

    @property
    def digest(self) -> bytes:
        return self.name.encode()

    @property
    def things(self) -> tuple[str, ...]:
        """What a decision about it depends on, beside the configuration."""
        return (self.name, str(self.subject), "keys", f"client {self.client}")


@dataclass(frozen=True)
class Person:
    """A row of SQL: how someone stands, and from which epoch on signed tokens are believed."""

    standing: Standing
    denied_below: int


def bundles_of(generation: int) -> dict[str, frozenset[Permission]]:
    """What roles bundle under this generation of the configuration."""
    return BUNDLES[generation % 2]


def configured_client(generation: int) -> ClientState:
    """The configuration's own client, which every third generation narrows."""
    return ClientState(CONFIGURED, frozenset({READ} if generation % 3 == 0 else {ANYTHING}))


def is_allowed(rule: str, evidence: Evidence, generation: int, adopted: int) -> bool:
    """By the generation that routed the request, and by the one in force if that is newer (`answers.answer`)."""
    generations = {generation, max(generation, adopted)}
    return all(isinstance(decide(RULES[rule], evidence, bundles_of(one)), Allow) for one in generations)


def lesson_of(proven: Proven, key: str, rule: str, generation: int) -> tuple[Fact, Verdict]:
    """What may be kept of an allowed call, as `answers.learned` makes it."""
    who = proven.principal
    profile = profile_id(proven.kind, who.roles, who.permissions, who.scopes)
    fact = Fact(
        key, int(proven.expires_at), proven.as_of, profile, str(who.subject), who.token_id or "-", who.client_id or "-",
        *user_of(who),
    )  # fmt: skip
    return fact, Verdict(profile, generation, rule, "doc", *rights_of(who, bundles_of(generation)))


class Truth:
    """SQL with its outbox, the token store and the feed; and the history of all of it."""

    def __init__(self, feed: MemoryFeed, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.feed = feed
        self.store = MemoryStore(feed, lambda: 0.0)
        self.outbox: list[tuple[Change, Version]] = []
        self.unsettled: list[Version] = []
        """Published, and not in force everywhere yet."""
        self.history = History()
        self.numbers = count(1)
        self.session = "sid_1"
        """Of alice's and bob's opaque tokens (as if they were one person's: who they are of does not matter to it)."""
        self.tokens: dict[str, Token] = {}
        self._outcomes: dict[tuple[Any, ...], Outcome] = {}
        self._ring = {
            True: KeyRing.of([StoredKey(KEY.kid, KEY.alg, "active", KEY.to_jwk(), 0)]),
            False: KeyRing.of([]),
        }
        self.history.begin("keys", True)
        self.history.begin(f"client {REGISTERED}", ClientState(REGISTERED, frozenset({ANYTHING})))
        self.history.begin(f"client {CONFIGURED}", None)  # the configuration says what it is
        for subject in (ALICE, BOB):
            standing = Standing(
                subject, subject.id, ROLES[2], frozenset(), disabled=False, epoch=0, login_epoch=0
            )
            self.history.begin(str(subject), Person(standing, 0))
        for slot in SLOTS:
            self.issue(slot)

    # -- what processes look up ------------------------------------------------------------------------------------

    def standing(self, subject: Subject) -> Standing:
        return self.history.now(str(subject)).standing

    def client(self) -> ClientState:
        return self.history.now(f"client {REGISTERED}")

    def keys(self) -> KeyRing:
        return self._ring[self.history.now("keys")]

    def live_denials(self) -> list[Denial]:
        """All there are: more than asked for does no harm."""
        denials = [
            Denial(DenialKind.SUBJECT, str(one), below, FAR_MS)
            for one in (ALICE, BOB)
            if (below := self.history.now(str(one)).denied_below)
        ]
        token = self.tokens["signed"]
        if not self.history.now(token.name):
            denials.append(Denial(DenialKind.TOKEN, token.name, None, FAR_MS))
        return denials

    # -- what may be answered --------------------------------------------------------------------------------------

    def admissible(
        self, token: Token, rule: str, generation: int, node: str, steady: float, bound: float
    ) -> set[Outcome]:
        """Every outcome that is right for some admissible versions of what it depends on."""
        things = (*token.things, f"configuration of {node}")
        versions = [self.history.admissible(thing, node, steady, bound) for thing in things]
        return {self._outcome(token, rule, generation, values) for values in product(*versions)}

    def outcome(self, token: Token, rule: str, generation: int, node: str) -> Outcome:
        """What is right now."""
        things = (*token.things, f"configuration of {node}")
        return self._outcome(token, rule, generation, [self.history.now(thing) for thing in things])

    def _outcome(self, token: Token, rule: str, generation: int, values: Sequence[Any]) -> Outcome:
        key = (token.name, rule, generation, *map(id, values))
        if key not in self._outcomes:
            self._outcomes[key] = self._decided(token, rule, generation, *values)
        return self._outcomes[key]

    def _decided(self, token: Token, rule: str, generation: int, *values: Any) -> Outcome:
        it, person, key, client, adopted = values
        client = configured_client(adopted) if token.client == CONFIGURED else client
        if token.claims is None:
            if it is None:
                return None
            evidence = judge_record(it, person.standing, client, 0)
        elif key and it:
            denied = Denials([Denial(DenialKind.SUBJECT, str(token.subject), person.denied_below, FAR_MS)])
            evidence = judge_claims(token.claims, denied, client, 0)
        else:
            return None
        if not is_allowed(rule, evidence, generation, adopted):
            return None
        assert isinstance(evidence, Proven)
        fact, verdict = lesson_of(evidence, "", rule, generation)
        return fact.profile, str(verdict.value())

    # -- changes ---------------------------------------------------------------------------------------------------

    CHANGES = (
        *("roles of alice", "roles of bob", "disable alice", "edit alice's", "edit bob's", "revoke alice's"),
        *("deny signed", "client", "keys", "everything", "narrow the grant", "end the session"),
    )

    def issue(self, slot: str) -> None:
        """A new token in this slot."""
        number = next(self.numbers)
        name = f"tid_{number}"
        credential = Credential(CredentialKind.BEARER, name)
        subject, client = (BOB, CONFIGURED) if slot == "bob's" else (ALICE, REGISTERED)
        if slot == "signed":
            epoch, roles = self.history.now(str(subject)).denied_below, frozenset({"reader", "writer"})
            claims = AccessClaims(
                subject, client, name, frozenset({ANYTHING}), roles, frozenset(), epoch, 0, 0, FAR_MS // 1000
            )
            self.tokens[slot] = Token(name, subject, client, credential, claims)
            self.history.begin(name, True)
        else:
            record = TokenRecord(
                name, subject, client, frozenset({ANYTHING}), 0, FAR_MS, 0, session_id=self.session
            )
            self.tokens[slot] = Token(name, subject, client, credential)
            self.history.begin(name, record)
            assert done(self.store.put(name.encode(), record))

    def change(self, what: str, which: int) -> None:
        """One of CHANGES; `which` chooses among roles. What is ended already begins again."""
        verb, _, whose = what.partition(" ")
        match verb:
            case "roles" | "disable":
                self._change_person(
                    ALICE if "alice" in whose else BOB, ROLES[which], disable=verb == "disable"
                )
            case "edit":
                self._edit(self.tokens[whose], ROLES[which])
            case "revoke":
                self._revoke(whose)
            case "narrow":
                self._sweep(lambda record: structs.replace(record, scopes=NARROW))
            case "end":
                self._end_session()
            case "deny":
                self._deny(whose)
            case "client":
                client = self.client()
                self._commit(
                    "client app", replace(client, disabled=not client.disabled), ChangeKind.CLIENT, REGISTERED
                )
            case "keys":
                self._commit("keys", not self.history.now("keys"), ChangeKind.KEYS, "")
            case "everything":
                self._commit("", None, ChangeKind.EVERYTHING, "")

    def publishers(self, *, are_down: bool) -> None:
        """Some node's publisher carries the outbox to the feed, unless all of them are down."""
        if not are_down:
            for change, version in self.outbox:
                self.published(version, self.feed.append([change]))
            self.outbox.clear()

    def published(self, version: Version, n: int) -> None:
        version.n, version.published = n, self.clock()
        self.unsettled.append(version)

    def _commit(self, thing: str, value: Any, kind: ChangeKind, key: str) -> None:
        """One transaction: row and outbox entry."""
        self.outbox.append((Change(kind, key), self.history.add(thing, value)))

    def _change_person(self, subject: Subject, roles: frozenset[str], *, disable: bool) -> None:
        old: Person = self.history.now(str(subject))
        disabled = not old.standing.disabled if disable else old.standing.disabled
        taken = disabled or not roles >= old.standing.roles
        epoch = old.standing.epoch + taken
        standing = replace(old.standing, roles=roles, disabled=disabled, epoch=epoch)
        person = Person(standing, epoch if taken else old.denied_below)
        self._commit(str(subject), person, ChangeKind.SUBJECT, str(subject))

    def _edit(self, token: Token, roles: frozenset[str]) -> None:
        record = self.history.now(token.name)
        if record is not None:
            version = self.history.add(token.name, structs.replace(record, own_rights=True, roles=roles))
            self.published(version, done(self.store.edit(token.name, Rights(roles, frozenset()))))

    def _revoke(self, slot: str) -> None:
        token = self.tokens[slot]
        if self.history.now(token.name) is None:
            self.issue(slot)
        else:
            version = self.history.add(token.name, None)
            self.published(version, done(self.store.revoke(token.digest)))

    def _sweep(self, narrow: Callable[[TokenRecord], TokenRecord] | None) -> None:
        """What is under the session becomes this, or ends with it: one step with the news of each token that changes."""
        under = {self.tokens[slot].name: self.history.now(self.tokens[slot].name) for slot in SLOTS[:2]}
        versions = {
            name: self.history.add(name, after)
            for name, before in under.items()
            if before is not None and (after := None if narrow is None else narrow(before)) != before
        }
        start = done(self.feed.head())
        step = (
            self.store.end_under(self.session)
            if narrow is None
            else self.store.narrow_under(self.session, narrow)
        )
        swept = done(step)
        told = {news.change.key: news.n for news in done(self.feed.read_after(start, 0))}
        for name, version in versions.items():
            self.published(version, told.get(name, swept.n))  # the call waits for the last of them

    def _end_session(self) -> None:
        """What is under it ends, and another begins; when nothing is, new tokens are issued in that."""
        gone = [slot for slot in SLOTS[:2] if self.history.now(self.tokens[slot].name) is None]
        if len(gone) < 2:
            self._sweep(None)
            self.session = f"sid_{next(self.numbers)}"
        else:
            for slot in gone:
                self.issue(slot)

    def _deny(self, slot: str) -> None:
        token = self.tokens[slot]
        person: Person = self.history.now(str(token.subject))
        assert token.claims is not None
        if not self.history.now(token.name) or token.claims.epoch < person.denied_below:
            if not self.outbox:  # claims are minted with the epoch that everybody knows
                self.issue(slot)
        else:
            self._commit(token.name, False, ChangeKind.TOKEN, token.name)
