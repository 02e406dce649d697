"""Callers for `sumun explain`: who the directory and the store say somebody is, as things are now.

The judging is that of the answering processes (`tokens/judge.py`, `tokens/jwt.py`). Nothing is kept, so nothing is
stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from msgspec import structs

from sumun.access import (
    TOKENS,
    Bound,
    Invalid,
    InvalidBecause,
    Missing,
    NotAProfileError,
    Profile,
    Proven,
    Reason,
    TokenKind,
)
from sumun.access.handover import SESSION_CLIENT
from sumun.config.plan import Client, Plan
from sumun.directory import Directory, RegisteredClient
from sumun.directory.errors import UnknownClientError, UnknownUserError
from sumun.explain.caller import Caller, Shown, ThroughClient
from sumun.explain.logged import LoggedCall
from sumun.identity import ANYTHING, Permission, Principal, Standing, Subject, SubjectKind
from sumun.node.directory.truth import living_denials, ring_of
from sumun.tokens import format as token_format
from sumun.tokens import jwt
from sumun.tokens.binding import for_its_holder
from sumun.tokens.judge import ClientState, judge_claims, judge_record
from sumun.tokens.store import TokenStore

_NEVER = float("inf")


class Callers:
    """Makes callers from what one data folder knows, under one plan."""

    def __init__(self, plan: Plan, directory: Directory) -> None:
        """`plan` may be another than the one in force: its roles and clients count."""
        self._plan = plan
        self._directory = directory

    def person(self, name: str, kinds: frozenset[TokenKind], client_id: str | None = None) -> Caller:
        """A person with a token of one of these kinds that carries all it may. Raises UnknownUserError, OutageError."""
        subject = Subject.user(name)
        standing = self._directory.standing(subject)
        if standing is None:
            raise UnknownUserError(f"there is no account {name[:80]!r}; `sumun user list` shows them")
        if client_id == SESSION_CLIENT:
            client_id, kinds = None, frozenset({TokenKind.SESSION})
        client = None if client_id is None else self._client(client_id)
        through = None if client is None else through_client(client)
        kind = (
            _first(kinds) if client is None or through is None else _of_client(client, through.kinds & kinds)
        )
        scopes = through.scopes if through else frozenset({ANYTHING})
        assumed = (
            f"{kind.words} that carries {'every scope' if client is None else 'all that its client may'}",
        )
        words = f"the person {name}"
        if standing.disabled:
            return Caller(words, Invalid(InvalidBecause.SUBJECT_DISABLED), Shown.SUBJECT, client=through)
        proven = Proven(_principal(standing, scopes, client_id), kind, _NEVER)
        return Caller(words, proven, Shown.SUBJECT, client=through, assumed=assumed)

    def client(self, client_id: str) -> Caller:
        """A client that acts for itself (client_credentials). Raises UnknownClientError, OutageError."""
        client = self._client(client_id)
        if isinstance(client, RegisteredClient):
            return registered_caller(client, self._directory.standing(Subject.client(client_id)))
        return configured_caller(client)

    def logged(self, line: LoggedCall, kinds: frozenset[TokenKind]) -> Caller:
        """Whoever sent a request of the log, as they are now. `kinds`: those that the route takes.

        Raises UnknownUserError, UnknownClientError when they are gone, OutageError.
        """
        if line.code == "no_credential" or not (line.who or line.why):
            return Caller("nobody", Missing(), Shown.NOTHING)
        # A token for other services was proven: what it was and whose, the line says.
        if line.why in set(InvalidBecause) and not (line.why == InvalidBecause.WRONG_AUDIENCE and line.who):
            words = "the token of this request, as it was then"
            return Caller(words, Invalid(InvalidBecause(line.why)), Shown.TOKEN)
        subject = Subject.parse(line.who)
        if subject.kind is SubjectKind.CLIENT:
            return _with_token_of(line, self.client(subject.id))
        if line.why == Reason.WRONG_TOKEN_KIND:
            kinds = TOKENS - kinds or kinds
        return _with_token_of(line, self.person(subject.id, kinds, line.client or None))

    async def token(self, secret: str, store: TokenStore, now: float) -> Caller:
        """Whoever a token proves at `now` (unix seconds). Raises OutageError; never for a token that is wrong."""
        if token_format.is_wellformed(secret, token_format.ACCESS_PREFIX):
            return await self._opaque(secret, store, now)
        if secret.count(".") == 2:
            return self._claims(secret, now)
        return _unproven("a token", InvalidBecause.MALFORMED)

    async def _opaque(self, secret: str, store: TokenStore, now: float) -> Caller:
        (record,) = await store.get_many([token_format.digest(secret)])
        words = "an opaque token"
        if record is None:
            return _unproven(words, InvalidBecause.UNKNOWN)
        client = self._known_client(record.client_id)
        evidence = judge_record(record, self._standing(record.subject), _state(client), now)
        own = record.own_rights
        words = f"{words} of {record.subject}" + (" with rights of its own" if own else "")
        through = None if client is None else through_client(client)
        return _assumed_held(Caller(words, evidence, Shown.TOKEN, own, through))

    def _claims(self, secret: str, now: float) -> Caller:
        tokens = self._plan.tokens
        ring = ring_of(self._directory.keys.list())
        claims = jwt.read(secret, ring, tokens.issuer, tokens.audience, now)
        if isinstance(claims, Invalid):
            return _unproven("a JWT", claims.because)
        client = self._known_client(claims.client_id)
        evidence = judge_claims(claims, living_denials(self._directory, now), _state(client), now)
        through = None if client is None else through_client(client)
        return _assumed_held(Caller(f"a JWT of {claims.subject}", evidence, Shown.TOKEN, client=through))

    def _standing(self, subject: Subject) -> Standing | None:
        configured = self._plan.clients.get(subject.id) if subject.kind is SubjectKind.CLIENT else None
        if configured is None:
            return self._directory.standing(subject)
        epochs = self._directory.subjects.epochs(subject)
        roles, permissions = frozenset(configured.roles), frozenset(configured.permissions)
        return Standing(
            subject,
            configured.id,
            roles,
            permissions,
            False,
            epochs.epoch,
            epochs.login_epoch,
        )

    def _known_client(self, client_id: str) -> Client | RegisteredClient | None:
        return self._plan.clients.get(client_id) or self._directory.clients.get(client_id)

    def _client(self, client_id: str) -> Client | RegisteredClient:
        found = self._known_client(client_id)
        if found is None:
            raise UnknownClientError(f"there is no client {client_id[:80]!r}; `sumun client list` shows them")
        return found


def configured_caller(client: Client) -> Caller:
    """A client of the configuration that acts for itself; needs no directory."""
    standing = Standing(
        Subject.client(client.id),
        client.id,
        frozenset(client.roles),
        frozenset(client.permissions),
        False,
        0,
        0,
    )
    return registered_caller(client, standing)


def registered_caller(client: Client | RegisteredClient, standing: Standing | None) -> Caller:
    """A client that acts for itself, with what its standing gives it."""
    words, through = f"the client {client.id}", through_client(client)
    if standing is None or standing.disabled or getattr(client, "disabled", False):
        return Caller(words, Invalid(InvalidBecause.CLIENT_DISABLED), Shown.SUBJECT, client=through)
    assumed = [f"a token of the kind {client.token_kind} that carries all that the client may"]
    if "client_credentials" not in client.grants:
        assumed.append("that it had the grant client_credentials: without it, it gets no token of its own")
    proven = Proven(_principal(standing, through.scopes, client.id), client.token_kind, _NEVER)
    return Caller(words, proven, Shown.SUBJECT, client=through, assumed=tuple(assumed))


def through_client(client: Client | RegisteredClient) -> ThroughClient:
    """What an explanation needs to know of a client."""
    others: Mapping[TokenKind, int] | frozenset[TokenKind] = frozenset()
    where = None
    if isinstance(client, RegisteredClient):
        others = client.other_lifetimes_seconds
    else:
        others, where = client.may_ask_for, client.where
    return ThroughClient(client.id, frozenset(client.scopes), frozenset({client.token_kind, *others}), where)


def _state(client: Client | RegisteredClient | None) -> ClientState | None:
    if client is None:
        return None
    return ClientState(client.id, frozenset(client.scopes), bool(getattr(client, "disabled", False)))


def _principal(standing: Standing, scopes: frozenset[Permission], client_id: str | None) -> Principal:
    return Principal(
        standing.subject, standing.name, standing.roles, standing.permissions, scopes, client_id=client_id
    )


def _with_token_of(line: LoggedCall, caller: Caller) -> Caller:
    """The caller with the kind and the scopes of the token that it came with then, when the line says them."""
    evidence = caller.evidence
    if not isinstance(evidence, Proven) or ";" not in line.held:
        return caller
    try:
        token = Profile.parse(line.held)
    except NotAProfileError:
        return caller
    principal = structs.replace(evidence.principal, scopes=token.scopes, audience=token.audience)
    if token.own_rights:
        principal = structs.replace(principal, roles=token.roles, permissions=token.permissions)
    proven = structs.replace(evidence, principal=principal, kind=token.kind, own_rights=token.own_rights)
    assumed = ("its token as it was then: the log keeps its kind and its scopes",)
    return replace(caller, evidence=proven, own_rights=token.own_rights, assumed=assumed)


def _assumed_held(caller: Caller) -> Caller:
    """A bound token is explained as it is for its holder; nobody can show a proof to a command."""
    if not isinstance(caller.evidence, Bound):
        return caller
    assumed = (f"that the call proves what the token is bound to, {caller.evidence.proven.bound_to}",)
    return replace(caller, evidence=for_its_holder(caller.evidence), assumed=assumed)


def _unproven(words: str, because: InvalidBecause) -> Caller:
    return Caller(words, Invalid(because), Shown.TOKEN)


def _of_client(client: Client | RegisteredClient, kinds: frozenset[TokenKind]) -> TokenKind:
    """The kind that the client gets: its own where that will do, or another that will; its own when none does."""
    return client.token_kind if client.token_kind in kinds or not kinds else _first(kinds)


def _first(kinds: frozenset[TokenKind]) -> TokenKind:
    return TokenKind.OPAQUE if TokenKind.OPAQUE in kinds else min(kinds, default=TokenKind.JWT)
