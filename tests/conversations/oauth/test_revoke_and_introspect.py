"""Giving tokens back (RFC 7009), and asking what one is (RFC 7662)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sumun.changes import Applied
from sumun.identity import Subject
from sumun.oauth.server import oauth_app
from sumun.tokens import format as token_format
from sumun.tokens import jws
from sumun.tokens.signing_keys import SigningKey
from tests.conversations.oauth.oauth_server import AUDIENCE, ISSUER, SECRETS, Down, OAuthServer, oauth_server


async def token_of(server: OAuthServer, kind: str) -> tuple[str, dict[str, str]]:
    """A token of this kind, and what its client sends to say who it is."""
    client = "shop-app" if kind == "opaque" else "jwt-app"
    return (await server.password("alice", "alice-pass", client)).json["access_token"], {"client_id": client}


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_revoked(tmp_path: Path, kind: str) -> None:
    """A token given back is dead when the answer comes, of either kind; giving it back again is no error."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, kind)
            other = (await token_of(server, kind))[0]
            assert (await server.introspect(token))["active"] is True
            for _ in range(2):
                answer = await server.post("/oauth/revoke", {**who, "token": token})
                assert (answer.status, answer.body) == (200, b"{}")
                assert answer.headers["cache-control"] == "no-store"
                assert await server.introspect(token) == {"active": False}
            assert (await server.introspect(other))["active"] is True

    asyncio.run(story())


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
def test_hints_do_not_matter(tmp_path: Path, hint: str) -> None:
    """A token is found whatever its hint says (RFC 7009 2.1)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, "opaque")
            answer = await server.post("/oauth/revoke", {**who, "token": token, "token_type_hint": hint})
            assert answer.status == 200
            assert await server.introspect(token) == {"active": False}

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_only_ones_own(tmp_path: Path, kind: str) -> None:
    """A client cannot revoke another's token, and is told so; a confidential client must prove who it is."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, _ = await token_of(server, kind)
            by_other = await server.post("/oauth/revoke", {"client_id": "other-app", "token": token})
            assert (by_other.status, by_other.json["error"]) == (400, "invalid_grant")
            unproven = await server.post("/oauth/revoke", {"client_id": "batch", "token": token})
            assert (unproven.status, unproven.json["error"]) == (401, "invalid_client")
            assert (await server.introspect(token))["active"] is True

    asyncio.run(story())


def test_unknown_tokens_are_no_error(tmp_path: Path) -> None:
    """A token that nobody issued, or that is over, answers 200 (RFC 7009 2.2); no token at all does not."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            expired, who = await token_of(server, "jwt")
            of_another = (await token_of(server, "opaque"))[0]
            server.clock.seconds += 901
            for token in ("x", token_format.new(), "a.b.c", expired, expired[:-4] + "AAAA", of_another):
                assert (await server.post("/oauth/revoke", {**who, "token": token})).status == 200
            none = await server.post("/oauth/revoke", who)
            assert (none.status, none.json["error"]) == (400, "invalid_request")

    asyncio.run(story())


def test_tokens_of_a_disabled_person_can_be_revoked(tmp_path: Path) -> None:
    """That nobody is let in with it any more does not keep a token from being revoked for good."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, "opaque")
            await server.changes.disable_user("alice", actor="cli:root")
            assert (await server.post("/oauth/revoke", {**who, "token": token})).status == 200
            assert await server.store.get_many([token_format.digest(token)]) == [None]

    asyncio.run(story())


def test_revocation_that_is_not_confirmed(tmp_path: Path) -> None:
    """While a process has not confirmed, the answer is 503 and not 200, when the client asks again as well."""

    class Slow:
        async def settled(self) -> Applied:
            return Applied(None, frozenset({"n/answer-1"}))

        async def revoke_token(self, digest: bytes, *, actor: str) -> Applied:
            return Applied(7, frozenset({"n/answer-1"}))

        async def revoke_claims_token(self, jti: str, expires_at_ms: int, *, actor: str) -> Applied:
            return Applied(7, frozenset({"n/answer-1"}))

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, "opaque")
            server.app = oauth_app(replace(server.parts, changes=Slow()))
            for presented in (token, token_format.new()):
                answer = await server.post("/oauth/revoke", {**who, "token": presented})
                assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")

    asyncio.run(story())


@pytest.mark.parametrize("part", ["store", "changes"])
def test_revocation_in_an_outage(tmp_path: Path, part: str) -> None:
    """A revocation that could not be made is 503 with Retry-After (RFC 7009 2.2.1), never 200."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, "opaque")
            server.app = oauth_app(replace(server.parts, **{part: Down()}))
            answer = await server.post("/oauth/revoke", {**who, "token": token})
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"

    asyncio.run(story())


def test_revoking_a_jwt_without_knowing_the_keys(tmp_path: Path) -> None:
    """A process that does not know the keys for certain does not take our JWT for someone else's."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, "jwt")
            server.memory.forget()
            assert (await server.post("/oauth/revoke", {**who, "token": token})).status == 503

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_introspection_of_a_persons_token(tmp_path: Path, kind: str) -> None:
    """A resource server is told every member of RFC 7662 2.2 that we know, and what services are told in headers."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, who = await token_of(server, kind)
            seconds = int(server.clock())
            told = await server.introspect(token)
            assert told.pop("jti").startswith("tid_" if kind == "opaque" else "jti_")
            assert told == {
                "active": True,
                "token_type": "Bearer",
                "scope": "*:*",
                "client_id": who["client_id"],
                "username": "alice",
                "sub": "alice",
                "sub_kind": "user",
                "iss": ISSUER,
                "aud": AUDIENCE,
                "iat": seconds,
                "exp": seconds + (900 if kind == "opaque" else 600),
                "roles": ["admin"],
                "permissions": ["product:*"],
            }

    asyncio.run(story())


def test_introspection_cut_down_by_scopes(tmp_path: Path) -> None:
    """Roles and permissions are told as the scopes leave them."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await server.password("alice", "alice-pass", scope="product:read")).json["access_token"]
            told = await server.introspect(token)
            assert (told["scope"], told["roles"], told["permissions"]) == (
                "product:read",
                [],
                ["product:read"],
            )

    asyncio.run(story())


