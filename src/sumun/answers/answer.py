"""The whole path of one question, on one screen.

question -> policy of its generation -> evidence for its credential -> decide() -> answer variables

Nothing is answered (`{}`: HAProxy then refuses with 503) for a question that we did not write or a generation that
nobody taught us. An outage is answered as what it is. Only a decision says `allow`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Protocol

from sumun.access import (
    Access,
    Allow,
    Evidence,
    Invalid,
    InvalidBecause,
    Missing,
    Policy,
    Proven,
    Rule,
    decide,
)
from sumun.access.generations import Generations
from sumun.access.handover import user_of
from sumun.access.shadow import ShadowSays
from sumun.answers.desk import Seldom
from sumun.answers.later import Later
from sumun.answers.learned import Learn, fact_of
from sumun.answers.opened import Opens
from sumun.answers.returning import Returning
from sumun.answers.settled import Settled, SettledOnce
from sumun.answers.translate import (
    BadQuestionError,
    Call,
    Question,
    Told,
    Variables,
    read_question,
    write_outage,
    write_refusal,
)
from sumun.errors import SumunError
from sumun.haproxy.kept import told_fact
from sumun.identity import Credential, CredentialKind, Principal
from sumun.recognition.handle import Handle
from sumun.spop import encode_text_variable
from sumun.tokens.binding import for_its_holder, held, to_certificate
from sumun.tokens.dpop import Shown

log = logging.getLogger(__name__)


class Recognises(Protocol):
    """What the answerer needs of `recognition`."""

    def recognise_now(self, credential: Credential, now: float) -> Evidence | None:
        """Evidence without any I/O, or None when a look-up is needed. Raises OutageError."""
        ...

    def look(
        self, credential: Credential, now: float, hear: Callable[[Evidence | BaseException | None], None]
    ) -> bool:
        """Have `hear` told soon; None: there is more to look up. False: only `recognise` can. Raises OutageError."""
        ...

    async def recognise(self, credential: Credential, now: float) -> Evidence:
        """Evidence, looked up if need be. Raises OutageError."""
        ...

    async def recognise_again(self, handle: Handle, now: float) -> Evidence:
        """What the credential behind the handle proves now. Raises OutageError."""
        ...


class JudgesPossession(Protocol):
    """What the answerer needs of `recognition.possession`."""

    def nonce(self, now: float) -> str:
        """The nonce for the caller's next proof. Raises SumunError."""
        ...

    def shown(self, method: str, host: str, path: str, proof: str | None) -> Shown:
        """What a call to this Host and path shows."""
        ...

    async def judge(self, evidence: Evidence, shown: Shown, token: str, now: float) -> Evidence:
        """What the token proves in this call. Raises SumunError."""
        ...


Redeem = Callable[[str], Awaitable[Handle | None]]
"""Ticket -> the handle of its token, once. Raises OutageError."""

SignIdentity = Callable[[Policy, Principal, str, float, float], str]
"""(policy, principal, service id, now, when its token ends; unix seconds) -> identity token. Raises SumunError."""


