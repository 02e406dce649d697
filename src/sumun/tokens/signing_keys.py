"""The keys that sign claims tokens: what they are, how they are named, which one signs now.

A key is `published` first (verifies, signs nothing), becomes `active` (signs) when every process knows it, is only
`published` again while tokens that it signed live, and then `retired`. So no token is ever met whose key is unknown.
A key's algorithm belongs to the key and to nothing in a token (RFC 8725 3.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sumun.tokens import private_jwk
from sumun.tokens.base64url import encode
from sumun.tokens.errors import NoSigningKeyError, UnusableKeyError
from sumun.tokens.signatures import RSA_BITS, Algorithm, PrivateKey, Sign, Verify, signer, verifier


class KeyState(StrEnum):
    """Where a key is in its life; see the top of this file. Any other word: the key is not used at all."""

    PUBLISHED = "published"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as a row: what the directory keeps. The JWK is JSON text and never shows in repr.

    private_jwk     None once the key is retired
    retires_at_ms   unix milliseconds; from then on the key verifies nothing. None: not known yet
    """

    kid: str
    alg: str
    state: str
    private_jwk: str | None = field(repr=False)
    created_at_ms: int
    retires_at_ms: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A key pair with its algorithm. `kid` is the RFC 7638 thumbprint of the public key."""

    kid: str
    alg: Algorithm
    public_jwk: Mapping[str, str]
    private: PrivateKey = field(repr=False)
    sign: Sign = field(repr=False)
    verifies: Verify = field(repr=False)

    @classmethod
    def generate(cls, alg: str) -> SigningKey:
        """A new key. Raises UnusableKeyError for an algorithm that is not ours. RSA takes about 0.1 s."""
        match _algorithm(alg):
            case Algorithm.ES256:
                return cls.of(ec.generate_private_key(ec.SECP256R1()), alg)
            case Algorithm.EDDSA:
                return cls.of(ed25519.Ed25519PrivateKey.generate(), alg)
            case Algorithm.RS256 | Algorithm.PS256:
                return cls.of(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS), alg)

    @classmethod
    def of(cls, private: PrivateKey, alg: str) -> SigningKey:
        """The key with this algorithm. Raises UnusableKeyError when the two do not go together or RSA is too short."""
        algorithm = _algorithm(alg)
        sign, verifies = signer(algorithm, private), verifier(algorithm, private.public_key())
        if sign is None or verifies is None:
            raise UnusableKeyError(
                f"signing key: this key cannot be used with {alg}: it is of another type, or RSA with fewer than "
                f"{RSA_BITS} bits"
            )
        members = private_jwk.public_members(private)
        kid = thumbprint(members)
        public = MappingProxyType({**members, "use": "sig", "alg": str(alg), "kid": kid})
        return cls(kid, algorithm, public, private, sign, verifies)

    @classmethod
    def from_jwk(cls, text: str, alg: str) -> SigningKey:
        """Read a private JWK (JSON text). Raises UnusableKeyError, whose text holds nothing of the key."""
        return cls.of(private_jwk.read(text), alg)

    def to_jwk(self) -> str:
        """The private JWK as JSON text, not encrypted: whoever keeps it guards it."""
        return _json({**self.public_jwk, **private_jwk.private_members(self.private)})

    def to_public_jwk(self) -> str:
        """The public JWK as JSON text."""
        return _json(dict(self.public_jwk))


def thumbprint(members: Mapping[str, str]) -> str:
    """RFC 7638: base64url of SHA-256 of the required members, sorted, without any white space."""
    text = "{" + ",".join(f'"{name}":"{members[name]}"' for name in sorted(members)) + "}"
    return encode(hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that verifies, until `retires_at_ms` (unix milliseconds) if that is set."""

    key: SigningKey
    state: KeyState
    retires_at_ms: int | None = None

    def verifies_at(self, now: float) -> bool:
        """True while its signatures count. `now` is unix seconds."""
        return self.retires_at_ms is None or now * 1000 < self.retires_at_ms


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
        for row in sorted(rows, key=lambda row: (row.created_at_ms, row.kid)):
            if row.state not in set(KeyState):
                continue
            key = SigningKey.from_jwk(row.private_jwk or "", row.alg)
            if key.kid != row.kid:
                raise UnusableKeyError(
                    f"signing key {row.kid[:64]!r}: the key stored under it has another thumbprint"
                )
            published[key.kid] = PublishedKey(key, KeyState(row.state), row.retires_at_ms)
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
        """The JWK Set (RFC 7517 5) of every key that verifies now, public members only, oldest first."""
        return {"keys": [dict(one.key.public_jwk) for one in self.published.values() if one.verifies_at(now)]}


NO_KEYS = KeyRing(MappingProxyType({}), MappingProxyType({}))


def _algorithm(alg: str) -> Algorithm:
    if alg not in set(Algorithm):
        raise UnusableKeyError(f"signing key: {alg[:20]!r} is not one of {', '.join(Algorithm)}")
    return Algorithm(alg)


def _json(members: dict[str, str]) -> str:
    return msgspec.json.encode(members).decode("utf-8")
