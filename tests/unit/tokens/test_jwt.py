"""src/sumun/tokens/jws.py and jwt.py: the gate."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as foreign_jwt
from joserfc.jwk import KeySet

from sumun.access import Invalid, InvalidBecause
from sumun.identity import Permission, Subject
from sumun.tokens import jws
from sumun.tokens.base64url import encode
from sumun.tokens.jwt import AccessClaims, IdentityClaims, verify, verify_identity
from sumun.tokens.signing_keys import SigningKey
from tests.unit.tokens.keys import KEYS, ring_of

KEY = KEYS["ES256"]
RING = ring_of(*(KEYS[alg] for alg in ("ES256", "EdDSA", "RS256")))
ISSUER, AUDIENCE, NOW = "https://gate.example", "shop", 1_000_000.0
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "sub_kind": "user",
    "aud": AUDIENCE,
    "exp": 1_000_900,
    "iat": 1_000_000,
    "jti": "jti_1",
    "client_id": "shop-app",
    "scope": "product:* role:admin",
    "roles": ["admin"],
    "permissions": ["order:read"],
    "epoch": 4,
    "client_epoch": 1,
}
HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"}
MALFORMED, BAD_SIGNATURE = Invalid(InvalidBecause.MALFORMED), Invalid(InvalidBecause.BAD_SIGNATURE)


def made(claims: object = CLAIMS, header: object = HEADER, key: SigningKey = KEY) -> str:
    """A compact JWS of whatever is wanted, with a signature that is right for it."""
    parts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in (header, claims)]
    signing_input = ".".join(map(encode, parts))
    return f"{signing_input}.{encode(key.sign(signing_input.encode()))}"


def seen(token: str, now: float = NOW) -> AccessClaims | Invalid:
    return verify(token, RING, ISSUER, AUDIENCE, now)


def test_reads_what_it_says() -> None:
    """Every claim comes out as a value."""
    assert seen(made()) == AccessClaims(
        subject=Subject.user("alice"),
        client_id="shop-app",
        token_id="jti_1",
        scopes=frozenset({Permission("product", "*"), Permission("role", "admin")}),
        roles=frozenset({"admin"}),
        permissions=frozenset({Permission("order", "read")}),
        epoch=4,
        client_epoch=1,
        issued_at=1_000_000,
        expires_at=1_000_900,
    )


def test_a_token_for_some_services() -> None:
    """A sorted list of resources is whom it is for, whatever they are; the route's service is compared later."""
    services = ["https://a.example", "https://b.example"]
    found = seen(made({**CLAIMS, "aud": services}))
    assert isinstance(found, AccessClaims)
    assert found.audience == frozenset(services)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864; EdDSA is what most verifiers know today
@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256", "PS256"])
def test_a_foreign_library_agrees(alg: str) -> None:
    """What we sign another library verifies with our published keys; what it signs with our key we read."""
    key = KEYS[alg]
    ring = ring_of(key)
    token = jws.sign(CLAIMS, key, "at+jwt")
    published = KeySet.import_key_set(ring.jwks(NOW))
    assert foreign_jwt.decode(token, published, algorithms=[alg]).claims == CLAIMS
    from joserfc.jwk import import_key

    theirs = foreign_jwt.encode(
        {"alg": alg, "typ": "at+jwt", "kid": key.kid},
        CLAIMS,
        import_key(json.loads(key.to_jwk())),
        algorithms=[alg],
    )
    assert isinstance(verify(theirs, ring, ISSUER, AUDIENCE, NOW), AccessClaims)


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt"])
def test_takes_both_names_of_the_type(typ: str) -> None:
    """RFC 9068 4."""
    assert isinstance(seen(made(header={**HEADER, "typ": typ})), AccessClaims)


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "identity+jwt"},
        {**HEADER, "typ": "AT+JWT"},
        {**HEADER, "typ": None},
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "crit": []},
        {**HEADER, "jku": "https://evil.example/keys"},
        {**HEADER, "jwk": dict(KEY.public_jwk)},
        {**HEADER, "x5u": "https://evil.example"},
        {**HEADER, "x5c": ["MII"]},
        {**HEADER, "x5t": "AA"},
        {**HEADER, "b64": False, "crit": ["b64"]},
        {**HEADER, "b64": True},
        {**HEADER, "cty": "JWT"},
        {**HEADER, "zip": "DEF"},
        {**HEADER, "kid": 1},
        {**HEADER, "kid": ["a"]},
        {**HEADER, "alg": 1},
        {name: value for name, value in HEADER.items() if name != "typ"},
        {name: value for name, value in HEADER.items() if name != "kid"},
        {name: value for name, value in HEADER.items() if name != "alg"},
        [HEADER],
        "x",
        None,
        {},
        b"",
        b"\xff",
        b'{"alg":"ES256","alg":"ES256","kid":"%s","typ":"at+jwt"}' % KEY.kid.encode(),
        b"[" * 300,
        {**HEADER, "kid": "x" * 1000},
    ],
    ids=map(str, itertools.count()),
)
def test_refuses_another_header(header: object) -> None:
    """Only alg, kid and typ, each once and a text, and only our type: whatever else is signed is refused unread."""
    assert seen(made(header=header)) == MALFORMED


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS256", "RS256", "EdDSA", "Ed25519", "PS256", "ES384", "ES256K"]
)
def test_the_key_decides_the_algorithm(alg: str) -> None:
    """A token that names another algorithm than its key's is not verified with either."""
    assert seen(made(header={**HEADER, "alg": alg})) == BAD_SIGNATURE