class Answerer:
    """Answers HAProxy's questions. One per answering process; lives on its event loop."""

    def __init__(
        self,
        generations: Generations,
        recogniser: Recognises,
        redeem: Redeem,
        possession: JudgesPossession,
        sign_identity: SignIdentity,
        clock: Callable[[], float],
        learn: Learn,
        opens: Opens,
    ) -> None:
        """`clock` gives unix seconds. `learn` is handed what HAProxy may keep; `opens` what may stay open."""
        self._generations = generations
        self._recogniser = recogniser
        self._redeem = redeem
        self._possession = possession
        self._sign_identity = sign_identity
        self._clock = clock
        self._learn = learn
        self._opens = opens
        self._seldom = Seldom(monotonic)
        self._settled = SettledOnce()
        self._returning = Returning()

    def answer(self, args: Mapping[str, object]) -> Told | Later[Told] | Awaitable[Told]:
        """Answer one question, at once when nothing must be looked up."""
        try:
            question = read_question(args)
        except BadQuestionError as error:
            log.error("a question that the rendered configuration never asks: %s", error)
            return {}
        policy = self._generations.get(question.generation)
        rule = policy.rules.get(question.route_id) if policy else None
        if policy is None or rule is None:
            log.error("no such route in generation %d: %r", question.generation, question.route_id)
            return {}
        now = self._clock()
        if rule.access is not Access.PROTECTED or question.credential.kind is CredentialKind.NONE:
            return self._decided(policy, rule, Missing(), question, now)
        if question.credential.kind is CredentialKind.TICKET:
            return self._redeemed(policy, rule, question, now)
        if question.call is not None:
            return self._proving(policy, rule, question, question.call, now)
        try:
            evidence = self._recogniser.recognise_now(question.credential, now)
            if evidence is not None:
                return self._decided(policy, rule, evidence, question, now)
            return self._soon(policy, rule, question, now) or self._looked_up(policy, rule, question, now)
        except SumunError as trouble:
            return self._not_decided(trouble)

    def _soon(self, policy: Policy, rule: Rule, question: Question, now: float) -> Later[Told] | None:
        """The answer of a look that takes others along with it, which is what most questions need."""
        later: Later[Told] = Later()

        def hear(found: Evidence | BaseException | None) -> None:
            if found is None:
                later.follow(self._looked_up(policy, rule, question, now))
            else:
                later.tell(self._found(policy, rule, found, question, now))

        return later if self._recogniser.look(question.credential, now, hear) else None

    def _found(
        self, policy: Policy, rule: Rule, found: Evidence | BaseException, question: Question, now: float
    ) -> Told | BaseException:
        try:
            if isinstance(found, BaseException):
                raise found
            return self._decided(policy, rule, found, question, now)
        except SumunError as trouble:
            return self._not_decided(trouble)
        except BaseException as failure:  # noqa: BLE001 - it is told: the other answers of this look must be heard
            return failure

    async def _looked_up(self, policy: Policy, rule: Rule, question: Question, now: float) -> Told:
        try:
            evidence = await self._recogniser.recognise(question.credential, now)
            return self._decided(policy, rule, evidence, question, now)
        except SumunError as trouble:
            return self._not_decided(trouble)

    async def _redeemed(self, policy: Policy, rule: Rule, question: Question, now: float) -> Told:
        """A ticket is worth what its token is worth now. Nothing of it is kept: it is spent."""
        try:
            handle = await self._redeem(question.credential.secret)
            if handle is None:
                return self._decided(policy, rule, Invalid(InvalidBecause.TICKET_GONE), question, now)
            evidence = for_its_holder(await self._recogniser.recognise_again(handle, now))
            return self._decided(policy, rule, evidence, question, now, handle)
        except SumunError as trouble:
            return self._not_decided(trouble)

    async def _proving(self, policy: Policy, rule: Rule, question: Question, call: Call, now: float) -> Told:
        """A call that has to prove a key beside its token. Whatever comes of it, it is told the nonce to use next."""
        try:
            found = await self._recogniser.recognise(question.credential, now)
            shown = self._possession.shown(call.method, call.host, call.path, call.proof)
            evidence = await self._possession.judge(found, shown, question.credential.secret, now)
            told = self._decided(policy, rule, evidence, question, now)
            nonce = self._possession.nonce(now)
        except SumunError as trouble:
            return self._not_decided(trouble)
        if isinstance(told, bytes):
            return told + encode_text_variable("dpop_nonce", nonce)
        return {**told, "dpop_nonce": nonce}

    def _decided(
        self,
        policy: Policy,
        rule: Rule,
        evidence: Evidence,
        question: Question,
        now: float,
        handle: Handle | None = None,
    ) -> Told:
        if question.certificate is not None:
            evidence = held(evidence, (to_certificate(question.certificate),))
        settled = self._settled_of(policy, rule, evidence, internal=question.internal)
        decision = settled.decision
        newer = self._generations.newer_than(policy.generation)
        if newer is not None and isinstance(decision, Allow):
            # An old worker asks for a connection that was open before a reload. What was taken away since is gone.
            newer_rule = newer.rules.get(rule.route_id)
            if newer_rule is None:
                return {}
            decision = self._settled_of(newer, newer_rule, evidence, internal=question.internal).decision
        shadow = settled.shadow if decision is settled.decision else None
        if not isinstance(decision, Allow):
            metadata = policy.metadata.get(question.route_id, "")
            told = write_refusal(decision, dpop=question.call is not None, metadata=metadata)
            if isinstance(evidence, Proven):
                told["fact"] = _fact(evidence.principal, settled.held)  # nothing but the log reads it
            return told if shadow is None else {**told, "shadow": shadow.text}
        if not isinstance(evidence, Proven):
            return {"allow": True}
        allowed = self._allowed(policy, settled, evidence, question, now, handle, shadow)
        may_be_kept = handle is None and not evidence.bound_to and not decision.varied
        if (
            may_be_kept
            and not question.kept
            and settled.verdict is not None
            and self._returning.comes_again(question.credential.secret)
        ):
            self._learn(fact_of(question, evidence), settled.verdict)
        return allowed

    def _allowed(
        self,
        policy: Policy,
        settled: Settled,
        proven: Proven,
        question: Question,
        now: float,
        handle: Handle | None,
        shadow: ShadowSays | None,
    ) -> Told:
        service = policy.signed.get(question.route_id)
        more: Variables = {}
        if service is not None:
            more["identity_token"] = self._sign_identity(
                policy, proven.principal, service, now, proven.expires_at
            )
        if question.stream is not None:
            self._opens(question, question.stream, proven, handle)
        fact = _fact(proven.principal, settled.held)
        if shadow is not None:
            more["shadow"] = shadow.text
        if more:
            return {"allow": True, "rights": settled.rights, "fact": fact, **more}
        return settled.allow + encode_text_variable("fact", fact)

    def _settled_of(self, policy: Policy, rule: Rule, evidence: Evidence, *, internal: bool) -> Settled:
        if isinstance(evidence, Proven):
            return self._settled.of(policy, rule, evidence, internal=internal)
        return Settled(policy, decide(rule, evidence, policy.bundles, internal=internal), "", "", b"", None)

    def _not_decided(self, trouble: SumunError) -> Variables:
        """A neighbour that is down, a signing key that is missing: ours, whatever it is, and never the caller's."""
        self._seldom.warn(trouble.code, "a question was not decided: %s: %s", trouble.code, trouble)
        return write_outage(trouble.code)


def _fact(who: Principal, held: str) -> str:
    user_id, user_name = user_of(who)
    return told_fact(held, str(who.subject), who.token_id or "", who.client_id or "", user_id, user_name)
