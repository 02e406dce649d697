"""Nonces for DPoP proofs (RFC 9449 8): what a server wants to see in a proof, so that none can be made in advance.

A nonce is HMAC(key of ours, number of the two minutes that it is of): any node knows any other's without asking, and
nothing has to be kept. The keys come from the signing keys, which all nodes share and nobody else has; who is told a
nonce learns nothing of them (HMAC is a pseudo-random function, and the label is used for nothing else). While a signing
key is changed for another, nonces of both are good.

Whoever asks gets the same nonce: it proves when a proof was made, and nothing about who made it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from sumun.tokens import private_jwk
from sumun.tokens.base64url import encode
from sumun.tokens.signing_keys import KeyRing

SLOT_SECONDS: Final = 120
LIVES_SECONDS: Final = 2 * SLOT_SECONDS
"""A nonce is good in its own slot and in the next, and from a node whose clock is ahead, in the one before."""

_LABEL: Final = b"sumun: nonces of DPoP proofs, 1"
_NONCE_BYTES: Final = 18


class ProofNonces:
    """Makes nonces and knows its own. One per process; lives on its event loop."""

    def __init__(self, keys: Callable[[], KeyRing], algorithm: str) -> None:
        """`keys` gives today's ring, and may raise an outage; `algorithm` names the key that new nonces are of."""
        self._keys = keys
        self._algorithm = algorithm
        self._ring: KeyRing | None = None
        self._slot = -1
        self._fresh = ""
        self._good: frozenset[str] = frozenset()

    def fresh(self, now: float) -> str:
        """The nonce to use from now on. `now` is unix seconds. Raises NoSigningKeyError, and what `keys` raises."""
        self._follow(now)
        return self._fresh

    def is_good(self, nonce: str, now: float) -> bool:
        """Whether it is one of ours, and not over. Raises as `fresh` does."""
        self._follow(now)
        return nonce in self._good

    def _follow(self, now: float) -> None:
        """Once for each slot and ring: a call pays for a look into a set."""
        ring, slot = self._keys(), int(now // SLOT_SECONDS)
        if ring is self._ring and slot == self._slot:
            return
        signing = _secret(ring, ring.active(self._algorithm).kid)
        secrets = {_secret(ring, kid) for kid in ring.published}
        self._good = frozenset(_nonce(one, slot + way) for one in secrets for way in (-1, 0, 1))
        self._fresh = _nonce(signing, slot)
        self._ring, self._slot = ring, slot


def _secret(ring: KeyRing, kid: str) -> bytes:
    private = private_jwk.private_members(ring.published[kid].key.private)["d"]
    return hmac.digest(private.encode(), _LABEL, hashlib.sha256)


def _nonce(secret: bytes, slot: int) -> str:
    return encode(hmac.digest(secret, b"%d" % slot, hashlib.sha256)[:_NONCE_BYTES])