def test_no_public_key_as_a_secret() -> None:
    """The classic: HMAC with the published key as the secret."""
    import hashlib
    import hmac

    signing_input = ".".join(encode(json.dumps(one).encode()) for one in ({**HEADER, "alg": "HS256"}, CLAIMS))
    secret = KEY.to_public_jwk().encode()
    tag = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    assert seen(f"{signing_input}.{encode(tag)}") == BAD_SIGNATURE


@pytest.mark.parametrize(
    "kid",
    ["unknown", "", "../../etc/passwd", "' OR 1=1 --", KEYS["PS256"].kid + "x"],
    ids=map(str, itertools.count()),
)
def test_an_unknown_key(kid: str) -> None:
    """A kid that is not ours is a bad signature, whoever signed."""
    assert seen(made(header={**HEADER, "kid": kid})) == BAD_SIGNATURE


def test_another_key_of_the_same_kind() -> None:
    """A signature by a stranger's key under our kid."""
    assert seen(made(key=SigningKey.generate("ES256"))) == BAD_SIGNATURE


def rewritten(index: int, change: Callable[[str], str]) -> str:
    parts = made().split(".")
    parts[index] = change(parts[index])
    return ".".join(parts)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        made().rsplit(".", 1)[0],
        made() + ".",
        made() + ".x",
        "." + made(),
        made() + "\n",
        " " + made(),
        "Bearer " + made(),
        rewritten(0, lambda part: part + "="),
        rewritten(1, lambda part: part + "="),
        rewritten(2, lambda part: part + "=="),
        rewritten(2, lambda part: part[:-1] + chr(ord(part[-1]) + 1)),
        rewritten(1, lambda part: part[:5] + "\n" + part[5:]),
        rewritten(2, lambda part: part.replace("A", "Ａ", 1) + "Ａ"),
        json.dumps({"payload": "e30", "signatures": []}),
        made() + "x" * 9000,
        "eyJ" * 3000 + "..",
    ],
    ids=map(str, itertools.count()),
)
def test_only_the_one_compact_form(token: str) -> None:
    """Three parts in canonical base64url without padding, not too large; nothing else is a token."""
    assert seen(token) == MALFORMED


def test_no_signature_is_a_bad_signature() -> None:
    """An empty third part is base64url of nothing, and verifies nothing."""
    assert seen(made().rsplit(".", 1)[0] + ".") == BAD_SIGNATURE


def test_the_size_is_looked_at_first() -> None:
    """A perfectly signed token above the bound is refused."""
    large = made({**CLAIMS, "pad": "x" * 8192})
    assert seen(large) == MALFORMED
    assert not jws.is_compact(large)


@pytest.mark.parametrize(
    ("claim", "value", "because"),
    [
        ("iss", "https://gate.example/", InvalidBecause.WRONG_ISSUER),
        ("iss", None, InvalidBecause.WRONG_ISSUER),
        ("iss", [ISSUER], InvalidBecause.WRONG_ISSUER),
        ("aud", "Shop", InvalidBecause.WRONG_AUDIENCE),
        ("aud", ["shop"], InvalidBecause.WRONG_AUDIENCE),
        ("aud", ["shop", "other"], InvalidBecause.WRONG_AUDIENCE),
        ("aud", [], InvalidBecause.WRONG_AUDIENCE),
        ("aud", ["https://a.example", 1], InvalidBecause.WRONG_AUDIENCE),
        ("aud", ["https://a.example", "https://a.example"], InvalidBecause.WRONG_AUDIENCE),
        ("aud", ["https://b.example", "https://a.example"], InvalidBecause.WRONG_AUDIENCE),
        ("aud", {"https://a.example": 1}, InvalidBecause.WRONG_AUDIENCE),
        ("aud", None, InvalidBecause.WRONG_AUDIENCE),
        ("exp", 999_999, InvalidBecause.EXPIRED),
        ("exp", 1_000_000, InvalidBecause.EXPIRED),
        ("exp", 0, InvalidBecause.EXPIRED),
        *((claim, None, InvalidBecause.MALFORMED) for claim in CLAIMS if claim not in ("iss", "aud")),
        *(
            (claim, value, InvalidBecause.MALFORMED)
            for claim in ("exp", "iat", "nbf", "epoch", "client_epoch")
            for value in (-1, True, "5", [5], 1.5, 1e400, float("nan"), 2**53, 10**30, {})
        ),
        ("iat", 1_000_061, InvalidBecause.MALFORMED),
        ("nbf", 1_000_061, InvalidBecause.MALFORMED),
        ("sub", "", InvalidBecause.MALFORMED),
        ("sub", "a\r\nX: y", InvalidBecause.MALFORMED),
        ("sub", "a" * 129, InvalidBecause.MALFORMED),
        ("sub", 5, InvalidBecause.MALFORMED),
        ("sub_kind", "robot", InvalidBecause.MALFORMED),
        ("client_id", "", InvalidBecause.MALFORMED),
        ("client_id", "shop app", InvalidBecause.MALFORMED),
        ("jti", "", InvalidBecause.MALFORMED),
        ("jti", "a b", InvalidBecause.MALFORMED),
        ("jti", "x" * 129, InvalidBecause.MALFORMED),
        ("scope", "", InvalidBecause.MALFORMED),
        ("scope", "product:read  order:read", InvalidBecause.MALFORMED),
        ("scope", "product", InvalidBecause.MALFORMED),
        ("scope", ["product:read"], InvalidBecause.MALFORMED),
        ("roles", "admin", InvalidBecause.MALFORMED),
        ("roles", ["*"], InvalidBecause.MALFORMED),
        ("roles", ["Admin"], InvalidBecause.MALFORMED),
        ("roles", [1], InvalidBecause.MALFORMED),
        ("permissions", ["x"], InvalidBecause.MALFORMED),
        ("permissions", [None], InvalidBecause.MALFORMED),
        ("permissions", {"order:read": 1}, InvalidBecause.MALFORMED),
    ],
)
def test_each_claim_is_looked_at(claim: str, value: object, because: InvalidBecause) -> None:
    """A claim that is missing, of another type, out of range, from elsewhere or for someone else: no claims."""
    claims = {name: old for name, old in CLAIMS.items() if name != claim}
    if value is not None:
        claims[claim] = value
    assert seen(made(claims)) == Invalid(because)


