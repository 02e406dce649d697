"""The signatures that are made and taken: one algorithm, one kind of key, one spelling (RFC 7518 3, RFC 8037 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

RSA_BITS = 2048  # RFC 7518 3.3: "A key of size 2048 bits or larger MUST be used"
_P256_BYTES = 32
_ES256 = ec.ECDSA(hashes.SHA256())
_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
# RFC 7518 3.5: the salt is as long as the hash, the mask is MGF1 with the same hash.
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

Sign: TypeAlias = Callable[[bytes], bytes]
"""data -> the signature as JWS wants it."""

Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""(signature, data) -> True when the signature is this key's. Never raises."""


class Algorithm(StrEnum):
    """The signature algorithms we make and take (RFC 7518 3.1, RFC 8037 3.1). No HMAC, no `none`."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"
    PS256 = "PS256"


NAMES: Mapping[str, Algorithm] = MappingProxyType(
    {
        "ES256": Algorithm.ES256,
        "Ed25519": Algorithm.EDDSA,
        "EdDSA": Algorithm.EDDSA,
        "PS256": Algorithm.PS256,
        "RS256": Algorithm.RS256,
    }
)
"""What others may call them. RFC 9864 2.2 has the name Ed25519 for what RFC 8037 called EdDSA."""


def signer(algorithm: Algorithm, private: PrivateKey) -> Sign | None:
    """Signs with this key; None when the key is not of this algorithm."""
    if verifier(algorithm, private.public_key()) is None:
        return None
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return lambda data: _signed(private, data)
    if isinstance(private, rsa.RSAPrivateKey):
        how = _PKCS1 if algorithm is Algorithm.RS256 else _PSS
        return lambda data: private.sign(data, how, _SHA256)
    return private.sign


def verifier(algorithm: Algorithm, public: PublicKey) -> Verify | None:
    """Verifies with this key; None when the key is not of this algorithm, or an RSA key of fewer than 2048 bits."""
    match algorithm, public:
        case Algorithm.ES256, ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return lambda signature, data: _holds_ec(public, signature, data)
        case Algorithm.EDDSA, ed25519.Ed25519PublicKey():
            return lambda signature, data: _holds(lambda: public.verify(signature, data))
        case Algorithm.RS256 | Algorithm.PS256, rsa.RSAPublicKey(key_size=bits) if bits >= RSA_BITS:
            how = _PKCS1 if algorithm is Algorithm.RS256 else _PSS
            return lambda signature, data: _holds(lambda: public.verify(signature, data, how, _SHA256))
        case _:
            return None


def _signed(private: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    # RFC 7518 3.4: r and s as 32 bytes each, not DER.
    r, s = decode_dss_signature(private.sign(data, _ES256))
    return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)


def _holds_ec(public: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    if len(signature) != 2 * _P256_BYTES:
        return False
    r, s = int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:])
    return _holds(lambda: public.verify(encode_dss_signature(r, s), data, _ES256))


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except (InvalidSignature, ValueError):
        return False
    return True
