"""A client that makes DPoP proofs, with a library that is not ours (joserfc)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import warnings
from typing import Any

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

_KEYS: dict[str, Key] = {}


def key_for(alg: str) -> Key:
    """A key pair that this algorithm takes, the same for all who ask: making an RSA key takes a tenth of a second."""
    kind = {"ES256": "EC", "ES256K": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}.get(alg, "RSA")
    if kind not in _KEYS:
        _KEYS[kind] = new_key(kind)
    return _KEYS[kind]


def new_key(kind: str = "EC") -> Key:
    """A key pair of its own."""
    if kind == "OKP":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key("P-256") if kind == "EC" else RSAKey.generate_key(2048)


def jkt(key: Key) -> str:
    """The key's thumbprint, by the library."""
    return key.thumbprint()


def ath(token: str) -> str:
    """The claim that names an access token."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: bytes | str, key: Key) -> str:
    """A compact JWS with exactly this header over exactly this text."""
    algorithms = [header["alg"]]
    registry = jws.JWSRegistry(algorithms=algorithms, strict_check_header=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # it tells us what we are here to try
        return jws.serialize_compact(header, claims, key, algorithms=algorithms, registry=registry)


def proof(
    method: str,
    uri: str,
    key: Key | None = None,
    *,
    token: str | None = None,
    nonce: str | None = None,
    alg: str = "ES256",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A proof of this call. `header` and `claims` are put over what belongs there; None takes a member out."""
    key = key or key_for(alg)
    made = {
        "jti": secrets.token_urlsafe(16),
        "htm": method,
        "htu": uri,
        "iat": int(time.time()),
        "ath": None if token is None else ath(token),
        "nonce": nonce,
    } | claims
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)} | (header or {})
    kept = {name: value for name, value in made.items() if value is not None}
    return signed({n: v for n, v in head.items() if v is not None}, json.dumps(kept), key)
