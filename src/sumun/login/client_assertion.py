"""Clients prove who they are with a key: `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core 9).

    read_assertion(form)            the statement that a client signed, taken apart; nothing of it is believed yet
    ClientAssertions.why_not(...)   None | why it does not prove this client, in a word for the log

Of the assertion's members (RFC 7523 3): `iss` and `sub` are the client; `aud` is us and nobody else, for whom it names
too could come with it here: our issuer, as RFC 7523bis asks for, or the URL of the token
endpoint or of the endpoint that was called, which RFC 7523 allowed and clients still write. It is good for five minutes
at most, by its `iat` when that is there, else by its `exp`; and once, on all nodes, by its `jti`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

from sumun.tokens import public_jwk
from sumun.tokens.ephemeral import Kind
from sumun.tokens.errors import UnusableKeyError
from sumun.tokens.foreign_jws import ForeignJws, take_apart
from sumun.tokens.public_jwk import PublicJwk
from sumun.tokens.signing_keys import SigningKey
from sumun.tokens.strict_json import parse_object

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIVES_SECONDS: Final = 300
MAX_CHARACTERS: Final = 8 * 1024
_SKEW_SECONDS: Final = 60
"""How far a client's clock, or another node's, may be ahead of ours."""

_HEADER: Final = frozenset({"typ", "alg", "kid"})
# draft-ietf-oauth-rfc7523bis has the last; most clients write JWT, or nothing.
_TYPES: Final = (None, "JWT", "client-authentication+jwt")
_JTI: Final = re.compile(r"[\x20-\x7e]{1,256}")
_LATEST: Final = 2**53 - 1


class Remembers(Protocol):
    """What this needs of `tokens.ephemeral.EphemeralStore`."""

    async def add(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> bool:
        """Remember it unless it is there; False when it is. Raises StoreUnavailableError."""
        ...


def read_assertion(form: Mapping[str, str]) -> ForeignJws | None:
    """What the form's `client_assertion` says; None for what is no JWT of a client, or of another type."""
    if form.get("client_assertion_type") != TYPE:
        return None
    return take_apart(form.get("client_assertion", ""), MAX_CHARACTERS)


@lru_cache(maxsize=1024)
def keys_of(jwks: str) -> tuple[PublicJwk, ...]:
    """The keys of a JWK Set (RFC 7517 5). Raises UnusableKeyError, ValueError."""
    found = parse_object(jwks.encode())
    if found is None or not isinstance(found.get("keys"), list):
        raise ValueError("not a JWK Set")
    return tuple(public_jwk.read(one) for one in found["keys"])


class ClientAssertions:
    """Judges assertions. One per process."""

    def __init__(
        self, seen: Remembers, clock: Callable[[], float], *, issuer: str, endpoints: frozenset[str]
    ) -> None:
        """`clock` gives unix seconds; `endpoints` are the URLs that may stand in `aud` beside the issuer."""
        self._seen = seen
        self._clock = clock
        self._audiences = endpoints | {issuer}
        self._nobody = public_jwk.read(SigningKey.generate("ES256").public_jwk)

    def why_not(self, client_id: str, jwks: str, assertion: ForeignJws) -> str | None:
        """Why this does not prove the client of these keys, in a word for the log; None: it does, if it is new.

        `jwks` is empty for an unknown client, or one without keys.
        """
        try:
            keys = _candidates(keys_of(jwks), assertion) if jwks else ()
        except (UnusableKeyError, ValueError):
            return "unusable_key"
        if not keys:
            assertion.signed_by(self._nobody)  # it costs what a known client's does
            return "no_such_key" if jwks else "no_keys"
        if not any(assertion.signed_by(one) for one in keys):
            return "wrong_signature"
        if not assertion.header.keys() <= _HEADER or assertion.header.get("typ") not in _TYPES:
            return "strange_header"
        claims = assertion.claims
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            return "wrong_subject"
        if not self._for_us(claims.get("aud")):
            return "wrong_audience"
        return self._out_of_time(claims) or _without_name(claims)

    async def use_up(self, client_id: str, assertion: ForeignJws) -> str | None:
        """Take it, once: None, or why not. Raises StoreUnavailableError."""
        digest = hashlib.sha256(f"{client_id} {assertion.claims['jti']}".encode()).digest()
        lifetime_ms = (LIVES_SECONDS + 2 * _SKEW_SECONDS) * 1000
        return None if await self._seen.add(Kind.ASSERTION, digest, b"", lifetime_ms) else "used_before"

    def _for_us(self, aud: object) -> bool:
        named = aud if isinstance(aud, list) else [aud]
        return bool(named) and all(isinstance(one, str) and one in self._audiences for one in named)

    def _out_of_time(self, claims: Mapping[str, Any]) -> str | None:
        now = self._clock()
        times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
        if "exp" not in times or not all(type(one) is int and 0 <= one <= _LATEST for one in times.values()):
            return "no_time"
        if now >= times["exp"]:
            return "expired"
        if max(times.get("iat", 0), times.get("nbf", 0)) > now + _SKEW_SECONDS:
            return "not_yet"
        ends = times["iat"] + LIVES_SECONDS if "iat" in times else times["exp"]
        if now >= ends:
            return "too_old"
        return "lives_too_long" if ends > now + LIVES_SECONDS + _SKEW_SECONDS else None


def _candidates(keys: tuple[PublicJwk, ...], assertion: ForeignJws) -> tuple[PublicJwk, ...]:
    """The key that the assertion names; of a client with one key, that one."""
    kid = assertion.header.get("kid")
    if kid is None:
        return keys if len(keys) == 1 else ()
    return tuple(one for one in keys if kid in (one.kid, one.thumbprint))


def _without_name(claims: Mapping[str, Any]) -> str | None:
    jti = claims.get("jti")
    return None if isinstance(jti, str) and _JTI.fullmatch(jti) else "no_jti"
