"""A small world around the real Memory, NewsReader and Recogniser: a changing truth, a store, a feed, two processes.

Answers of truth and store are true when the question arrives and may be held back before they are delivered, as slow
networks do. Whoever proves something that contradicts a change that was confirmed before is caught on the spot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from sumun.access import Evidence, Proven
from sumun.errors import OutageError
from sumun.identity import ANYTHING, Credential, CredentialKind, Standing, Subject
from sumun.recognition.memory import Memory
from sumun.recognition.news_reader import NewsReader
from sumun.recognition.recogniser import Recogniser
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens import format as token_format
from sumun.tokens import mint
from sumun.tokens.batching import BatchingReader
from sumun.tokens.denials import Denial, DenialKind
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, News, Position
from sumun.tokens.judge import ClientState
from sumun.tokens.record import TokenRecord
from sumun.tokens.signing_keys import KeyRing, SigningKey, StoredKey
from sumun.tokens.store import Rights
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.unit.recognition.virtual_time import VirtualLoop
from tests.unit.tokens.asking import by_asking

ISSUER, AUDIENCE = "https://gate", "shop"
SERVE_KNOWN_FOR_SECONDS = 4.0
FOREVER_MS = 10**12
ALICE, CLIENT_ID = Subject.user("alice"), "app"
OF_ALICE = Change(ChangeKind.SUBJECT, str(ALICE))
KEYS = [SigningKey.generate("EdDSA") for _ in range(2)]


class ContradictionError(AssertionError):
    """Something was proven against a change that had been confirmed."""


@dataclass(frozen=True)
class Token:
    """A token under a name of its own; only an opaque one has a handle here."""

    name: str
    text: str
    handle: str
    ended_by: frozenset[str] = frozenset()


@dataclass
class Gate:
    """Lets answers through, or holds them back until somebody opens. There is one for the store, one
    for the truth as questions ask it, one for the truth as the news reader does.
    """

    shut: bool = False
    down: bool = False
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    async def deliver(self, answer: Any) -> Any:
        if self.down:
            raise StoreUnavailableError("down for the test")
        if self.shut:
            held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(held)
            await held
        else:
            await asyncio.sleep(0)
        return answer

    def let_go(self, index: int) -> None:
        if self.waiting:
            held = self.waiting.pop(index % len(self.waiting))
            if not held.done():
                held.set_result(None)

    def open(self) -> None:
        self.shut = self.down = False
        while self.waiting:
            self.let_go(0)


@dataclass
class TheTruth:
    """What the directory says. The standing's role names its version: `v7`."""

    gate: Gate
    news_gate: Gate
    version: int = 1
    standing_now: Standing | None = None
    client_now: ClientState | None = field(
        default_factory=lambda: ClientState(CLIENT_ID, frozenset({ANYTHING}))
    )
    denied_below: int = 0
    retired: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.change_roles()

    def change_roles(self, *, disabled: bool = False) -> None:
        """One version further."""
        self.version += 1
        roles = frozenset({f"v{self.version}"})
        self.standing_now = Standing(
            ALICE, "Alice", roles, frozenset(), disabled=disabled, epoch=0, login_epoch=0
        )

    async def standing(self, subject: Subject) -> Standing | None:
        return await self.gate.deliver(self.standing_now)

    async def epochs(self, subject: Subject) -> tuple[int, int]:
        return await self.gate.deliver((0, 0))

    async def client(self, client_id: str) -> ClientState | None:
        return await self.gate.deliver(self.client_now)

    async def keys(self) -> KeyRing:
        rows = [
            StoredKey(key.kid, key.alg, "retired" if key.kid in self.retired else "active", key.to_jwk(), 0)
            for key in KEYS
        ]
        return await self.news_gate.deliver(KeyRing.of(rows))

    async def live_denials(self, about: Sequence[Change] | None) -> Sequence[Denial]:
        denial = Denial(DenialKind.SUBJECT, str(ALICE), self.denied_below, FOREVER_MS)
        asked = about is None or OF_ALICE in about
        return await self.news_gate.deliver([denial] if self.denied_below and asked else [])


class GatedStore:
    """The store as one process reaches it."""

    def __init__(self, store: MemoryStore, gate: Gate) -> None:
        self._store, self._gate = store, gate

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        return await self._gate.deliver(await self._store.get_many(digests))


@dataclass
class Wire:
    """The feed as one process reaches it: it can be cut."""

    feed: MemoryFeed
    cut: bool = False

    def _check(self) -> None:
        if self.cut:
            raise StoreUnavailableError("cut for the test")

    async def head(self) -> Position:
        self._check()
        await asyncio.sleep(0)
        return await self.feed.head()

    async def read_after(self, position: Position, wait_seconds: float) -> list[News]:
        self._check()
        news = await self.feed.read_after(position, wait_seconds)
        self._check()
        return news

    async def confirm(self, node: str, process: str, position: Position, alive_for_seconds: float) -> None:
        self._check()
        await self.feed.confirm(node, process, position, alive_for_seconds)
        await asyncio.sleep(0)
        self._check()


