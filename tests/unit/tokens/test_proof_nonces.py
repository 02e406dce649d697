"""Nonces of DPoP proofs: every node knows them, and they are over soon."""

from __future__ import annotations

import pytest

from sumun.tokens.errors import NoSigningKeyError
from sumun.tokens.proof_nonces import LIVES_SECONDS, SLOT_SECONDS, ProofNonces
from sumun.tokens.signing_keys import NO_KEYS, KeyRing, SigningKey
from tests.unit.tokens.keys import KEYS, ring_of, stored

RING = ring_of(KEYS["ES256"], KEYS["EdDSA"], KEYS["RS256"])
NOW = 1_000_000 * SLOT_SECONDS


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_another_node_knows_it(algorithm: str) -> None:
    """Two processes with the same keys make the same nonce, and take each other's, within two slots."""
    one, other = ProofNonces(lambda: RING, algorithm), ProofNonces(lambda: RING, algorithm)
    nonce = one.fresh(NOW)
    assert nonce == other.fresh(NOW + SLOT_SECONDS - 1) != other.fresh(NOW + SLOT_SECONDS)
    assert [other.is_good(nonce, NOW + later) for later in (-1, 0, LIVES_SECONDS - 1, LIVES_SECONDS)] == [
        True,
        True,
        True,
        False,
    ]


def test_it_is_ours_alone() -> None:
    """Who has other keys makes other nonces, and takes none of ours."""
    theirs = ProofNonces(lambda: ring_of(SigningKey.generate("ES256")), "ES256")
    ours = ProofNonces(lambda: RING, "ES256")
    assert not theirs.is_good(ours.fresh(NOW), NOW)
    assert not ours.is_good("", NOW)


def test_a_change_of_keys_ends_nothing() -> None:
    """While the old key is published its nonces are good, and new ones are the new key's; then they are over."""
    new = SigningKey.generate("ES256")
    rings = [RING]
    nonces = ProofNonces(lambda: rings[-1], "ES256")
    before = nonces.fresh(NOW)
    rings.append(KeyRing.of([stored(KEYS["ES256"], "published"), stored(new)]))
    assert nonces.is_good(before, NOW)
    assert nonces.fresh(NOW) != before
    rings.append(ring_of(new))
    assert not nonces.is_good(before, NOW)


def test_without_a_key_there_is_none() -> None:
    """Our trouble, and told as that."""
    with pytest.raises(NoSigningKeyError):
        ProofNonces(lambda: NO_KEYS, "ES256").fresh(NOW)
