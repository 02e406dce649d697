"""What a token kept on the server looks like: `smn_at_` + 43 random base62 characters + 6 of checksum.

The prefix lets secret scanners find a leaked token; the checksum (CRC32 of all that precedes it, in base62) lets us
turn junk away without asking any store. Neither is a protection: the 256 random bits are.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

ACCESS_PREFIX = "smn_at_"
"""Opaque access tokens."""

TICKET_PREFIX = "smn_wt_"
"""One-time tickets for WebSocket handshakes."""

SESSION_PREFIX = "smn_se_"
"""Cookies of browser sessions."""

REFRESH_PREFIX = "smn_rt_"
"""Refresh tokens."""

REGISTRATION_PREFIX = "smn_rg_"
"""Registration access tokens of clients (RFC 7592)."""

RANDOM_BYTES = 32
"""256 bits: RFC 6749 10.10 asks for less than 2^-128 chance of a guess, and should have 2^-160."""

TOKEN_ID_BYTES = 16
"""128 bits make a public handle that never repeats."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 43  # 62**43 is just above 2**256
_CHECK_CHARACTERS = 6  # 62**6 is above 2**32
_CHARACTERS = _RANDOM_CHARACTERS + _CHECK_CHARACTERS
_TOKEN_ID_CHARACTERS = 22  # 62**22 is above 2**128
# Two characters at a time: a checksum is three table look-ups.
_PAIRS = [one + two for one in _ALPHABET for two in _ALPHABET]
_PREFIX = re.compile(r"smn_[a-z]{2,4}_")

# Public handles. What they begin with tells an opaque token's id from a JWT's without a look-up.
_OPAQUE_ID = "tid_"
_JWT_ID = "jti_"
_SESSION_ID = "sid_"


def new(prefix: str = ACCESS_PREFIX) -> str:
    """A new token with fresh random bits. ValueError for a prefix that is not `smn_` + 2 to 4 letters + `_`."""
    return make(prefix, secrets.token_bytes(RANDOM_BYTES))


def make(prefix: str, random: bytes) -> str:
    """The token made of these 32 random bytes. Pure. ValueError for another length or a bad prefix."""
    if _PREFIX.fullmatch(prefix) is None:
        raise ValueError(f"{prefix!r} is not a token prefix; write smn_, 2 to 4 small letters, _")
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a token needs {RANDOM_BYTES} random bytes, not {len(random)}")
    body = prefix + _base62(random, _RANDOM_CHARACTERS)
    return body + _checksum(body.encode())


def is_wellformed(text: str, prefix: str = "") -> bool:
    """True when `text` may be a token of ours: its shape and its checksum are right. Never raises.

    `prefix` demands one kind of token. A True says nothing of the token being alive.
    """
    if not prefix:
        found = _PREFIX.match(text)
        if found is None:
            return False
        prefix = found.group()
    if len(text) != len(prefix) + _CHARACTERS or not text.startswith(prefix) or not text.isascii():
        return False
    raw = text.encode()
    # Of bytes, `isalnum` knows ASCII only, and takes a tenth of what a regular expression takes.
    return raw[len(prefix) :].isalnum() and _checksum(raw[:-_CHECK_CHARACTERS]) == text[-_CHECK_CHARACTERS:]


def digest(token: str) -> bytes:
    """SHA-256 of the token, 32 bytes: the only form in which a token reaches a store. Never raises.

    A fast hash is right here: there is nothing to guess in 256 random bits.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def opaque_id(random: bytes) -> str:
    """The public handle of an opaque token, `tid_` + 22 base62 characters, of 16 random bytes."""
    return _public_id(_OPAQUE_ID, random)


def jwt_id(random: bytes) -> str:
    """The public handle of a JWT (its `jti`), `jti_` + 22 base62 characters, of 16 random bytes."""
    return _public_id(_JWT_ID, random)


def session_id(random: bytes) -> str:
    """The public handle of a browser session, `sid_` + 22 base62 characters, of 16 random bytes."""
    return _public_id(_SESSION_ID, random)


def is_opaque_id(token_id: str) -> bool:
    """True when this handle is an opaque token's, so no JWT can bear it."""
    return token_id.startswith(_OPAQUE_ID)


def is_claims_id(token_id: str) -> bool:
    """True when this handle is a JWT's."""
    return token_id.startswith(_JWT_ID)


def _public_id(prefix: str, random: bytes) -> str:
    if len(random) != TOKEN_ID_BYTES:
        raise ValueError(f"a token id needs {TOKEN_ID_BYTES} random bytes, not {len(random)}")
    return prefix + _base62(random, _TOKEN_ID_CHARACTERS)


def _base62(data: bytes, characters: int) -> str:
    number = int.from_bytes(data)
    out: list[str] = []
    for _ in range(characters):
        number, digit = divmod(number, 62)
        out.append(_ALPHABET[digit])
    return "".join(reversed(out))


def _checksum(body: bytes) -> str:
    first, rest = divmod(zlib.crc32(body), 14_776_336)
    second, third = divmod(rest, 3844)
    return _PAIRS[first] + _PAIRS[second] + _PAIRS[third]
