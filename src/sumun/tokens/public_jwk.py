"""Public keys of others as JSON Web Keys (RFC 7517; members by RFC 7518 6 and RFC 8037 2), read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sumun.tokens.base64url import decode, encode
from sumun.tokens.errors import UnusableKeyError
from sumun.tokens.signatures import NAMES, PublicKey, Verify, verifier
from sumun.tokens.signing_keys import thumbprint

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MOST_RSA_BITS: Final = 8192
"""A signature of a larger key costs a millisecond and more; nobody has one."""
_MOST_RSA_EXPONENT: Final = 2**32
"""As above. All but a few keys in the world have 65537."""


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """A key that verifies. `thumbprint` is that of RFC 7638; `kid` is what its owner calls it, or empty.

    `verifies` says how, by the names that `alg` may have.
    """

    thumbprint: str
    kid: str
    verifies: Mapping[str, Verify]


def read(members: Mapping[str, Any]) -> PublicJwk:
    """The key. Raises UnusableKeyError: of another type or curve, too small, private, or not canonically written."""
    if _PRIVATE & members.keys():
        # RFC 9449 4.2, of the header's jwk: "It MUST NOT contain a private key."
        raise UnusableKeyError(
            "this JWK holds a private key, or a secret; only the public members belong here"
        )
    operations = members.get("key_ops", ["verify"])
    if members.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKeyError("this JWK is not for signatures (`use`, `key_ops`)")
    try:
        public, required = _key(members)
    except (ValueError, KeyError):  # the library's words about a bad key are ValueErrors
        raise UnusableKeyError(
            "this JWK is not a public key of type EC (P-256), OKP (Ed25519), or RSA of 2048 to 8192 bits"
        ) from None
    alone = members.get("alg")
    every = {name: verifier(algorithm, public) for name, algorithm in NAMES.items()}
    verifies = {
        name: one for name, one in every.items() if one is not None and (alone is None or name == alone)
    }
    if not verifies:
        raise UnusableKeyError(f"this JWK's `alg` is none of {', '.join(NAMES)} that fits it")
    kid = members.get("kid", "")
    if not isinstance(kid, str):
        raise UnusableKeyError("this JWK's `kid` is not a text")
    return PublicJwk(thumbprint(required), kid, MappingProxyType(verifies))


def _key(members: Mapping[str, Any]) -> tuple[PublicKey, dict[str, str]]:
    """The key and what its thumbprint is made of (RFC 7638 3.2). Raises ValueError, KeyError."""
    match members["kty"], members.get("crv"):
        case "EC", "P-256":
            x, y = _bytes(members["x"], 32), _bytes(members["y"], 32)
            numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1())
            return numbers.public_key(), {"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)}
        case "OKP", "Ed25519":
            raw = _bytes(members["x"], 32)
            key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
            return key, {"crv": "Ed25519", "kty": "OKP", "x": encode(raw)}
        case "RSA", None:
            n, e = _bytes(members["n"]), _bytes(members["e"])
            modulus, exponent = int.from_bytes(n), int.from_bytes(e)
            # RFC 7518 2: "the minimum number of octets", so that one key has one thumbprint.
            if (
                0 in (*n[:1], *e[:1])
                or modulus.bit_length() > _MOST_RSA_BITS
                or exponent > _MOST_RSA_EXPONENT
            ):
                raise ValueError("another spelling, or too large")
            return rsa.RSAPublicNumbers(exponent, modulus).public_key(), {
                "e": encode(e),
                "kty": "RSA",
                "n": encode(n),
            }
        case _:
            raise ValueError("another type of key")


def _bytes(value: object, length: int | None = None) -> bytes:
    found = decode(value) if isinstance(value, str) else None
    if not found or (length is not None and len(found) != length):
        raise ValueError("a member is not base64url, or not so long")
    return found
