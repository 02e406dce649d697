"""How tokens are made, and how long one login may be gone on with."""

from __future__ import annotations

from dataclasses import dataclass, field

from sumun.access import TokenKind


@dataclass(frozen=True, slots=True)
class RefreshSettings:
    """How long one login may be gone on with: in all, without any use, and how long a used token may come again."""

    lifetime_seconds: int = 30 * 24 * 3600
    idle_seconds: int = 14 * 24 * 3600
    overlap_seconds: int = 10


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How access tokens are made. `audience` is the `aud` of JWTs and what the gate demands.

    `access_kind` is for a client that names none (and for tokens that the operator issues by hand). `origins` are all
    under which the gateway is reached, the issuer's first: a DPoP proof names one of them. `proof_nonce`: it needs a
    nonce of ours.
    """

    issuer: str
    audience: str
    opaque_lifetime_seconds: int
    jwt_lifetime_seconds: int
    jwt_algorithm: str
    identity_lifetime_seconds: int
    access_kind: TokenKind = TokenKind.OPAQUE
    refresh: RefreshSettings = field(default_factory=RefreshSettings)
    origins: tuple[str, ...] = ()
    proof_nonce: bool = True
