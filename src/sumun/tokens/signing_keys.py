"""The keys that sign claims tokens: what they are, how they are named, which one signs now.

A key is `published` first (verifies, signs nothing), becomes `active` (signs) when every process knows it, is only
`published` again while tokens that it signed live, and then `retired`. So no token is ever met whose key is unknown.
A key's algorithm belongs to the key and to nothing in a token (RFC 8725 3.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from sumun.tokens.base64url import encode
from sumun.tokens.errors import NoSigningKeyError, UnusableKeyError

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

RSA_BITS = 2048  # RFC 7518 3.3: "A key of size 2048 bits or larger MUST be used"
_P256_BYTES = 32
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ES256 = ec.ECDSA(hashes.SHA256())
_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
# RFC 7518 3.5: the salt is as long as the hash, the mask is MGF1 with the same hash.
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class Algorithm(StrEnum):
    """The signature algorithms we make and take (RFC 7518 3.1, RFC 8037 3.1). No HMAC, no `none`."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"
    PS256 = "PS256"


class KeyState(StrEnum):
    """Where a key is in its life; see the top of this file. Any other word: the key is not used at all."""

    PUBLISHED = "published"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as a row: what the directory keeps. `created_at` and `retires_at` are unix milliseconds.

    private_pem   PKCS #8, PEM; never printed
    retires_at    from then on the key verifies nothing; None: not known yet
    """

    kid: str
    alg: str
    private_pem: bytes = field(repr=False)
    state: str
    created_at: int
    retires_at: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A key pair with its algorithm. `kid` is the RFC 7638 thumbprint of the public key."""

    kid: str
    alg: Algorithm
    private: PrivateKey = field(repr=False)
    public_jwk: Mapping[str, str]
    sign: Callable[[bytes], bytes] = field(repr=False)
    verifies: Callable[[bytes, bytes], bool] = field(repr=False)
    """(signature, data) -> True when the signature is this key's. Never raises."""

    @classmethod
    def generate(cls, alg: str) -> SigningKey:
        """A new key. ValueError for an algorithm that is not ours. RSA takes about 0.1 s."""
        match Algorithm(alg):
            case Algorithm.ES256:
                return cls.of(ec.generate_private_key(ec.SECP256R1()), alg)
            case Algorithm.EDDSA:
                return cls.of(ed25519.Ed25519PrivateKey.generate(), alg)
            case Algorithm.RS256 | Algorithm.PS256:
                return cls.of(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS), alg)

    @classmethod
    def of(cls, private: object, alg: str) -> SigningKey:
        """The key with this algorithm. Raises UnusableKeyError when the two do not go together or RSA is too short."""
        if alg not in set(Algorithm):
            raise UnusableKeyError(f"signing key: {alg[:20]!r} is not one of {', '.join(Algorithm)}")
        match Algorithm(alg), private:
            case Algorithm.ES256, ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
                sign, verifies, members = _ec(private)
            case Algorithm.EDDSA, ed25519.Ed25519PrivateKey():
                sign, verifies, members = _ed25519(private)
            case Algorithm.RS256 | Algorithm.PS256, rsa.RSAPrivateKey(key_size=bits) if bits >= RSA_BITS:
                sign, verifies, members = _rsa(private, _PKCS1 if alg == Algorithm.RS256 else _PSS)
            case _:
                raise UnusableKeyError(
                    f"signing key: this key cannot be used with {alg} (RSA needs {RSA_BITS} bits)"
                )
        kid = thumbprint(members)
        jwk = MappingProxyType({**members, "use": "sig", "alg": str(alg), "kid": kid})
        return cls(kid, Algorithm(alg), private, jwk, sign, verifies)

    @classmethod
    def from_pem(cls, pem: bytes, alg: str) -> SigningKey:
        """Read an unencrypted PKCS #8 PEM. Raises UnusableKeyError, whose text holds nothing of the key."""
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise UnusableKeyError("signing key: this is not an unencrypted private key in PEM") from None
        return cls.of(private, alg)

    def to_pem(self) -> bytes:
        """PKCS #8, PEM, not encrypted: whoever keeps it guards it."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def thumbprint(members: Mapping[str, str]) -> str:
    """RFC 7638: base64url of SHA-256 of the required members, sorted, without any white space."""
    text = "{" + ",".join(f'"{name}":"{members[name]}"' for name in sorted(members)) + "}"
    return encode(hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that verifies, until `retires_at` (unix milliseconds) if that is set."""

    key: SigningKey
    state: KeyState
    retires_at: int | None = None

    def verifies_at(self, now: float) -> bool:
        """True while its signatures count. `now` is unix seconds."""
        return self.retires_at is None or now * 1000 < self.retires_at


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every published key, and the one that signs for each algorithm. Immutable; a change makes a new ring."""

    published: Mapping[str, PublishedKey]
    _active: Mapping[Algorithm, SigningKey]

    @classmethod
    def of(cls, rows: Iterable[StoredKey]) -> KeyRing:
        """The ring of these rows. Of several active keys of one algorithm the newest signs. Raises UnusableKeyError.

        A row whose kid is not the thumbprint of its key is refused: the row was mixed up or tampered with.
        """
        published: dict[str, PublishedKey] = {}
        active: dict[Algorithm, SigningKey] = {}
        for row in sorted(rows, key=lambda row: (row.created_at, row.kid)):
            if row.state not in set(KeyState):
                continue
            key = SigningKey.from_pem(row.private_pem, row.alg)
            if key.kid != row.kid:
                raise UnusableKeyError(
                    f"signing key {row.kid[:64]!r}: the key stored under it has another thumbprint"
                )
            published[key.kid] = PublishedKey(key, KeyState(row.state), row.retires_at)
            if row.state == KeyState.ACTIVE:
                active[key.alg] = key
        return cls(MappingProxyType(published), MappingProxyType(active))

    def active(self, alg: str) -> SigningKey:
        """The key that signs with this algorithm now. Raises NoSigningKeyError."""
        key = self._active.get(Algorithm(alg)) if alg in set(Algorithm) else None
        if key is None:
            raise NoSigningKeyError(
                f"there is no active signing key for {alg[:20]!r}; `sumun keys rotate` makes one"
            )
        return key

    def verifying(self, kid: str, now: float) -> SigningKey | None:
        """The published key with this id, or None. `now` is unix seconds."""
        found = self.published.get(kid)
        return found.key if found is not None and found.verifies_at(now) else None

    def jwks(self, now: float) -> dict[str, list[dict[str, str]]]:
        """The JWK Set (RFC 7517 5) of every key that verifies now, public members only, in order of age."""
        return {"keys": [dict(one.key.public_jwk) for one in self.published.values() if one.verifies_at(now)]}


NO_KEYS = KeyRing(MappingProxyType({}), MappingProxyType({}))

_Parts = tuple[Callable[[bytes], bytes], Callable[[bytes, bytes], bool], dict[str, str]]


def _ec(private: ec.EllipticCurvePrivateKey) -> _Parts:
    public = private.public_key()

    def sign(data: bytes) -> bytes:
        # RFC 7518 3.4: r and s as 32 bytes each, not DER.
        r, s = decode_dss_signature(private.sign(data, _ES256))
        return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)

    def verifies(signature: bytes, data: bytes) -> bool:
        if len(signature) != 2 * _P256_BYTES:
            return False
        r, s = int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:])
        if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
            return False
        return _holds(lambda: public.verify(encode_dss_signature(r, s), data, _ES256))

    numbers = public.public_numbers()
    members = {"crv": "P-256", "kty": "EC", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}
    return sign, verifies, members


def _ed25519(private: ed25519.Ed25519PrivateKey) -> _Parts:
    public = private.public_key()

    def verifies(signature: bytes, data: bytes) -> bool:
        return _holds(lambda: public.verify(signature, data))

    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return private.sign, verifies, {"crv": "Ed25519", "kty": "OKP", "x": encode(raw)}


def _rsa(private: rsa.RSAPrivateKey, how: padding.AsymmetricPadding) -> _Parts:
    public = private.public_key()

    def sign(data: bytes) -> bytes:
        return private.sign(data, how, _SHA256)

    def verifies(signature: bytes, data: bytes) -> bool:
        return _holds(lambda: public.verify(signature, data, how, _SHA256))

    numbers = public.public_numbers()
    return sign, verifies, {"e": _unsigned(numbers.e), "kty": "RSA", "n": _unsigned(numbers.n)}


def _holds(check: Callable[[], Any]) -> bool:
    try:
        check()
    except (InvalidSignature, ValueError):
        return False
    return True


def _coordinate(number: int) -> str:
    return encode(number.to_bytes(_P256_BYTES))


def _unsigned(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8))
