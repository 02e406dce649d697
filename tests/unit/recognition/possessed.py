"""What judges proofs, with a store in memory and keys of the test's own, for the gateway `https://gw.example`."""

from __future__ import annotations

from collections.abc import Callable

from sumun.recognition.possession import Possession
from sumun.tokens.own_uri import OwnUris
from sumun.tokens.proof_nonces import ProofNonces
from sumun.tokens.stores.memory_ephemeral import MemoryEphemeral
from tests.unit.tokens.keys import KEYS, ring_of

ORIGIN = "https://gw.example"
NONCES = ProofNonces(lambda: ring_of(KEYS["ES256"]), "ES256")


def possession(clock: Callable[[], float], *, nonce_demanded: bool = True) -> Possession:
    """A new one that has seen no proof yet. `clock` gives unix seconds, for the store."""
    return Possession(MemoryEphemeral(clock), NONCES, lambda: OwnUris([ORIGIN]), lambda: nonce_demanded)
