"""Tokens from the command line: issued and revoked by an operator, by the same mint as everybody's."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass

from sumun.access import Invalid, TokenKind
from sumun.audit.events import TokenIssued
from sumun.changes import Applied, Changes
from sumun.config.plan import Client, Plan
from sumun.config.refused import RefusedError
from sumun.config.units import format_duration, parse_duration
from sumun.directory import Directory, Held, Occasion, RegisteredClient
from sumun.errors import SumunError
from sumun.identity import Permission, Standing, Subject, SubjectKind
from sumun.node.directory.truth import ring_of
from sumun.tokens import format as token_format
from sumun.tokens import jwt
from sumun.tokens.mint import JWT_RANDOM_BYTES, OPAQUE_RANDOM_BYTES, Grant, mint_jwt, mint_opaque
from sumun.tokens.store import Rights, TokenStore

# The longest that any configuration can make a token live (docs/configuration.md, `lifetime`).
LONGEST_SECONDS = 86_400
LONGEST_NOTE = 200
_HANDLE = re.compile(r"(?:tid|jti)_[0-9A-Za-z]{22}")


class CannotIssueError(SumunError):
    """The wish cannot be fulfilled: no such person or client, a scope beyond the client's, rights for a JWT."""

    code = "cannot_issue"
    exit_code = 2


