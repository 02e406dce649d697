"""Evidence: what became of the credential that a request carried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import Struct

from sumun.identity import Principal


class TokenKind(StrEnum):
    """How an access token carries what it stands for."""

    OPAQUE = "opaque"
    JWT = "jwt"
    SESSION = "session"
    """No token: the cookie of a browser session. Only routes that say so take it."""

    @property
    def words(self) -> str:
        """What a caller with it comes with."""
        return "a browser session" if self is TokenKind.SESSION else f"a token of the kind {self.value}"


TOKENS: Final = frozenset({TokenKind.OPAQUE, TokenKind.JWT})
"""What a client can be issued, and what a route takes that says nothing of it."""


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
    BINDING_FAILED = "binding_failed"
    """It is another's: the call did not prove the key or the certificate that the token is bound to."""
    BAD_PROOF = "bad_proof"
    PROOF_REPLAYED = "proof_replayed"
    NONCE_WANTED = "nonce_wanted"
    """Of DPoP proofs (RFC 9449): wrong, used before, or without a nonce of ours that is still good."""
    SESSION_OVER = "session_over"


@dataclass(frozen=True, slots=True)
class Missing:
    """No credential was sent (or one of a scheme that is not ours)."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A credential was sent and proves nothing."""

    because: InvalidBecause


class Proven(Struct, frozen=True, gc=False):
    """A credential was sent and is good until `expires_at` (unix seconds).

    `as_of`: every change up to this number of the feed is contained in it; whoever keeps it needs to know.
    `own_rights`: what the principal holds is the token's own and does not follow its subject.
    `bound_to`: the key or certificate that the call proved (`tokens.binding`), or empty. Of such a call nothing is
    kept: the next one has to prove it again.
    `kept_until` (unix seconds): whoever keeps it asks again then, because asking is what shows that it is in use.
    """

    principal: Principal
    kind: TokenKind
    expires_at: float
    as_of: int = 0
    own_rights: bool = False
    bound_to: str = ""
    kept_until: float | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A good token of which only who proves a key or a certificate may make use. **By itself it proves nothing.**

    `proven` is what it proves for who does; `proven.bound_to` says what that takes. `tokens.binding.held` alone makes
    the one of the other.
    """

    proven: Proven


Evidence = Missing | Invalid | Bound | Proven