def forged(server: OAuthServer, **changes: Any) -> str:
    """A JWT with our key and other claims, or another type."""
    key = server.memory.keys.active("ES256")
    now = int(server.clock())
    typ = changes.pop("typ", "at+jwt")
    claims = {
        "iss": ISSUER,
        "sub": "alice",
        "sub_kind": "user",
        "aud": AUDIENCE,
        "exp": now + 60,
        "iat": now,
        "jti": "jti_x",
        "client_id": "jwt-app",
        "scope": "*:*",
        "roles": [],
        "permissions": [],
        "epoch": 0,
        "client_epoch": 0,
        **changes,
    }
    return jws.sign(claims, changes.pop("key", key), typ)


def test_inactive(tmp_path: Path) -> None:
    """Whatever is not a good access token of ours is inactive, with no word of why."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            assert (await server.introspect(forged(server)))["active"] is True
            bad = {
                "junk": "x",
                "unknown": token_format.new(),
                "another issuer": forged(server, iss="https://elsewhere.example"),
                "another audience": forged(server, aud="https://elsewhere.example"),
                "an identity token": forged(server, typ="identity+jwt"),
                "over": forged(server, exp=int(server.clock())),
                "an unknown client": forged(server, client_id="nobody"),
                "another key": jws.sign({"iss": ISSUER}, SigningKey.generate("ES256"), "at+jwt"),
            }
            for why, token in bad.items():
                assert await server.introspect(token) == {"active": False}, why

    asyncio.run(story())


def test_expired(tmp_path: Path) -> None:
    """A token is inactive on the second of its expiry."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tokens = [(await token_of(server, kind))[0] for kind in ("opaque", "jwt")]
            expiries = [(await server.introspect(token))["exp"] for token in tokens]
            for token, expiry in zip(reversed(tokens), reversed(expiries), strict=True):
                server.clock.seconds = expiry - 0.5
                assert (await server.introspect(token))["active"] is True
                server.clock.seconds = float(expiry) + 0.999
                assert await server.introspect(token) == {"active": False}

    asyncio.run(story())


def test_who_may_introspect(tmp_path: Path) -> None:
    """Only a resource server that proved itself: others are refused, and learn nothing of the token."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, _ = await token_of(server, "opaque")
            path, form = "/oauth/introspect", {"token": token}
            seen = {
                "public": await server.post(path, {**form, "client_id": "shop-app"}),
                "confidential": await server.post(path, form, basic=("batch", SECRETS["batch"])),
                "unproven": await server.post(path, {**form, "client_id": "orders"}),
                "wrong": await server.post(path, form, basic=("orders", "x")),
                "nobody": await server.post(path, form),
                "bearer": await server.post(path, form, headers={"authorization": f"Bearer {token}"}),
            }
            assert {who: (a.status, a.json["error"]) for who, a in seen.items()} == {
                "public": (403, "unauthorized_client"),
                "confidential": (403, "unauthorized_client"),
                "unproven": (401, "invalid_client"),
                "wrong": (401, "invalid_client"),
                "nobody": (401, "invalid_client"),
                "bearer": (401, "invalid_client"),
            }
            none = await server.post(path, {}, basic=("orders", SECRETS["orders"]))
            assert (none.status, none.json["error"]) == (400, "invalid_request")

    asyncio.run(story())


def test_introspection_in_an_outage(tmp_path: Path) -> None:
    """A process that may have missed a revocation says 503, neither active nor inactive."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, _ = await token_of(server, "opaque")
            server.memory.forget()
            answer = await server.post(
                "/oauth/introspect", {"token": token}, basic=("orders", SECRETS["orders"])
            )
            assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")

    asyncio.run(story())


def test_logged_out_everywhere(tmp_path: Path) -> None:
    """Ending every login of a person ends the tokens of either kind, and of a configured client too."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tokens = [(await token_of(server, kind))[0] for kind in ("opaque", "jwt")]
            await server.changes.end_logins(Subject.user("alice"), actor="cli:root")
            for token in tokens:
                assert await server.introspect(token) == {"active": False}
            form, basic = {"grant_type": "client_credentials"}, ("reports", SECRETS["reports"])
            before = (await server.post("/oauth/token", form, basic=basic)).json["access_token"]
            await server.changes.end_logins(Subject.client("reports"), actor="cli:root")
            after = (await server.post("/oauth/token", form, basic=basic)).json["access_token"]
            assert await server.introspect(before) == {"active": False}
            assert (await server.introspect(after))["active"] is True

    asyncio.run(story())
