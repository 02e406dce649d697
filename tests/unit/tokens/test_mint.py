"""src/sumun/tokens/mint.py"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.access import Invalid, InvalidBecause
from sumun.identity import ANYTHING, Permission, Principal, Subject
from sumun.tokens import base64url, mint
from sumun.tokens import format as token_format
from sumun.tokens.errors import TokenTooLargeError
from sumun.tokens.jwt import AccessClaims, IdentityClaims, verify, verify_identity
from sumun.tokens.store import Rights
from tests.unit.tokens.keys import KEYS, ring_of

KEY = KEYS["ES256"]
READ = Permission("product", "read")
GRANT = mint.Grant(
    subject=Subject.user("alice"),
    client_id="shop-app",
    scopes=frozenset({ANYTHING}),
    roles=frozenset({"admin"}),
    permissions=frozenset({READ}),
    epoch=7,
    login_epoch=3,
    client_epoch=2,
)
NOW = 1_700_000_000.75


def a_jwt(grant: mint.Grant = GRANT) -> str:
    return mint.mint_jwt(
        grant, KEY, issuer="https://gate", audience="shop", now=NOW, lifetime_seconds=900, random=bytes(16)
    )


def test_opaque_follows_its_subject() -> None:
    """A token without rights of its own carries none; its digest and record belong to it."""
    token, digest, record = mint.mint_opaque(
        GRANT, now=NOW, lifetime_seconds=900, random=bytes(range(48)), note="n"
    )
    assert token_format.is_wellformed(token, "smn_at_")
    assert digest == token_format.digest(token)
    assert record.issued_at_ms == 1_700_000_000_750
    assert record.expires_at_ms == record.issued_at_ms + 900_000
    assert (record.subject, record.client_id, record.login_epoch, record.note) == (
        GRANT.subject,
        "shop-app",
        3,
        "n",
    )
    assert (record.own_rights, record.roles, record.permissions) == (False, frozenset(), frozenset())
    assert token not in repr(record)


def test_opaque_with_rights_of_its_own() -> None:
    """Rights of its own stay with the token, also when they are none at all."""
    own = Rights(frozenset({"user"}), frozenset({READ}))
    _, _, record = mint.mint_opaque(GRANT, now=NOW, lifetime_seconds=1, random=bytes(48), own=own)
    assert (record.own_rights, record.roles, record.permissions) == (True, own.roles, own.permissions)
    nothing = Rights(frozenset(), frozenset())
    assert mint.mint_opaque(GRANT, now=NOW, lifetime_seconds=1, random=bytes(48), own=nothing)[2].own_rights


def test_handle_and_token_share_no_randomness() -> None:
    """The public handle tells nothing of the token."""
    random = bytes(range(48))
    token, _, record = mint.mint_opaque(GRANT, now=NOW, lifetime_seconds=1, random=random)
    other, _, same = mint.mint_opaque(GRANT, now=NOW, lifetime_seconds=1, random=bytes(32) + random[32:])
    assert token != other
    assert record.token_id == same.token_id


def test_jwt_says_what_was_granted() -> None:
    """The claims that the gate reads are those that were granted."""
    claims = verify(a_jwt(), ring_of(KEY), "https://gate", "shop", NOW)
    assert isinstance(claims, AccessClaims)
    assert (claims.subject, claims.client_id, claims.scopes) == (GRANT.subject, "shop-app", GRANT.scopes)
    assert (claims.roles, claims.permissions) == (GRANT.roles, GRANT.permissions)
    assert (claims.epoch, claims.client_epoch) == (7, 2)
    assert (claims.issued_at, claims.expires_at) == (1_700_000_000, 1_700_000_900)
    assert not token_format.is_opaque_id(claims.token_id)


def test_jwt_has_no_more_than_it_should() -> None:
    """RFC 9068 2.2 and our claims; nothing personal, no display name."""
    payload = json.loads(base64url.decode(a_jwt().split(".")[1]) or b"")
    assert list(payload) == (
        [
            "iss",
            "sub",
            "sub_kind",
            "aud",
            "exp",
            "iat",
            "jti",
            "client_id",
            "scope",
            "roles",
            "permissions",
            "epoch",
            "client_epoch",
        ]
    )


def test_jwt_says_what_narrows_it() -> None:
    """Session, grant, key, actor and words of OpenID Connect come back as they were minted."""
    grant = replace(
        GRANT,
        scopes=frozenset(),
        openid=frozenset({"openid", "email"}),
        session_id="sid_1",
        grant_id="grt_1",
        bound_to="x5t#S256:" + "a" * 43,
        actor="client:batch",
    )
    claims = verify(a_jwt(grant), ring_of(KEY), "https://gate", "shop", NOW)
    assert isinstance(claims, AccessClaims)
    assert (claims.scopes, claims.openid) == (frozenset(), grant.openid)
    assert (claims.session_id, claims.grant_id) == ("sid_1", "grt_1")
    assert (claims.bound_to, claims.actor) == (grant.bound_to, "client:batch")


@pytest.mark.parametrize(
    "cnf", [{}, {"jkt": "short"}, {"jwk": {}}, {"jkt": "a" * 43, "kid": "b"}, "jkt", None]
)
def test_a_binding_that_we_did_not_mint(cnf: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JWT whose `cnf` is not exactly one thumbprint proves nothing: it is never taken for an unbound one."""
    monkeypatch.setattr(mint, "_further", lambda grant: {"cnf": cnf})
    assert verify(a_jwt(), ring_of(KEY), "https://gate", "shop", NOW) == Invalid(InvalidBecause.MALFORMED)


