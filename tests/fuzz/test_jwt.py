"""Whatever arrives as a bearer token: claims or Invalid come out, never an exception.

And in words: only what one of our keys signed, as an access token, for us, in time, becomes claims; and what becomes
claims was written by the owner of the key, so changing it in any way makes it Invalid.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sumun.access import Invalid
from sumun.tokens.base64url import encode
from sumun.tokens.jws import is_compact
from sumun.tokens.jwt import AccessClaims, verify, verify_identity
from sumun.tokens.signing_keys import SigningKey
from tests.unit.tokens.keys import ring_of

KEY = SigningKey.generate("EdDSA")
RING = ring_of(KEY)
GOOD: dict[str, Any] = {
    "iss": "i",
    "sub": "alice",
    "sub_kind": "user",
    "aud": "a",
    "exp": 2000,
    "iat": 1000,
    "jti": "j",
    "client_id": "c",
    "scope": "*:*",
    "roles": [],
    "permissions": [],
    "epoch": 0,
    "client_epoch": 0,
}
HEADER = {"alg": "EdDSA", "kid": KEY.kid, "typ": "at+jwt"}
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "a:b", "*:*", "user"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
some_claims = st.dictionaries(st.sampled_from([*GOOD, "nbf", "name"]), anything, max_size=4)


def signed(header: object, claims: object) -> str:
    text = ".".join(encode(json.dumps(one).encode()) for one in (header, claims))
    return f"{text}.{encode(KEY.sign(text.encode()))}"


def checked(token: str) -> None:
    for verifier in (verify, verify_identity):
        found = verifier(token, RING, "i", "a", 1500.0)
        assert isinstance(found, Invalid | AccessClaims) or verifier is verify_identity
    is_compact(token)


@given(st.text(st.characters()) | st.text(st.sampled_from("eyJ.-_=AZ09\n")))
@settings(max_examples=3 * settings().max_examples)
def test_any_text(text: str) -> None:
    """Text of any sort."""
    assert isinstance(verify(text, RING, "i", "a", 1500.0), Invalid)
    checked(text)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=70))
@settings(max_examples=3 * settings().max_examples)
def test_any_bytes_in_the_right_form(head: bytes, body: bytes, tail: bytes) -> None:
    """Three parts of base64url with anything in them."""
    token = ".".join(map(encode, (head, body, tail)))
    assert isinstance(verify(token, RING, "i", "a", 1500.0), Invalid)
    checked(token)


@given(st.dictionaries(st.sampled_from([*HEADER, "crit", "jwk", "b64"]), anything, max_size=3), st.booleans())
@settings(max_examples=3 * settings().max_examples)
def test_any_header(changes: dict[str, object], whole: bool) -> None:
    """A header of anything over claims that are good, rightly signed."""
    header = changes if whole else {**HEADER, **changes}
    token = signed(header, GOOD)
    found = verify(token, RING, "i", "a", 1500.0)
    assert isinstance(found, AccessClaims) is (header == HEADER)
    checked(token)


@given(some_claims, st.sets(st.sampled_from(sorted(GOOD)), max_size=2))
@settings(max_examples=5 * settings().max_examples)
def test_any_claims(changes: dict[str, object], missing: set[str]) -> None:
    """Claims of anything, rightly signed."""
    claims = {name: value for name, value in {**GOOD, **changes}.items() if name not in missing}
    token = signed(HEADER, claims)
    found = verify(token, RING, "i", "a", 1500.0)
    if isinstance(found, AccessClaims):
        assert claims["iss"] == "i"
        assert claims["aud"] == "a"
        assert found.expires_at > 1500
        assert found.subject.id == claims["sub"]
        assert found.scopes
    checked(token)


@given(st.text(max_size=30), st.integers(0, 400))
@settings(max_examples=3 * settings().max_examples)
def test_any_change(inserted: str, place: int) -> None:
    """A good token with something put in anywhere proves nothing."""
    token = signed(HEADER, GOOD)
    changed = token[:place] + inserted + token[place:]
    if changed != token:
        assert isinstance(verify(changed, RING, "i", "a", 1500.0), Invalid)