def test_expires_on_the_second() -> None:
    """RFC 7519 4.1.4: "on or after" the time is too late; the moment before is not."""
    assert isinstance(seen(made(), 1_000_899.999), AccessClaims)
    assert seen(made(), 1_000_900.0) == Invalid(InvalidBecause.EXPIRED)


def test_clocks_may_differ_a_little() -> None:
    """A token of a node whose clock is a minute ahead is taken."""
    assert isinstance(seen(made({**CLAIMS, "iat": 1_000_060, "nbf": 1_000_060})), AccessClaims)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"x",
        json.dumps(CLAIMS).encode("utf-16"),
        json.dumps(CLAIMS).replace('"sub"', '"epoch": 9, "sub"').encode(),
        json.dumps({**CLAIMS, "sub": "\ud800"}).encode(),
    ],
)
def test_a_payload_that_is_no_plain_object(payload: bytes) -> None:
    """Even signed by us: two readers could read it differently."""
    assert seen(made(payload)) == MALFORMED


def test_a_retiring_key_stops() -> None:
    """From the moment a key retires its signatures count for nothing."""
    from sumun.tokens.signing_keys import KeyRing
    from tests.unit.tokens.keys import stored

    ring = KeyRing.of([stored(KEY, "published", retires_at_ms=1_000_500_000)])
    assert isinstance(verify(made(), ring, ISSUER, AUDIENCE, 1_000_499), AccessClaims)
    assert verify(made(), ring, ISSUER, AUDIENCE, 1_000_500) == BAD_SIGNATURE


IDENTITY = {
    name: CLAIMS[name]
    for name in ("iss", "sub", "sub_kind", "exp", "iat", "jti", "client_id", "roles", "permissions")
}
IDENTITY |= {"aud": "products", "name": "앨리스"}


def test_identity_tokens_are_another_kind() -> None:
    """Neither kind of token is ever taken for the other."""
    token = made(IDENTITY, {**HEADER, "typ": "identity+jwt"})
    assert verify_identity(token, RING, ISSUER, "products", NOW) == IdentityClaims(
        subject=Subject.user("alice"),
        name="앨리스",
        client_id="shop-app",
        token_id="jti_1",
        roles=frozenset({"admin"}),
        permissions=frozenset({Permission("order", "read")}),
        expires_at=1_000_900,
    )
    assert verify(token, RING, ISSUER, "products", NOW) == MALFORMED
    assert verify_identity(made(), RING, ISSUER, AUDIENCE, NOW) == MALFORMED
    assert verify_identity(token, RING, ISSUER, "orders", NOW) == Invalid(InvalidBecause.WRONG_AUDIENCE)
    assert verify_identity(token, RING, ISSUER, "products", 1_000_900) == Invalid(InvalidBecause.EXPIRED)


@given(st.integers(0, len(made()) - 1), st.integers(0, 7))
def test_any_flipped_bit_is_seen(place: int, bit: int) -> None:
    """A token changed in any one bit proves nothing."""
    token = made()
    changed = token[:place] + chr(ord(token[place]) ^ (1 << bit)) + token[place + 1 :]
    assert isinstance(seen(changed), Invalid)


def test_base64_is_what_we_think() -> None:
    """The tests' own tokens are made as any library makes them."""
    head = made().split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))) == HEADER