def test_jwt_is_bounded() -> None:
    """Above 4 KiB nothing is issued, and the sentence says what to do; at 4 KiB it is."""
    many = frozenset(Permission("order", f"a{i}") for i in range(1000))
    with pytest.raises(TokenTooLargeError, match="1000 permissions"):
        a_jwt(replace(GRANT, permissions=many))
    sizes = [len(a_jwt(replace(GRANT, permissions=frozenset(list(many)[:n])))) for n in range(0, 200, 20)]
    assert max(sizes) <= 4096
    assert max(sizes) > 3000


@given(st.integers(0, 60).filter(lambda n: n != 48))
def test_random_bytes_are_counted(count: int) -> None:
    """A token is never made of too few random bytes."""
    with pytest.raises(ValueError, match="random bytes"):
        mint.mint_opaque(GRANT, now=NOW, lifetime_seconds=1, random=bytes(count))


def test_an_empty_scope_is_a_mistake() -> None:
    """No scope would be read as no right at all, never as all of them."""
    empty = replace(GRANT, scopes=frozenset())
    with pytest.raises(ValueError, match="scope"):
        a_jwt(empty)
    with pytest.raises(ValueError, match="scope"):
        mint.mint_opaque(empty, now=NOW, lifetime_seconds=1, random=bytes(48))


def test_identity_token_tells_what_the_headers_tell() -> None:
    """Roles and permissions as the scopes leave them, the name in any script, for one service, not beyond the token."""
    principal = Principal(
        subject=Subject.user("alice"),
        name="앨리스",
        roles=frozenset({"admin", "user"}),
        permissions=frozenset({READ}),
        scopes=frozenset({Permission("role", "admin"), Permission("product", "*")}),
        client_id="shop-app",
        token_id="tid_1",
    )
    bundles = {"admin": frozenset({Permission("product", "delete"), Permission("order", "read")})}

    def made(proven_until: float | None) -> IdentityClaims:
        token = mint.mint_identity_token(
            principal,
            bundles,
            KEY,
            issuer="https://gate",
            service="products",
            now=NOW,
            lifetime_seconds=60,
            proven_until=proven_until,
        )
        claims = verify_identity(token, ring_of(KEY), "https://gate", "products", NOW)
        assert isinstance(claims, IdentityClaims)
        return claims

    claims = made(None)
    assert (claims.name, claims.roles, claims.token_id) == ("앨리스", frozenset({"admin"}), "tid_1")
    assert claims.permissions == frozenset({READ, Permission("product", "delete")})
    assert claims.expires_at == 1_700_000_060
    assert made(NOW + 30).expires_at == 1_700_000_030
    assert made(NOW + 300).expires_at == 1_700_000_060
