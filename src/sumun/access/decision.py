"""Decision: Allow or Refuse(reason). No third thing: an outage is an exception, raised before anyone decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sumun.access.evidence import InvalidBecause
from sumun.access.requirement import HasPermission, HasRole


class Varied(StrEnum):
    """What a decision depended on beyond (credential, binding, route, generation); any of these: it is never kept."""

    TIME = "time"
    SOURCE = "source"


class Reason(StrEnum):
    """Why a call is refused. Stable: programs, logs and tests read these words."""

    NO_CREDENTIAL = "no_credential"
    INVALID_TOKEN = "invalid_token"
    INVALID_PROOF = "invalid_dpop_proof"
    NONCE_WANTED = "use_dpop_nonce"
    WRONG_TOKEN_KIND = "wrong_token_kind"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    NOT_INTERNAL = "not_internal"


_REASONS: Mapping[InvalidBecause, Reason] = {
    InvalidBecause.BAD_PROOF: Reason.INVALID_PROOF,
    InvalidBecause.PROOF_REPLAYED: Reason.INVALID_PROOF,
    InvalidBecause.NONCE_WANTED: Reason.NONCE_WANTED,
}


@dataclass(frozen=True, slots=True)
class Allow:
    """Let the call through."""

    varied: frozenset[Varied] = frozenset()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not. `missing` names what would have been enough; `because` details an invalid token, for logs only."""

    reason: Reason
    missing: frozenset[HasPermission | HasRole] = frozenset()
    because: InvalidBecause | None = None
    varied: frozenset[Varied] = field(default=frozenset())

    @classmethod
    def invalid(cls, because: InvalidBecause) -> Refuse:
        """The refusal of a credential that proves nothing, for this reason."""
        return cls(_REASONS.get(because, Reason.INVALID_TOKEN), because=because)

    @property
    def code(self) -> str:
        """The code that the caller is told: what is wrong with a token stays among us."""
        return (Reason.INVALID_TOKEN if self.reason is Reason.WRONG_TOKEN_KIND else self.reason).value

    @property
    def detail(self) -> str:
        """What the log adds: what is missing, as a scope value (RFC 6749 3.3), or what is wrong with the token."""
        if self.reason is Reason.WRONG_TOKEN_KIND:
            return self.reason.value
        if self.because is not None:
            return self.because.value
        names = (
            str(leaf.permission) if isinstance(leaf, HasPermission) else f"role:{leaf.role}"
            for leaf in self.missing
        )
        return " ".join(sorted(names))


Decision = Allow | Refuse