class NoTokenError(SumunError):
    """What was named is neither a token of ours nor a token's handle."""

    code = "no_token"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asked for. `user` None: for the client itself. `own` None: rights follow the subject.

    `actor` is who asks, for the audit record.
    """

    user: str | None
    client_id: str
    scopes: tuple[str, ...]
    lifetime: str | None
    kind: str | None
    own: Held | None
    note: str
    actor: str


async def issue_by_hand(plan: Plan, directory: Directory, store: TokenStore, wish: Wish) -> str:
    """The new token. Raises CannotIssueError, StoreUnavailableError, DirectoryUnavailableError, NoSigningKeyError."""
    if len(wish.note) > LONGEST_NOTE:
        raise CannotIssueError(f"the note has {len(wish.note)} characters; {LONGEST_NOTE} are allowed")
    client = _client(plan, directory, wish.client_id)
    subject = Subject.client(client.id) if wish.user is None else Subject.user(wish.user)
    standing = _standing(plan, directory, subject)
    kind = TokenKind(wish.kind) if wish.kind else client.token_kind
    seconds = _lifetime_seconds(plan, client, kind, wish.lifetime)
    own = None if wish.own is None else Rights(wish.own.roles, wish.own.permissions)
    grant = Grant(
        subject=subject,
        client_id=client.id,
        scopes=_scopes(client, wish.scopes),
        roles=standing.roles,
        permissions=standing.permissions,
        epoch=standing.epoch,
        login_epoch=standing.login_epoch,
        client_epoch=directory.subjects.epochs(Subject.client(client.id)).epoch,
    )
    now = time.time()

    def write_down(token_id: str) -> None:
        """Before the token is handed out: one without a record is worse than a record without its token."""
        scopes = frozenset(map(str, grant.scopes))
        event = TokenIssued(
            f"token:{token_id}",
            kind.value,
            str(subject),
            client.id,
            scopes,
            own is not None,
            int((now + seconds) * 1000),
        )
        directory.audit.record(event, Occasion(wish.actor, int(now * 1000), 0))

    if kind is TokenKind.JWT:
        if own is not None:
            raise CannotIssueError(
                "a JWT cannot have rights of its own to be edited later; issue an opaque token"
            )
        random = secrets.token_bytes(JWT_RANDOM_BYTES)
        token = mint_jwt(
            grant,
            ring_of(directory.keys.list()).active(plan.tokens.jwt_algorithm),
            issuer=plan.tokens.issuer,
            audience=plan.tokens.audience,
            now=now,
            lifetime_seconds=seconds,
            random=random,
        )
        write_down(token_format.jwt_id(random))
        return token
    token, digest, record = mint_opaque(
        grant,
        now=now,
        lifetime_seconds=seconds,
        random=secrets.token_bytes(OPAQUE_RANDOM_BYTES),
        own=own,
        note=wish.note,
    )
    write_down(record.token_id)
    await store.put(digest, record)
    return token


async def revoke_by_hand(
    plan: Plan, directory: Directory, changes: Changes, handle: str, secret: str | None, actor: str
) -> Applied:
    """Revoke by handle, or (`secret`) by the token itself. `n` None: no such token is live.

    A JWT's handle does not say when it expires, so it is denied for as long as any JWT may live. Raises NoTokenError.
    """
    if secret is None:
        if _HANDLE.fullmatch(handle) is None:
            raise NoTokenError(
                f"{handle[:80]!r} is no token's handle: those are tid_ or jti_ and 22 letters or digits"
            )
        if token_format.is_opaque_id(handle):
            return await changes.revoke_token_id(handle, actor=actor)
        until = int((time.time() + LONGEST_SECONDS) * 1000)
        return await changes.revoke_claims_token(handle, until, actor=actor)
    if token_format.is_wellformed(secret, token_format.ACCESS_PREFIX):
        return await changes.revoke_token(token_format.digest(secret), actor=actor)
    ring = ring_of(directory.keys.list())
    claims = jwt.verify(secret, ring, plan.tokens.issuer, plan.tokens.audience, time.time())
    if isinstance(claims, Invalid):
        raise NoTokenError(f"this is not a live access token of ours ({claims.because.value})")
    return await changes.revoke_claims_token(claims.token_id, claims.expires_at * 1000, actor=actor)


def _client(plan: Plan, directory: Directory, client_id: str) -> Client | RegisteredClient:
    client = plan.clients.get(client_id) or directory.clients.get(client_id)
    if client is None:
        raise CannotIssueError(f"there is no client {client_id[:80]!r}; `sumun client list` shows them")
    return client


def _standing(plan: Plan, directory: Directory, subject: Subject) -> Standing:
    configured = plan.clients.get(subject.id) if subject.kind is SubjectKind.CLIENT else None
    if configured is not None:
        epochs = directory.subjects.epochs(subject)
        roles, permissions = frozenset(configured.roles), frozenset(configured.permissions)
        return Standing(subject, configured.id, roles, permissions, False, epochs.epoch, epochs.login_epoch)
    standing = directory.standing(subject)
    if standing is None or standing.disabled:
        raise CannotIssueError(f"{subject} does not exist or is disabled")
    return standing


def _scopes(client: Client | RegisteredClient, wanted: tuple[str, ...]) -> frozenset[Permission]:
    allowed = frozenset(client.scopes)
    if not allowed:
        raise CannotIssueError(f"the client {client.id} has no scopes, so its tokens could do nothing")
    scopes = frozenset(map(Permission.parse, wanted))
    for scope in scopes:
        if not any(one.covers(scope) for one in allowed):
            raise CannotIssueError(
                f"the client {client.id} may not carry {scope}; its scopes: {_words(allowed)}"
            )
    return scopes or allowed


def _lifetime_seconds(
    plan: Plan, client: Client | RegisteredClient, kind: TokenKind, wanted: str | None
) -> int:
    longest = plan.tokens.jwt_lifetime_seconds if kind is TokenKind.JWT else LONGEST_SECONDS
    if wanted is None:
        return min(client.token_lifetime_seconds, longest)
    try:
        seconds = parse_duration(wanted) // 1000
    except RefusedError as error:
        raise CannotIssueError(f"the lifetime {wanted[:80]!r} {error.what}; write {error.allowed}") from None
    if not 1 <= seconds <= longest:
        raise CannotIssueError(
            f"a lifetime of {wanted} is not possible: 1s to {format_duration(longest * 1000)} for a token of this kind"
        )
    return seconds


def _words(permissions: frozenset[Permission]) -> str:
    return " ".join(sorted(map(str, permissions)))