@dataclass
class Process:
    """One answering process."""

    name: str
    memory: Memory
    reader: NewsReader
    recogniser: Recogniser
    wire: Wire
    following: asyncio.Task[None] | None = None


Sabotage = Callable[[Process], None]


class World:
    """Everything, in virtual time."""

    def __init__(self, sabotage: Sabotage | None = None) -> None:
        self.loop = VirtualLoop()
        self.sabotage = sabotage
        self.gates = {"store": Gate(), "truth": Gate(), "news": Gate()}
        self.truth = TheTruth(self.gates["truth"], self.gates["news"])
        self.feed = MemoryFeed(self.loop.time)
        self.store = MemoryStore(self.feed, self.loop.time)
        self.sessions = MemorySessions(self.feed, self.loop.time)
        self.wall_ahead = 1_000_000.0
        self.confirmed: dict[str, int] = {}
        self.happened: dict[str, int] = {}
        self.numbers = count(1)
        self.epoch = 0
        self.results: list[Evidence | OutageError] = []
        self.contradiction: ContradictionError | None = None
        self.edited: dict[str, int] = {}
        self.questions: dict[str, set[asyncio.Task[None]]] = {"p0": set(), "p1": set()}
        self.tokens: dict[str, Token] = {}
        self.processes = [self.a_process(i) for i in range(2)]
        self.do(self._issue())
        for process in self.processes:
            self.start(process)
        self.loop.pass_time(0.01)

    # -- running ---------------------------------------------------------------------------------------------------

    def do(self, work: Awaitable[Any]) -> Any:
        async def whole() -> Any:
            return await work

        return self.loop.run_until_complete(whole())

    def a_process(self, index: int) -> Process:
        memory, wire = Memory(), Wire(self.feed)
        directory = ConfiguredFirst(self.truth, {})
        reader = NewsReader(
            wire,
            memory,
            self.truth,
            node="n",
            process=f"p{index}",
            serve_known_for_seconds=SERVE_KNOWN_FOR_SECONDS,
            steady=self.loop.time,
            wall=self.wall,
        )
        records = BatchingReader(by_asking(GatedStore(self.store, self.gates["store"]).get_many))
        recogniser = Recogniser(
            memory, records, directory, self.sessions, issuer=ISSUER, audience=AUDIENCE, steady=self.loop.time
        )
        return Process(f"p{index}", memory, reader, recogniser, wire)

    def wall(self) -> float:
        return self.loop.time() + self.wall_ahead

    def start(self, process: Process) -> None:
        if self.sabotage is not None:
            self.sabotage(process)
        process.following = self.loop.create_task(process.reader.run())

    def crash(self, index: int) -> None:
        """Gone without a goodbye; a new process takes the name."""
        old = self.processes[index]
        old.wire.cut = True
        for question in self.questions[old.name]:
            question.cancel()
        assert old.following is not None
        old.following.cancel()
        self.processes[index] = self.a_process(index)
        self.start(self.processes[index])

    async def _issue(self) -> None:
        for index in range(2):
            await self.issue_opaque(f"opaque-{index}")
            self.issue_jwt(index)

    def _grant(self) -> mint.Grant:
        return mint.Grant(ALICE, CLIENT_ID, frozenset({ANYTHING}), frozenset(), frozenset(), self.epoch, 0, 0)

    async def issue_opaque(self, slot: str) -> None:
        """A new token in this slot."""
        number = next(self.numbers)
        text, digest, record = mint.mint_opaque(
            self._grant(), now=0, lifetime_seconds=10**9, random=number.to_bytes(24) * 2
        )
        await self.store.put(digest, record)
        self.tokens[slot] = Token(f"opaque {number}", text, record.token_id)

    def issue_jwt(self, index: int) -> None:
        """A new token in this slot, signed with the key of that number."""
        number = next(self.numbers)
        times = {"now": 0, "lifetime_seconds": 10**9, "random": number.to_bytes(16)}
        text = mint.mint_jwt(self._grant(), KEYS[index], issuer=ISSUER, audience=AUDIENCE, **times)
        self.tokens[f"jwt-{index}"] = Token(
            f"jwt {number}", text, "", frozenset({f"key of jwt-{index}", f"epoch {self.epoch}"})
        )

    # -- questions -------------------------------------------------------------------------------------------------

    def ask(self, index: int, slot: str) -> None:
        """One question, which takes as long as it takes."""
        process = self.processes[index]
        question = self.loop.create_task(self._asked(process, self.tokens[slot]))
        self.questions[process.name].add(question)
        question.add_done_callback(self.questions[process.name].discard)

    async def _asked(self, process: Process, token: Token) -> None:
        credential = Credential(CredentialKind.BEARER, token.text)
        try:
            evidence = await process.recogniser.recognise(credential, self.wall())
        except OutageError as outage:
            self.results.append(outage)
        else:
            self.results.append(evidence)
            self.check(token, evidence)

    def check(self, token: Token, evidence: Evidence) -> None:
        """Does this contradict what was confirmed before this very moment?"""
        if not isinstance(evidence, Proven):
            return
        wrong = [f"{why} was confirmed" for why in self.ends(token) if why in self.confirmed]
        if token.handle:
            [role] = evidence.principal.roles
            least = {
                "v": self.confirmed.get("version", 0),
                "e": self.confirmed.get(f"edit of {token.name}", 0),
            }
            if int(role[1:]) < least[role[0]]:
                wrong.append(f"{role} is older than {least[role[0]]}")
            if role.startswith("v") and least["e"]:
                wrong.append("it was edited")
        if wrong and self.contradiction is None:
            self.contradiction = ContradictionError(
                f"{token.name} proven at {self.loop.now}, although {wrong}"
            )

    def ends(self, token: Token) -> set[str]:
        """What ends this token."""
        return {token.name, "client", *token.ended_by} | ({"subject"} if token.handle else set())

    # -- changes ---------------------------------------------------------------------------------------------------

    CHANGES = (
        *("roles", "edit opaque-0", "edit opaque-1", "revoke opaque-0", "revoke opaque-1"),
        *("deny", "subject", "client", "key 0", "key 1"),
    )

    def change(self, which: str) -> None:
        """One of CHANGES. What was ended already begins again, so that there is always something left to end."""
        what, _, name = which.partition(" ")
        match what:
            case "roles":
                self.truth.change_roles(disabled="subject" in self.happened)
                self._publish(OF_ALICE, "version", self.truth.version)
            case "edit":
                self._edit(name)
            case "revoke":
                self._revoke(name)
            case "deny":
                self._deny()
            case "subject":
                self.truth.change_roles(disabled="subject" not in self.happened)
                self._toggle(OF_ALICE, "subject")
            case "client":
                self.truth.client_now = replace(self.truth.client_now, disabled="client" not in self.happened)
                self._toggle(Change(ChangeKind.CLIENT, CLIENT_ID), "client")
            case "key":
                self.truth.retired ^= {KEYS[int(name)].kid}
                self._toggle(Change(ChangeKind.KEYS), f"key of jwt-{name}")

    def _toggle(self, change: Change, what: str) -> None:
        if what in self.happened:
            del self.happened[what]
            self.confirmed.pop(what, None)
            self.feed.append([change])
        else:
            self._publish(change, what, next(self.numbers))

    def _edit(self, slot: str) -> None:
        token = self.tokens[slot]
        number = self.edited[token.name] = self.edited.get(token.name, 0) + 1
        rights = Rights(frozenset({f"e{number}"}), frozenset())
        n = self.do(self.store.edit(token.handle, rights))
        if n is not None:
            self._wait_confirmed(n, f"edit of {token.name}", number)

    def _revoke(self, slot: str) -> None:
        token = self.tokens[slot]
        n = self.do(self.store.revoke(token_format.digest(token.text)))
        if n is None:
            self.do(self.issue_opaque(slot))
        else:
            self._wait_confirmed(n, token.name, 1)

    def _deny(self) -> None:
        if self.truth.denied_below > self.epoch:
            self.epoch = self.truth.denied_below
            for index in range(len(KEYS)):
                self.issue_jwt(index)
        else:
            self.truth.denied_below = self.epoch + 1
            self._publish(OF_ALICE, f"epoch {self.epoch}", 1)

    def _publish(self, change: Change, what: str, value: int) -> None:
        self._wait_confirmed(self.feed.append([change]), what, value)

    def _wait_confirmed(self, n: int, what: str, value: int) -> None:
        """Wait as a changing call does; then it counts as confirmed, unless it was undone meanwhile."""
        self.happened[what] = value
        self.loop.create_task(self._confirmed(n, what, value, self.feed._incarnation))

    async def _confirmed(self, n: int, what: str, value: int, incarnation: str) -> None:
        while await self.feed.unconfirmed(None, n):
            await asyncio.sleep(0.01)
        if incarnation == self.feed._incarnation and self.happened.get(what, 0) >= value:
            self.confirmed[what] = max(value, self.confirmed.get(what, 0))

    # -- the end ---------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        for gate in self.gates.values():
            gate.open()
        for process in self.processes:
            process.wire.cut = False

    def finish(self) -> None:
        """Everything works again: then every process must answer, and truly."""
        try:
            self.heal()
            self.loop.pass_time(2 * SERVE_KNOWN_FOR_SECONDS + 2)
            for index in range(len(self.processes)):
                for slot, token in self.tokens.items():
                    self._answers_truly(index, slot, token)
        finally:
            self.loop.finish()

    def _answers_truly(self, index: int, slot: str, token: Token) -> None:
        self.results.clear()
        self.ask(index, slot)
        self.loop.pass_time(0.1)
        [found] = self.results
        alive = not self.ends(token) & self.happened.keys()
        assert isinstance(found, Proven) is alive, (token, found, self.happened)
        if alive and token.handle:
            assert isinstance(found, Proven)
            edits = self.edited.get(token.name)
            assert found.principal.roles == {f"e{edits}" if edits else f"v{self.truth.version}"}
