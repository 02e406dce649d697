"""DPoP at our own endpoints (RFC 9449): which key a request proves, and what a caller who proves none is told.

    KeyProofs.opened(request)      the proof beside a request to the token endpoint or to PAR, or None
    KeyProofs.use_up(proof)        taken once, when the client has proven who it is
    KeyProofs.caller(...)          what a token proves in a call to an endpoint of ours (section 7)

The proof is judged before anything is used up: a client that only lacks the nonce sends the same code, refresh token or
assertion again, with a new proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol

from sumun.access import Evidence
from sumun.oauth.errors import InvalidProofError, ProofNonceError
from sumun.oauth.exchange import Headers, Request
from sumun.tokens.dpop import Proof, Shown
from sumun.tokens.errors import BadProofError, NonceWantedError


class JudgesProofs(Protocol):
    """What this needs of `recognition.possession.Possession`."""

    def nonce(self, now: float) -> str:
        """The nonce for the caller's next proof."""
        ...

    def shown(self, method: str, host: str, path: str, proof: str | None) -> Shown:
        """What a call to this Host and path shows."""
        ...

    def opened(self, shown: Shown, token: str | None, now: float) -> Proof:
        """The proof, good for this call and time. Raises BadProofError, OutageError."""
        ...

    async def use_up(self, proof: Proof) -> None:
        """Take it, once. Raises ProofReplayedError, StoreUnavailableError."""
        ...

    async def judge(self, evidence: Evidence, shown: Shown, token: str, now: float) -> Evidence:
        """What the token proves in a call with the scheme DPoP. Raises OutageError."""
        ...


class KeyProofs:
    """Reads and judges the proofs beside requests."""

    def __init__(self, judge: JudgesProofs, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds."""
        self._judge = judge
        self._clock = clock

    def opened(self, request: Request) -> Proof | None:
        """The proof beside this request, not used up yet; None when there is none.

        Raises InvalidProofError, ProofNonceError, OutageError.
        """
        fields = request.headers.get(b"dpop", ())
        if not fields:
            return None
        if len(fields) > 1:
            # RFC 9449 4.3 (1): "There is not more than one DPoP HTTP request header field."
            raise InvalidProofError("there is more than one DPoP header field")
        try:
            return self._judge.opened(self._shown(request), None, self._clock())
        except BadProofError as error:
            self._refuse(error)

    async def use_up(self, proof: Proof | None) -> str:
        """Take the proof; what is issued for it is bound to this key (`bound_to`). Empty without a proof.

        Raises InvalidProofError, OutageError.
        """
        if proof is None:
            return ""
        try:
            await self._judge.use_up(proof)
        except BadProofError as error:
            self._refuse(error)
        return proof.proves

    def next_nonce(self, proof: Proof | None) -> Headers:
        """The header field that spares a client the dance (section 8.2), for who sends proofs."""
        return () if proof is None else ((b"dpop-nonce", self._nonce()),)

    async def caller(self, evidence: Evidence, request: Request, token: str) -> Evidence:
        """What the token proves in this call of the scheme DPoP. Raises OutageError."""
        fields = request.headers.get(b"dpop", ())
        shown = self._shown(request) if len(fields) == 1 else Shown(request.method, None)
        return await self._judge.judge(evidence, shown, token, self._clock())

    def nonce(self) -> str:
        """The nonce for the caller's next proof. Raises OutageError."""
        return self._judge.nonce(self._clock())

    def _shown(self, request: Request) -> Shown:
        host = request.one(b"host") or ""
        return self._judge.shown(request.method, host, request.path, request.one(b"dpop"))

    def _nonce(self) -> bytes:
        return self.nonce().encode("ascii")

    def _refuse(self, error: BadProofError) -> NoReturn:
        if isinstance(error, NonceWantedError):
            raise ProofNonceError(str(error), self.nonce()) from None
        raise InvalidProofError(str(error)) from None
