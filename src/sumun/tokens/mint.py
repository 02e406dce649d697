"""Make tokens. Pure: the clock, the random bytes and the key are arguments; storing the record is the caller's.

An opaque token is returned once and never kept; its digest and record are. A JWT is returned and not kept at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sumun.identity import Permission, Principal, Subject
from sumun.identity.scope import scope_text
from sumun.tokens import format as token_format
from sumun.tokens.binding import confirmation
from sumun.tokens.errors import TokenTooLargeError
from sumun.tokens.jws import sign
from sumun.tokens.jwt import ACCESS_TYPE, IDENTITY_TYPE
from sumun.tokens.record import TokenRecord
from sumun.tokens.signing_keys import SigningKey
from sumun.tokens.store import Rights

MAX_JWT_BYTES = 4 * 1024
"""Larger claims tokens do not fit the header limits of common servers together with everything else."""

OPAQUE_RANDOM_BYTES = token_format.RANDOM_BYTES + token_format.TOKEN_ID_BYTES
JWT_RANDOM_BYTES = token_format.TOKEN_ID_BYTES


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted to whom, through which client: what any access token is made of.

    scopes   `*:*` leaves everything; empty only beside `openid`
    epoch, login_epoch   the subject's, read together with its rights
    client_epoch   that of the subject `client:<client_id>`, read no later than its rights
    the others     see `record.TokenRecord`
    """

    subject: Subject
    client_id: str
    scopes: frozenset[Permission]
    roles: frozenset[str]
    permissions: frozenset[Permission]
    epoch: int
    login_epoch: int
    client_epoch: int
    openid: frozenset[str] = frozenset()
    session_id: str = ""
    grant_id: str = ""
    audience: frozenset[str] = frozenset()
    bound_to: str = ""
    actor: str = ""
    family_id: str = ""


def mint_opaque(
    grant: Grant,
    *,
    now: float,
    lifetime_seconds: int,
    random: bytes,
    own: Rights | None = None,
    note: str = "",
) -> tuple[str, bytes, TokenRecord]:
    """(token, digest, record) of a new opaque access token. `now` is unix seconds; `random` is 48 random bytes.

    `own` gives the token rights of its own; without it, roles and permissions follow the subject. ValueError for
    another number of random bytes or an empty scope.
    """
    _refuse_empty_scope(grant)
    _refuse_length(random, OPAQUE_RANDOM_BYTES)
    token = token_format.make(token_format.ACCESS_PREFIX, random[: token_format.RANDOM_BYTES])
    issued_at_ms = int(now * 1000)
    record = TokenRecord(
        token_id=token_format.opaque_id(random[token_format.RANDOM_BYTES :]),
        subject=grant.subject,
        client_id=grant.client_id,
        scopes=grant.scopes,
        issued_at_ms=issued_at_ms,
        expires_at_ms=issued_at_ms + lifetime_seconds * 1000,
        login_epoch=grant.login_epoch,
        own_rights=own is not None,
        roles=own.roles if own is not None else frozenset(),
        permissions=own.permissions if own is not None else frozenset(),
        note=note,
        openid=grant.openid,
        session_id=grant.session_id,
        grant_id=grant.grant_id,
        audience=grant.audience,
        bound_to=grant.bound_to,
        actor=grant.actor,
        family_id=grant.family_id,
    )
    return token, token_format.digest(token), record


def mint_jwt(
    grant: Grant,
    key: SigningKey,
    *,
    issuer: str,
    audience: str,
    now: float,
    lifetime_seconds: int,
    random: bytes,
) -> str:
    """A JWT access token (RFC 9068 2.2). `now` is unix seconds; `random` is 16 random bytes.

    Raises TokenTooLargeError above 4 KiB. ValueError for another number of random bytes or an empty scope.
    """
    _refuse_empty_scope(grant)
    issued_at = int(now)
    claims = {
        "iss": issuer,
        "sub": grant.subject.id,
        "sub_kind": grant.subject.kind.value,
        "aud": sorted(grant.audience) or audience,
        "exp": issued_at + lifetime_seconds,
        "iat": issued_at,
        "jti": token_format.jwt_id(random),
        "client_id": grant.client_id,
        "scope": scope_text(grant.scopes, grant.openid),
        "roles": sorted(grant.roles),
        "permissions": _texts(grant.permissions),
        "epoch": grant.epoch,
        "client_epoch": grant.client_epoch,
    }
    return _bounded(claims | _further(grant), key, ACCESS_TYPE)


def _further(grant: Grant) -> dict[str, Any]:
    """What most tokens do not say."""
    further: dict[str, Any] = {}
    if grant.session_id:
        further["sid"] = grant.session_id  # OpenID Connect Front-Channel Logout 3
    if grant.grant_id:
        further["grant_id"] = grant.grant_id
    if grant.family_id:
        further["family_id"] = grant.family_id
    if grant.bound_to:
        further["cnf"] = confirmation(grant.bound_to)
    if grant.actor:
        actor = Subject.parse(grant.actor)
        further["act"] = {"sub": actor.id, "sub_kind": actor.kind.value}  # RFC 8693 4.1
    return further


def mint_identity_token(
    principal: Principal,
    bundles: Mapping[str, frozenset[Permission]],
    key: SigningKey,
    *,
    issuer: str,
    service: str,
    now: float,
    lifetime_seconds: int,
    proven_until: float | None = None,
) -> str:
    """What a service is told of its caller, signed for that service alone. Times are unix seconds.

    The same facts as the identity headers (`access/handover.py`): roles and permissions as the scopes leave them. It
    ends with the caller's token (`proven_until`, if told) when that is sooner. `jti` is the caller's token id: the same
    for every request, so a service can keep what it verified. Raises TokenTooLargeError above 4 KiB.
    """
    issued_at = int(now)
    expires_at = issued_at + lifetime_seconds
    claims = {
        "iss": issuer,
        "sub": principal.subject.id,
        "sub_kind": principal.subject.kind.value,
        "aud": service,
        "exp": expires_at if proven_until is None else min(expires_at, int(proven_until)),
        "iat": issued_at,
        "jti": principal.token_id or "",
        "name": principal.name,
        "client_id": principal.client_id or "",
        "roles": sorted(principal.active_roles()),
        "permissions": _texts(principal.effective_permissions(bundles)),
    }
    return _bounded(claims, key, IDENTITY_TYPE)


def _bounded(claims: dict[str, Any], key: SigningKey, typ: str) -> str:
    token = sign(claims, key, typ)
    if len(token) > MAX_JWT_BYTES:
        raise TokenTooLargeError(
            f"a JWT for {claims['sub'][:80]!r} would have {len(token)} bytes, more than {MAX_JWT_BYTES}: it holds "
            f"{len(claims['roles'])} roles and {len(claims['permissions'])} permissions; grant fewer directly (let "
            "roles bundle them), ask for a narrower scope, or use opaque tokens for this client"
        )
    return token


def _texts(permissions: frozenset[Permission]) -> list[str]:
    return sorted(map(str, permissions))


def _refuse_empty_scope(grant: Grant) -> None:
    if not grant.scopes and not grant.openid:
        raise ValueError("a token without any scope can do nothing; grant *:* for everything")


def _refuse_length(random: bytes, wanted: int) -> None:
    if len(random) != wanted:
        raise ValueError(f"{wanted} random bytes are needed, not {len(random)}")
