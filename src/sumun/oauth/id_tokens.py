"""ID tokens (OpenID Connect Core 2): who logged in, when and how, for one client. Pure.

Nothing personal is in them but the account's name (`sub`): the rest is at the userinfo endpoint (Core 5.4), where a
client that may not know it any more is not told.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sumun.identity.scope import OPENID
from sumun.oauth.grants.grant import Granted
from sumun.tokens import base64url
from sumun.tokens.jws import sign
from sumun.tokens.signatures import Algorithm
from sumun.tokens.signing_keys import SigningKey

ID_TOKEN_TYPE: Final = "JWT"
"""Core names none; libraries that look at `typ` know this one. No access or identity token has it."""

LIFETIME_SECONDS: Final = 300
"""An ID token is read when it arrives; it is no credential."""

# at_hash (Core 3.1.3.6): the hash of the algorithm that signs. RFC 8032 5.1: Ed25519 hashes with SHA-512.
_HASHES: Final = {Algorithm.EDDSA: hashlib.sha512}


def wants_id_token(granted: Granted) -> bool:
    """True when the client asked who somebody is (Core 3.1.2.1)."""
    return OPENID in granted.openid


def mint_id_token(
    granted: Granted, client_id: str, access_token: str, key: SigningKey, *, issuer: str, now: float
) -> str:
    """The ID token that goes with this access token. `now` is unix seconds."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": granted.standing.subject.id,
        "aud": client_id,
        "exp": int(now) + LIFETIME_SECONDS,
        "iat": int(now),
        "at_hash": token_hash(access_token, key.alg),
    }
    told = {
        "auth_time": granted.auth_time,
        "nonce": granted.nonce,
        "acr": granted.acr,
        "amr": list(granted.amr),
        "sid": granted.session_id,  # OpenID Connect Back-Channel Logout 2.1
    }
    return sign(claims | {name: value for name, value in told.items() if value}, key, ID_TOKEN_TYPE)


def token_hash(token: str, algorithm: Algorithm) -> str:
    """Base64url of the left half of the token's hash (Core 3.1.3.6)."""
    digest = _HASHES.get(algorithm, hashlib.sha256)(token.encode("ascii")).digest()
    return base64url.encode(digest[: len(digest) // 2])
