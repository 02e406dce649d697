"""Whether a call proves the key that its token is bound to (RFC 9449 7.1): its proof, the time, and that it is new.

    evidence of the token + what the call shows -> Evidence: proven for its holder, or invalid and why

A proof is taken once in all nodes, and remembered for as long as it could be taken again. When it was made is told by
the nonce in it, which is ours; where none is demanded, by the client's clock. Nothing is kept: each call proves anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from sumun.access import Bound, Evidence, Invalid, InvalidBecause, Proven
from sumun.config.plan import TokenSettings
from sumun.tokens.binding import held
from sumun.tokens.dpop import WINDOW_SECONDS, Proof, Shown, read_proof
from sumun.tokens.ephemeral import Kind
from sumun.tokens.errors import BadProofError, NonceWantedError, ProofReplayedError
from sumun.tokens.own_uri import OwnUris
from sumun.tokens.proof_nonces import LIVES_SECONDS, ProofNonces
from sumun.tokens.signing_keys import KeyRing

_CLOCKS_DIFFER_SECONDS = 60
_REMEMBERED_MS = (max(LIVES_SECONDS, 2 * WINDOW_SECONDS) + _CLOCKS_DIFFER_SECONDS) * 1000
"""Longer than any proof is good on any node."""


class Remembers(Protocol):
    """What this needs of `tokens.ephemeral.EphemeralStore`."""

    async def add(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> bool:
        """Remember it unless it is there; False when it is. Raises StoreUnavailableError."""
        ...


class Possession:
    """Judges proofs. One per process; lives on its event loop."""

    def __init__(
        self,
        seen: Remembers,
        nonces: ProofNonces,
        own: Callable[[], OwnUris],
        nonce_demanded: Callable[[], bool],
    ) -> None:
        """`own` and `nonce_demanded` are asked for each call: a reload may change them."""
        self._seen = seen
        self._nonces = nonces
        self._own = own
        self._nonce_demanded = nonce_demanded

    def nonce(self, now: float) -> str:
        """The nonce for the caller's next proof. `now` is unix seconds. Raises OutageError, NoSigningKeyError."""
        return self._nonces.fresh(now)

    def shown(self, method: str, host: str, path: str, proof: str | None) -> Shown:
        """What a call to this Host and path shows."""
        return Shown(method, self._own().uri(host, path), proof)

    def opened(self, shown: Shown, token: str | None, now: float) -> Proof:
        """The proof, good for this call and at this time; whether it was here before is not looked at yet.

        Raises BadProofError, NonceWantedError, OutageError, NoSigningKeyError.
        """
        proof = read_proof(shown, token)
        if proof.nonce is not None:
            # RFC 9449 4.3 (11): the time is "determined by either the iat claim or a server managed timestamp via the
            # nonce claim". A nonce of ours says more than a client's clock, which may be wrong.
            if not self._nonces.is_good(proof.nonce, now):
                raise NonceWantedError("the DPoP proof's nonce is over, or none of ours")
        elif self._nonce_demanded():
            raise NonceWantedError("the DPoP proof needs a nonce of ours")
        elif math.fabs(now - proof.issued_at) > WINDOW_SECONDS:
            raise BadProofError(f"the DPoP proof's iat is more than {WINDOW_SECONDS} seconds from now")
        return proof

    async def use_up(self, proof: Proof) -> None:
        """Take this proof, which nobody has before. Raises ProofReplayedError, StoreUnavailableError."""
        if not await self._seen.add(Kind.DPOP, proof.digest, b"", _REMEMBERED_MS):
            raise ProofReplayedError("the DPoP proof was used before")

    async def judge(self, evidence: Evidence, shown: Shown, token: str, now: float) -> Evidence:
        """What this token proves in a call that came with the scheme DPoP. Raises OutageError, NoSigningKeyError.

        A token that is no good costs no signature, and only who has the key uses a proof up.
        """
        if isinstance(evidence, Proven):
            # RFC 9449 7.1: the key must be the one "to which the access token is bound"; this one is bound to none.
            return Invalid(InvalidBecause.BINDING_FAILED)
        if not isinstance(evidence, Bound):
            return evidence
        try:
            proof = self.opened(shown, token, now)
            found = held(evidence, {proof.proves})
            if isinstance(found, Proven):
                await self.use_up(proof)
        except ProofReplayedError:
            return Invalid(InvalidBecause.PROOF_REPLAYED)
        except NonceWantedError:
            return Invalid(InvalidBecause.NONCE_WANTED)
        except BadProofError:
            return Invalid(InvalidBecause.BAD_PROOF)
        return found


def possession_by(
    seen: Remembers, keys: Callable[[], KeyRing], settings: Callable[[], TokenSettings]
) -> Possession:
    """Judges proofs by the settings in force, with nonces of these keys."""
    own: dict[tuple[str, ...], OwnUris] = {}

    def own_uris() -> OwnUris:
        origins = settings().origins
        if origins not in own:
            own.clear()
            own[origins] = OwnUris(origins)
        return own[origins]

    nonces = ProofNonces(keys, settings().jwt_algorithm)
    return Possession(seen, nonces, own_uris, lambda: settings().proof_nonce)
