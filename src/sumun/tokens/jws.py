"""Signed compact JWS (RFC 7515 7.1): make one, and open one through a strict gate (RFC 8725).

The gate, in order; whatever fails ends it, and nothing is believed before the signature held:
1. size, then exactly three parts                 no work for what is too large; no JSON serialization, no JWE
2. header: JSON object, members alg, kid, typ     any other member is refused, so crit, jku, jwk, x5u, x5c, b64 are
3. typ                                            one kind of token is never taken for another (RFC 8725 3.11)
4. kid -> key of ours; alg = the key's alg        the token chooses no algorithm and brings no key (RFC 8725 3.1, 3.10)
5. signature, in its one base64url spelling
6. payload: one strict JSON object
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from sumun.access import Invalid, InvalidBecause
from sumun.tokens.base64url import decode, encode
from sumun.tokens.signing_keys import KeyRing, SigningKey
from sumun.tokens.strict_json import parse_object

MAX_CHARACTERS = 8 * 1024
"""Nothing larger is looked at. We mint 4 KiB at most; HAProxy refuses header values larger than this long before."""

_MAX_HEADER_CHARACTERS = 512  # ours have about 120
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
_MALFORMED = Invalid(InvalidBecause.MALFORMED)
_BAD_SIGNATURE = Invalid(InvalidBecause.BAD_SIGNATURE)
_json = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Header:
    """The protected header of a token that may be ours."""

    alg: str
    kid: str
    typ: str


def is_compact(text: str) -> bool:
    """True when `text` looks like a compact JWS and is not too large. Cheap; says nothing of its worth."""
    return len(text) <= MAX_CHARACTERS and text.count(".") == 2 and text.startswith("eyJ")


def sign(payload: Mapping[str, Any], key: SigningKey, typ: str) -> str:
    """The compact JWS of this payload. Members keep their order. Pure but for what ECDSA draws at random."""
    head = encode(_json.encode({"alg": key.alg.value, "kid": key.kid, "typ": typ}))
    signing_input = f"{head}.{encode(_json.encode(payload))}"
    return f"{signing_input}.{encode(key.sign(signing_input.encode('ascii')))}"


def open_signed(token: str, ring: KeyRing, types: frozenset[str], now: float) -> dict[str, Any] | Invalid:
    """The payload of a token that one of our keys signed as one of these types, or why not. Never raises.

    `now` (unix seconds) decides which keys still verify; the claims are the caller's to judge.
    """
    if len(token) > MAX_CHARACTERS or token.count(".") != 2:
        return _MALFORMED
    head, body, tail = token.split(".")
    header = read_header(head) if len(head) <= _MAX_HEADER_CHARACTERS else None
    if header is None or header.typ not in types:
        return _MALFORMED
    signature, payload = decode(tail), decode(body)
    if signature is None or payload is None:
        return _MALFORMED
    key = ring.verifying(header.kid, now)
    if key is None or header.alg != key.alg or not key.verifies(signature, f"{head}.{body}".encode("ascii")):
        return _BAD_SIGNATURE
    claims = parse_object(payload)
    return _MALFORMED if claims is None else claims


@lru_cache(maxsize=256)
def read_header(segment: str) -> Header | None:
    """The header, or None for one that we would not have written. Remembered: a node sees a handful of them."""
    data = decode(segment)
    found = parse_object(data) if data is not None else None
    if found is None or found.keys() != _HEADER_MEMBERS:
        return None
    if not all(isinstance(value, str) for value in found.values()):
        return None
    return Header(**found)
