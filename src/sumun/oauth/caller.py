"""Who calls an endpoint of ours with an access token: Bearer (RFC 6750 2.1) or DPoP (RFC 9449 7.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from sumun.access import Evidence, Invalid, InvalidBecause, Proven
from sumun.identity import Credential, CredentialKind
from sumun.oauth.certificates import proved_certificate
from sumun.oauth.errors import (
    CallProofError,
    CallProofNonceError,
    InvalidRequestError,
    InvalidTokenError,
    NoTokenError,
)
from sumun.oauth.exchange import Request
from sumun.oauth.proofs import KeyProofs
from sumun.tokens.binding import held

# RFC 6750 2.1; the scheme in any case (RFC 9110 11.1).
_TOKEN: Final = re.compile(r"(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_GONE: Final = "the access token is not valid, has expired or was revoked"
_PROOF: Final = frozenset({InvalidBecause.BAD_PROOF, InvalidBecause.PROOF_REPLAYED})


class Recognises(Protocol):
    """What this needs of `recognition`: the same judgement that every call through the gateway gets."""

    async def recognise(self, credential: Credential, now: float) -> Evidence:
        """Evidence at `now` (unix seconds). Raises OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that proved what its token demands. Neither shows the token."""

    credential: Credential
    proven: Proven


class Callers:
    """Judges who calls."""

    def __init__(self, recogniser: Recognises, proofs: KeyProofs, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds."""
        self._recogniser = recogniser
        self._proofs = proofs
        self._clock = clock

    async def of(self, request: Request) -> Caller:
        """Who sent this request.

        Raises NoTokenError, InvalidTokenError, CallProofError, CallProofNonceError, InvalidRequestError, OutageError.
        """
        credential = _credential(request)
        evidence = await self._recogniser.recognise(credential, self._clock())
        dpop = credential.kind is CredentialKind.DPOP
        if dpop:
            evidence = await self._proofs.caller(evidence, request, credential.secret)
        else:
            evidence = held(evidence, proved_certificate(request))
        if isinstance(evidence, Proven):
            return Caller(credential, evidence)
        because = evidence.because if isinstance(evidence, Invalid) else None
        if because is InvalidBecause.NONCE_WANTED:
            raise CallProofNonceError("the DPoP proof needs the nonce of this answer", self._proofs.nonce())
        if because in _PROOF:
            raise CallProofError("the DPoP proof is not valid for this call")
        raise InvalidTokenError(_GONE, dpop=dpop)


def _credential(request: Request) -> Credential:
    if not request.authorizations:
        raise NoTokenError("this needs an access token: Authorization: Bearer")
    found = _TOKEN.fullmatch(request.authorizations[0])
    if len(request.authorizations) > 1 or found is None:
        raise InvalidRequestError("Authorization is to be one Bearer or DPoP token")
    kind = CredentialKind.DPOP if found[1].lower() == "dpop" else CredentialKind.BEARER
    return Credential(kind, found[2])
