"""DPoP proofs (RFC 9449 4): a call's statement, signed with the caller's key, that this key sends this call now. Pure.

The gate, in the order of 4.3; whatever fails ends it:

    one JWS, small, strict JSON               no JSON serialization, no JWE, no name twice
    typ = dpop+jwt                            one kind of JWT is never taken for another (RFC 8725 3.11)
    alg of a list, asymmetric; jwk public     no `none`, no HMAC, no private key; `crit`, `jku`, `x5u` ... are refused
    signature by that jwk
    htm, htu                                  this method, this URI: scheme, host and path of ours, without query
    ath                                       this token, if one comes with it
    jti, iat, nonce                           for who remembers and knows the time (`recognition.possession`)

A proof proves a key. Whether the token is bound to that key is `binding.held`'s to say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sumun.tokens import public_jwk
from sumun.tokens.base64url import encode
from sumun.tokens.binding import to_key
from sumun.tokens.errors import BadProofError, UnusableKeyError
from sumun.tokens.foreign_jws import take_apart
from sumun.tokens.own_uri import normal_uri

TYPE: Final = "dpop+jwt"
MAX_CHARACTERS: Final = 4 * 1024
"""A proof with an RSA key of 8192 bits has less; HAProxy refuses a longer header field."""

WINDOW_SECONDS: Final = 60
"""How far `iat` may be from now, either way, when no nonce of ours says when the proof was made (RFC 9449 11.1)."""

# `kid` says nothing beside the key itself, but some libraries write it.
_HEADER: Final = frozenset({"typ", "alg", "jwk", "kid"})
_JTI: Final = re.compile(r"[\x20-\x7e]{1,256}")
_NONCE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")  # RFC 9449 8.1
_LATEST: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call shows beside its token. `uri` is where it came to, as we know it; None: to a host that is not ours.

    `proof` is the value of its one DPoP header, None when it has none.
    """

    method: str
    uri: str | None
    proof: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds for its call. It is not yet known to be of now, and the only one of its kind.

    `proves` is the key, as a `bound_to`. `digest` names the proof: SHA-256 over key and `jti`, so that nobody can use
    up another's. `issued_at` is unix seconds, by the caller's clock.
    """

    proves: str
    digest: bytes
    issued_at: int
    nonce: str | None


def read_proof(shown: Shown, token: str | None) -> Proof:
    """The proof that the call shows, held against the call. `token`: the access token that comes with it, if any.

    Raises BadProofError, whose text is for the developer of the client and says nothing that the client did not send.
    """
    if shown.proof is None:
        raise BadProofError("there is no DPoP header field")
    if shown.uri is None:
        raise BadProofError("the call came to a host that is none of ours")
    found = take_apart(shown.proof, MAX_CHARACTERS)
    if found is None:
        raise BadProofError("the DPoP proof is not a signed compact JWT, or too large")
    if found.header.get("typ") != TYPE:
        raise BadProofError(f"the DPoP proof's typ is not {TYPE}")
    if not found.header.keys() <= _HEADER or not isinstance(found.header.get("jwk"), Mapping):
        raise BadProofError("the DPoP proof's header has other members than typ, alg, jwk")
    try:
        key = public_jwk.read(found.header["jwk"])
    except UnusableKeyError as error:
        raise BadProofError(f"the DPoP proof's key: {error}") from None
    if not found.signed_by(key):
        raise BadProofError(
            "the DPoP proof's signature is not by its key, or of an algorithm that is not taken"
        )
    claims = found.claims
    if claims.get("htm") != shown.method:
        raise BadProofError("the DPoP proof's htm is another method")
    if not isinstance(claims.get("htu"), str) or normal_uri(claims["htu"]) != shown.uri:
        raise BadProofError("the DPoP proof's htu is another URI")
    if token is not None and claims.get("ath") != access_token_hash(token):
        raise BadProofError("the DPoP proof's ath is not the SHA-256 of this access token")
    jti = _text(claims, "jti", _JTI)
    return Proof(
        proves=to_key(key.thumbprint),
        digest=hashlib.sha256(f"{key.thumbprint} {jti}".encode()).digest(),
        issued_at=_time(claims),
        nonce=_text(claims, "nonce", _NONCE) if "nonce" in claims else None,
    )


def access_token_hash(token: str) -> str:
    """The claim `ath` (RFC 9449 4.2)."""
    return encode(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())


def _text(claims: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    found = claims.get(name)
    if not isinstance(found, str) or form.fullmatch(found) is None:
        raise BadProofError(f"the DPoP proof's {name} is missing or not a short text")
    return found


def _time(claims: Mapping[str, Any]) -> int:
    found = claims.get("iat")
    if type(found) is not int or not 0 <= found <= _LATEST:  # bool is an int in Python, not in JSON
        raise BadProofError("the DPoP proof's iat is missing or not a whole number of seconds")
    return found
