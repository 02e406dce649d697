"""Evidence: what became of the credential that a request carried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.identity import Principal


class TokenKind(StrEnum):
    """How an access token carries what it stands for."""

    OPAQUE = "opaque"
    JWT = "jwt"


class InvalidBecause(StrEnum):
    """Why a credential proves nothing. The caller hears `invalid_token`; logs and `explain` are told this."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    SUBJECT_DISABLED = "subject_disabled"
    CLIENT_DISABLED = "client_disabled"
    TICKET_GONE = "ticket_gone"


@dataclass(frozen=True, slots=True)
class Missing:
    """No credential was sent (or one of a scheme that is not ours)."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A credential was sent and proves nothing."""

    because: InvalidBecause


@dataclass(frozen=True, slots=True)
class Proven:
    """A credential was sent and is good until `expires_at` (unix seconds).

    `as_of`: every change up to this number of the feed is contained in it; whoever keeps it needs to know.
    `own_rights`: what the principal holds is the token's own and does not follow its subject.
    """

    principal: Principal
    kind: TokenKind
    expires_at: float
    as_of: int = 0
    own_rights: bool = False


Evidence = Missing | Invalid | Proven
