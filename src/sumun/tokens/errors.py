"""Errors of tokens. Technical failures only: "no such token" is a value.

SumunError
├── OutageError
│   └── StoreUnavailableError   the token store or the feed did not answer in time
├── NewsLostError               the feed cannot say what changed since; forget everything kept
├── TokenTooLargeError          a claims token would exceed its size bound; nothing was issued
├── NoSigningKeyError           no active signing key of the wanted algorithm
├── UnusableKeyError            a key that cannot be read or does not fit
└── BadProofError               a DPoP proof that does not hold for its call
    ├── NonceWantedError            it has no nonce of ours that is still good
    └── ProofReplayedError          it was used before
"""

from __future__ import annotations

from sumun.errors import OutageError, SumunError


class StoreUnavailableError(OutageError):
    """The token store or the feed did not answer in time. Nothing is known: answer 503."""

    code = "store_unavailable"


class NewsLostError(SumunError):
    """News after the reader's position is gone, or the feed began anew. The reader forgets everything it kept."""

    code = "news_lost"


class TokenTooLargeError(SumunError):
    """A claims token would be larger than its bound (4 KiB). Fewer direct permissions, or opaque tokens, mend it."""

    code = "token_too_large"


class NoSigningKeyError(SumunError):
    """There is no active signing key of the wanted algorithm. `sumun keys rotate` makes one."""

    code = "no_signing_key"


class UnusableKeyError(SumunError):
    """A signing key cannot be read or does not fit its algorithm. The text holds nothing of the key."""

    code = "unusable_key"


class BadProofError(SumunError):
    """A DPoP proof is missing or does not hold for its call. The text is for the developer of the client."""

    code = "invalid_dpop_proof"


class NonceWantedError(BadProofError):
    """It has no nonce of ours that is still good. The client makes another proof, with the one that it is told."""

    code = "use_dpop_nonce"


class ProofReplayedError(BadProofError):
    """It was used before, here or at another node."""
