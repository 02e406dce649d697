"""ID tokens (OpenID Connect Core 2): who logged in, when and how, for one client. Pure.

Nothing personal is in them but the account's name (`sub`): the rest is at the userinfo endpoint (Core 5.4), where a
client that may not know it any more is not told.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from sumun.access import Invalid
from sumun.identity.scope import OPENID
from sumun.oauth.grants.grant import Granted
from sumun.tokens import base64url
from sumun.tokens.jws import open_signed, sign
from sumun.tokens.signatures import Algorithm
from sumun.tokens.signing_keys import KeyRing, SigningKey

ID_TOKEN_TYPE: Final = "JWT"
"""Core names none; libraries that look at `typ` know this one. No access or identity token has it."""

LOGOUT_TOKEN_TYPE: Final = "logout+jwt"
LOGOUT_LIFETIME_SECONDS: Final = 120
"""Back-Channel Logout 2.4 wants it short: it is sent at once."""

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


@dataclass(frozen=True, slots=True)
class Hint:
    """What an ID token of ours says, whatever its age: who logged in, at which client, in which session (or empty)."""

    user_id: str
    client_id: str
    session_id: str


def read_hint(token: str, ring: KeyRing, issuer: str, now: float) -> Hint | None:
    """`id_token_hint` (Core 3.1.2.1; RP-Initiated Logout 1.0 2). None: no ID token of ours. `now` is unix seconds.

    That it has expired does not matter (Core 3.1.2.1: it "MAY be [...] expired"); that its key no longer verifies does.
    """
    claims = open_signed(token, ring, frozenset({ID_TOKEN_TYPE}), now)
    if isinstance(claims, Invalid) or claims.get("iss") != issuer:
        return None
    user_id, client_id, session_id = claims.get("sub"), claims.get("aud"), claims.get("sid", "")
    if not (isinstance(user_id, str) and isinstance(client_id, str) and isinstance(session_id, str)):
        return None
    return Hint(user_id, client_id, session_id)


def mint_logout_token(
    client_id: str, user_id: str, session_id: str, key: SigningKey, *, issuer: str, now: float, random: bytes
) -> str:
    """Tells a client that a session has ended (OpenID Connect Back-Channel Logout 1.0, 2.4). `random`: 16 bytes.

    With `sid`, and `sub` when it is known whose it was: the one or the other has to be there.
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        **({"sub": user_id} if user_id else {}),
        "aud": client_id,
        "iat": int(now),
        "exp": int(now) + LOGOUT_LIFETIME_SECONDS,
        "jti": base64url.encode(random),
        "sid": session_id,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    return sign(claims, key, LOGOUT_TOKEN_TYPE)


def token_hash(token: str, algorithm: Algorithm) -> str:
    """Base64url of the left half of the token's hash (Core 3.1.3.6)."""
    digest = _HASHES.get(algorithm, hashlib.sha256)(token.encode("ascii")).digest()
    return base64url.encode(digest[: len(digest) // 2])
