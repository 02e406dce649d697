"""What a token proves right now. Pure: what is known goes in, Evidence comes out.

An opaque token is judged by its record, the subject's standing and the client's state, so each change shows in the next
look: a scope that the client may not have any more is cut off too. A claims token is judged by its
claims, the denials and the client's state: it carries its rights, so no standing is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumun.access import Evidence, Invalid, InvalidBecause, Proven, TokenKind
from sumun.identity import Permission, Principal, Standing, narrowed
from sumun.tokens.binding import if_bound
from sumun.tokens.denials import Denials
from sumun.tokens.jwt import AccessClaims
from sumun.tokens.record import TokenRecord


@dataclass(frozen=True, slots=True)
class ClientState:
    """What matters of a client when its token is used. `scopes` bound what its tokens may carry, as they are now."""

    client_id: str
    scopes: frozenset[Permission]
    disabled: bool = False


def judge_record(
    record: TokenRecord, standing: Standing | None, client: ClientState | None, now: float, as_of: int = 0
) -> Evidence:
    """What an opaque token proves at `now` (unix seconds).

    None for the standing or the client means that there is no such subject or client (any more), for certain. `as_of`
    is the number of the latest change that all of it contains.
    """
    # "on or after" (RFC 7519 4.1.4) holds for every kind of token of ours.
    if now * 1000 >= record.expires_at_ms:
        return Invalid(InvalidBecause.EXPIRED)
    if client is None or client.disabled:
        return Invalid(InvalidBecause.CLIENT_DISABLED)
    if standing is None or standing.disabled:
        return Invalid(InvalidBecause.SUBJECT_DISABLED)
    if record.login_epoch < standing.login_epoch:
        return Invalid(InvalidBecause.REVOKED)
    principal = Principal(
        subject=record.subject,
        name=standing.name,
        roles=record.roles if record.own_rights else standing.roles,
        permissions=record.permissions if record.own_rights else standing.permissions,
        scopes=narrowed(record.scopes, client.scopes),
        client_id=record.client_id,
        token_id=record.token_id,
        audience=record.audience,
    )
    proven = Proven(principal, TokenKind.OPAQUE, record.expires_at_ms / 1000, as_of, record.own_rights)
    return if_bound(proven, record.bound_to)


def judge_claims(
    claims: AccessClaims, denials: Denials, client: ClientState | None, now: float, as_of: int = 0
) -> Evidence:
    """What a claims token proves at `now` (unix seconds). Its signature, issuer and audience held already.

    It carries no display name (nothing personal), so the principal has none.
    """
    if now >= claims.expires_at:
        return Invalid(InvalidBecause.EXPIRED)
    if denials.denies(claims):
        return Invalid(InvalidBecause.REVOKED)
    if client is None or client.disabled:
        return Invalid(InvalidBecause.CLIENT_DISABLED)
    principal = Principal(
        subject=claims.subject,
        name="",
        roles=claims.roles,
        permissions=claims.permissions,
        scopes=claims.scopes,
        client_id=claims.client_id,
        token_id=claims.token_id,
        audience=claims.audience,
    )
    return if_bound(Proven(principal, TokenKind.JWT, float(claims.expires_at), as_of), claims.bound_to)
