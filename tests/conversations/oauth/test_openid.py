"""OpenID Connect: who is it?"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sumun.access import Invalid
from sumun.identity import Credential, CredentialKind, Subject
from tests.conversations.oauth.oauth_server import ISSUER, SECRETS, Answer, OAuthServer, oauth_server


async def logged_in(server: OAuthServer, scope: str, client: str = "shop-app") -> dict[str, str]:
    answer = await server.password("alice", "alice-pass", client, scope=scope)
    assert answer.status == 200, answer.body
    return answer.json


async def who(server: OAuthServer, token: str, method: str = "GET") -> Answer:
    return await server.call(method, "/oauth/userinfo", {"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("client", ["shop-app", "jwt-app"])
def test_an_id_token(tmp_path: Path, client: str) -> None:
    """A client that asks for `openid` is told who logged in, in a token that any library verifies with our published keys."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            told = await logged_in(server, "openid product:read", client)
            assert told["scope"] == "openid product:read"
            keys = KeySet.import_key_set((await server.call("GET", "/.well-known/jwks.json")).json)
            token = jwt.decode(told["id_token"], keys, algorithms=["ES256"])
            assert token.header["typ"] == "JWT"
            half = hashlib.sha256(told["access_token"].encode()).digest()[:16]
            now = int(server.clock())
            assert token.claims == {
                "iss": ISSUER,
                "sub": "alice",
                "aud": client,
                "iat": now,
                "exp": now + 300,
                "auth_time": now,
                "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
                "amr": ["pwd"],
                "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            }

    asyncio.run(story())


def test_nobody_asked(tmp_path: Path) -> None:
    """Without `openid` there is no ID token, and the token's scope says nothing of it."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            told = await logged_in(server, "product:read")
            assert "id_token" not in told
            answer = await who(server, told["access_token"])
            assert (answer.status, answer.json["error"]) == (403, "insufficient_scope")
            assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]

    asyncio.run(story())


def test_an_id_token_is_no_credential(tmp_path: Path) -> None:
    """An ID token opens nothing: not at the gate, not at the userinfo endpoint, and nobody introspects it."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await logged_in(server, "openid"))["id_token"]
            recognise = server.parts.recogniser.recognise
            evidence = await recognise(Credential(CredentialKind.BEARER, token), server.clock())
            assert isinstance(evidence, Invalid)
            assert (await who(server, token)).status == 401
            assert await server.introspect(token) == {"active": False}

    asyncio.run(story())


@pytest.mark.parametrize("client", ["shop-app", "jwt-app"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo(tmp_path: Path, client: str, method: str) -> None:
    """Who holds a token with `openid` hears whose it is, and with `profile` the names as they are now."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            bare = (await logged_in(server, "openid", client))["access_token"]
            assert (await who(server, bare, method)).json == {"sub": "alice"}
            token = (await logged_in(server, "openid profile", client))["access_token"]
            await server.changes.rename_user("alice", "앨리스", actor="cli:root")
            answer = await who(server, token, method)
            assert answer.json == {"sub": "alice", "name": "앨리스", "preferred_username": "alice"}
            assert answer.headers["cache-control"] == "no-store"
            assert (await server.introspect(token))["scope"] == "openid profile"

    asyncio.run(story())


def test_words_give_no_rights(tmp_path: Path) -> None:
    """A token with words of OpenID Connect alone carries no permission and no role."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await logged_in(server, "openid email offline_access"))["access_token"]
            told = await server.introspect(token)
            assert (told["roles"], told["permissions"]) == ([], [])

    asyncio.run(story())


@pytest.mark.parametrize("client", ["shop-app", "jwt-app"])
def test_userinfo_of_an_ended_token(tmp_path: Path, client: str) -> None:
    """A token that was ended, is over, or is a program's, tells nothing; no token is a 401 without an error code."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await logged_in(server, "openid", client))["access_token"]
            await server.changes.end_logins(Subject.user("alice"), actor="cli:root")
            answer = await who(server, token)
            assert (answer.status, answer.json["error"]) == (401, "invalid_token")
            token = (await logged_in(server, "openid", client))["access_token"]
            server.clock.seconds += 1000
            assert (await who(server, token)).status == 401
            answer = await server.call("GET", "/oauth/userinfo")
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="sumun"'
            form = {"grant_type": "client_credentials"}
            program = await server.post("/oauth/token", form, basic=("batch", SECRETS["batch"]))
            assert (await who(server, program.json["access_token"])).status == 403

    asyncio.run(story())


def test_the_documents(tmp_path: Path) -> None:
    """What is published for OpenID Connect and for OAuth is one document, and points at what is there."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            told = (await server.call("GET", "/.well-known/openid-configuration")).json
            assert told == (await server.call("GET", "/.well-known/oauth-authorization-server")).json
            assert told["issuer"] == ISSUER
            path = told["userinfo_endpoint"].removeprefix(ISSUER)
            assert (await server.call("GET", path)).status == 401
            resource = (await server.call("GET", "/.well-known/oauth-protected-resource")).json
            assert resource["authorization_servers"] == [ISSUER]

    asyncio.run(story())
