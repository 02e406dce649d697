"""An answering process: the real Memory, judge and decide; rounds of reading the news, and questions that may be held.

A question is a generator: it yields the name of the gate that what it was told must pass before it comes in. What it is
told was true when it asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sumun.access import Evidence, Invalid, InvalidBecause, Proven
from sumun.errors import OutageError
from sumun.recognition.errors import ChangingTooFastError
from sumun.recognition.memory import Memory, Ticket
from sumun.tokens.errors import NewsLostError
from sumun.tokens.feed import Change, ChangeKind, Position
from sumun.tokens.judge import ClientState, judge_claims, judge_record
from sumun.tokens.record import TokenRecord
from tests.model.haproxy_worker import Worker
from tests.model.truth import CONFIGURED, Token, configured_client, done, is_allowed, lesson_of

if TYPE_CHECKING:
    from tests.model.deployment import Node

LOOKS = 5
BOUND_SECONDS = 4.0
"""`outage.serve_known_for`: the published bound."""

WAITED_FOR_SECONDS = BOUND_SECONDS * 1.02 + 0.25
"""As `recognition.news_reader`: the feed waits for a reader a little longer than the reader trusts itself."""


@dataclass
class Link:
    """The way to the feed. `deaf`: what the feed is told arrives, and its answer does not."""

    is_cut: bool = False
    is_deaf: bool = False


@dataclass
class Held:
    """A question whose answer has not come in yet."""

    gate: str
    asking: Iterator[str]


class AnsweringProcess:
    """One of a node's answering processes."""

    def __init__(self, name: str, node: Node, adopted: int) -> None:
        self.name = name
        self.node = node
        self.truth = node.world.truth
        self.memory = Memory()
        self.link = Link()
        self.position: Position | None = None
        self.adopted = adopted
        self.shut: set[str] = set()
        self.waited_for_until = float("-inf")
        self.looked_at = 0.0
        self.is_hung = False
        self.waiting: list[Held] = []

    # -- news ------------------------------------------------------------------------------------------------------

    def round(self) -> None:
        """One round of `recognition.NewsReader`."""
        if not self.is_hung and self.look():
            self.confirm()

    def look(self) -> bool:
        """The first half of a round."""
        self.looked_at = self.node.world.steady
        if self.link.is_cut:
            return False
        try:
            if self.position is None:
                self.begin()
            else:
                self.follow(self.position)
        except NewsLostError:
            self.memory.forget()
            self.position = None
            return False
        return True

    def hang(self) -> None:
        """It has looked at the feed, and does nothing about it yet."""
        self.is_hung = self.look()

    def wake(self) -> None:
        """It goes on with the round."""
        if self.is_hung:
            self.is_hung = False
            if not self.link.is_cut:
                self.confirm()

    def begin(self) -> None:
        self.memory.forget()
        self.position = done(self.truth.feed.head())
        self.memory.begin(self.position.n, self.truth.keys(), self.truth.live_denials())
        self.memory.incarnation = self.position.incarnation

    def follow(self, position: Position) -> None:
        news = done(self.truth.feed.read_after(position, 0))
        if news:
            self.memory.apply(news, self.truth.keys(), self.truth.live_denials())
            self.position = Position(position.incarnation, news[-1].n)

    def confirm(self) -> None:
        """The second half of a round."""
        assert self.position is not None
        done(self.truth.feed.confirm(self.node.name, self.name, self.position, WAITED_FOR_SECONDS))
        if not self.link.is_deaf:
            now = self.node.world.steady
            if self.is_waited_for(now):
                self.memory.trust_until(self.looked_at + BOUND_SECONDS)
            self.waited_for_until = now + BOUND_SECONDS

    def is_waited_for(self, now: float) -> bool:
        """The feed has waited for this process all through the round."""
        return now < self.waited_for_until

    def adopt(self, generation: int) -> None:
        """The clients of this configuration count from now on."""
        self.memory.reconfigured()
        self.adopted = generation

    # -- questions -------------------------------------------------------------------------------------------------

    def ask(self, worker: Worker, token: Token, rule: str) -> None:
        """HAProxy asks; the answer is judged when it is given."""
        if not self.is_hung:
            self._go_on(self._asked(worker, token, rule))

    def let_in(self, gate: str | None = None) -> None:
        """What was held back comes in: at one gate, or at all."""
        self.shut.discard(gate) if gate else self.shut.clear()
        waiting, self.waiting = self.waiting, []
        for held in waiting:
            if held.gate in self.shut:
                self.waiting.append(held)
            else:
                self._go_on(held.asking)

    def _go_on(self, asking: Iterator[str]) -> None:
        for gate in asking:
            if gate in self.shut:
                self.waiting.append(Held(gate, asking))
                return

    def _asked(self, worker: Worker, token: Token, rule: str) -> Iterator[str]:
        generation = worker.generation
        try:
            evidence = yield from self._recognise(token)
        except OutageError:
            return  # 503: nobody was told yes or no
        if not self.is_allowed(rule, evidence, generation):
            self.node.judge(worker, token, rule, None, generation)
            return
        assert isinstance(evidence, Proven)
        fact, verdict = lesson_of(evidence, token.key, rule, generation)
        self.node.judge(worker, token, rule, (fact.profile, str(verdict.value())), generation)
        self.node.lessons.append((self.memory.incarnation, self.adopted, (fact, verdict)))

    def is_allowed(self, rule: str, evidence: Evidence, generation: int) -> bool:
        """What the process says of a request that this generation routed."""
        return is_allowed(rule, evidence, generation, self.adopted)

    def _recognise(self, token: Token) -> Iterator[str]:
        """As `recognition.Recogniser` does it."""
        for _ in range(LOOKS):
            self.memory.require_trust(self.node.world.steady)
            evidence = yield from self._signed(token) if token.claims else self._opaque(token)
            if evidence is not None:
                return evidence
        raise ChangingTooFastError("overtaken")

    def _signed(self, token: Token) -> Iterator[str]:
        assert token.claims is not None
        yield from ()
        if not self.memory.keys.published:
            return Invalid(InvalidBecause.BAD_SIGNATURE)
        known = self.memory.client(token.client)
        if known is None:
            yield from self._client(token.client)
            return None
        return judge_claims(token.claims, self.memory.denials, known.value, 0, self.memory.n)

    def _opaque(self, token: Token) -> Iterator[str]:
        ticket = self.ticket()
        (record,) = done(self.truth.store.get_many([token.digest]))
        yield "store"
        if record is None:
            self.memory.require_trust(self.node.world.steady)
            return Invalid(InvalidBecause.UNKNOWN) if self.memory.unchanged_since(ticket, ()) else None
        since_standing, standing = yield from self._standing(record)
        since_client, client = yield from self._client(record.client_id)
        ticket = self.used(min((ticket, since_standing, since_client), key=lambda one: (one.era, one.n)))
        about = (
            Change(ChangeKind.TOKEN, record.token_id),
            Change(ChangeKind.SUBJECT, str(record.subject)),
            Change(ChangeKind.CLIENT, record.client_id),
        )
        self.memory.require_trust(self.node.world.steady)
        if not self.memory.unchanged_since(ticket, about):
            return None
        return self.judged(record, standing, client, ticket)

    def judged(self, record: TokenRecord, standing: object, client: ClientState, ticket: Ticket) -> Evidence:
        return judge_record(record, standing, client, 0, ticket.n)

    def ticket(self) -> Ticket:
        return self.memory.ticket()

    def used(self, ticket: Ticket) -> Ticket:
        """What is done with the ticket when everything has come in: nothing."""
        return ticket

    def _standing(self, record: TokenRecord) -> Iterator[str]:
        known = self.memory.standing(record.subject)
        if known is not None:
            return self.memory.ticket(), known.value
        ticket = self.memory.ticket()
        found = self.truth.standing(record.subject)
        yield "truth"
        self.memory.keep_standing(ticket, record.subject, found)
        return ticket, found

    def _client(self, client_id: str) -> Iterator[str]:
        if client_id == CONFIGURED:
            return self.memory.ticket(), configured_client(self.adopted)
        known = self.memory.client(client_id)
        if known is not None:
            return self.memory.ticket(), known.value
        ticket = self.memory.ticket()
        found = self.truth.client()
        yield "truth"
        self.memory.keep_client(ticket, client_id, found)
        return ticket, found
