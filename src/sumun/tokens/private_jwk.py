"""Key pairs as JSON Web Keys (RFC 7517; members by RFC 7518 6 and RFC 8037 2), read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sumun.tokens.base64url import decode, encode
from sumun.tokens.errors import UnusableKeyError
from sumun.tokens.signatures import PrivateKey
from sumun.tokens.strict_json import parse_object

_P256_BYTES = 32


def public_members(private: PrivateKey) -> dict[str, str]:
    """The members that make the public key, and nothing else: what a thumbprint is made of (RFC 7638 3.2)."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        point = private.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": _fixed(point.x), "y": _fixed(point.y)}
    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.public_key().public_numbers()
        return {"e": _unsigned(numbers.e), "kty": "RSA", "n": _unsigned(numbers.n)}
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": encode(raw)}


def private_members(private: PrivateKey) -> dict[str, str]:
    """The members that make the private key, beside the public ones. Secret."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return {"d": _fixed(private.private_numbers().private_value)}
    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.private_numbers()
        parts = {"d": numbers.d, "p": numbers.p, "q": numbers.q}
        parts |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
        return {name: _unsigned(number) for name, number in parts.items()}
    return {"d": encode(private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))}


def read(text: str) -> PrivateKey:
    """The key pair of this JSON text. Raises UnusableKeyError, whose text holds nothing of the key."""
    try:
        members = parse_object(text.encode("utf-8"))
        if members is not None:
            return _key(members)
    except (ValueError, KeyError):  # the library's words about a bad key are ValueErrors
        pass
    raise UnusableKeyError("signing key: this is not a private JWK of type EC (P-256), OKP (Ed25519) or RSA")


def _key(members: Mapping[str, Any]) -> PrivateKey:
    match members["kty"], members.get("crv"):
        case "EC", "P-256":
            point = ec.EllipticCurvePublicNumbers(
                _number(members["x"]), _number(members["y"]), ec.SECP256R1()
            )
            return ec.EllipticCurvePrivateNumbers(_number(members["d"]), point).private_key()
        case "OKP", "Ed25519":
            private = ed25519.Ed25519PrivateKey.from_private_bytes(_bytes(members["d"]))
            if public_members(private)["x"] != members["x"]:
                raise ValueError("the two halves of the key do not belong together")
            return private
        case "RSA", None:
            d, p, q = (_number(members[name]) for name in ("d", "p", "q"))
            dmp1, dmq1, iqmp = (_number(members[name]) for name in ("dp", "dq", "qi"))
            public = rsa.RSAPublicNumbers(_number(members["e"]), _number(members["n"]))
            numbers = rsa.RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, public)
            return numbers.private_key()
        case _:
            raise ValueError("another type of key")


def _bytes(value: object) -> bytes:
    found = decode(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a member is not base64url")
    return found


def _number(value: object) -> int:
    return int.from_bytes(_bytes(value))


def _fixed(number: int) -> str:
    return encode(number.to_bytes(_P256_BYTES))


def _unsigned(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8))
