"""Keys that tests share: making an RSA key takes a tenth of a second."""

from __future__ import annotations

from dataclasses import replace

from sumun.tokens.signatures import Algorithm
from sumun.tokens.signing_keys import KeyRing, SigningKey, StoredKey

KEYS = {alg.value: SigningKey.generate(alg) for alg in Algorithm if alg is not Algorithm.PS256}
KEYS["PS256"] = SigningKey.of(KEYS["RS256"].private, "PS256")


def stored(key: SigningKey, state: str = "active", **changes: object) -> StoredKey:
    """The row of this key."""
    return replace(StoredKey(key.kid, key.alg, state, key.to_jwk(), 0), **changes)


def ring_of(*keys: SigningKey) -> KeyRing:
    """A ring in which each of these signs."""
    return KeyRing.of(stored(key) for key in keys)
