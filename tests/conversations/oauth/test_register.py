"""Clients that register themselves (RFC 7591), see what is registered, change it, and go (RFC 7592)."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlencode

import pytest

from sumun.access import TokenKind
from sumun.identity import Permission
from sumun.login.client_assertion import TYPE
from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.oauth.endpoints.register import RegistrationParts
from sumun.oauth.registration import Allowed
from sumun.oauth.server import oauth_app
from tests.conversations.oauth.browser import Browser
from tests.conversations.oauth.code_flow import CodeClient, code_of, log_in
from tests.conversations.oauth.oauth_server import ISSUER, Answer, OAuthServer, oauth_server
from tests.unit.tokens.proofs import key_for, signed

INITIAL = "the-initial-access-token"
ALLOWED = Allowed(
    scopes=frozenset({Permission("product", "read"), Permission("order", "*")}),
    grants=frozenset({"authorization_code", "refresh_token"}),
    login=("password",),
    token_kind=TokenKind.OPAQUE,
    token_lifetime_seconds=900,
    algorithm="ES256",
)
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
WEB: dict[str, Any] = {
    "redirect_uris": ["https://shop.example/back"],
    "client_name": "The Shop 가게",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid product:read",
}


@asynccontextmanager
async def server_that_registers(
    folder: Path, *, token: str | None = INITIAL, most: int = 100
) -> AsyncIterator[OAuthServer]:
    """An OAuth server whose configuration lets clients register."""
    async with oauth_server(Path(mkdtemp(dir=folder))) as server:
        throttle = MemoryLoginThrottle(Budgets(most, most, 10 * most, 3600), server.throttle_clock)
        sha256 = None if token is None else hashlib.sha256(token.encode()).digest()
        registration = RegistrationParts(ALLOWED, sha256, throttle)
        server.app = oauth_app(replace(server.parts, registration=registration))
        yield server


async def send(
    server: OAuthServer,
    method: str,
    path: str,
    body: object = None,
    token: str | None = INITIAL,
    **headers: str,
) -> Answer:
    """A JSON request, with a Bearer token."""
    sent = {"content-type": "application/json", **headers}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    pieces = () if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode(),)
    return await server.call(method, path, sent, *pieces)


async def registered(server: OAuthServer, **changed: Any) -> Any:
    """What a client is told that registered so."""
    answer = await send(server, "POST", "/oauth/register", WEB | changed)
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store"), answer
    return answer.json


def own_path(told: Mapping[str, Any]) -> str:
    uri = str(told["registration_client_uri"])
    assert uri == f"{ISSUER}/oauth/register/{told['client_id']}"
    return uri.removeprefix(ISSUER)


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_a_registered_client_works(tmp_path: Path, method: str) -> None:
    """It gets a code and tokens for a person who lets it, and nothing beyond what registration may give."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            told = await registered(server, token_endpoint_auth_method=method)
            assert ("client_secret" in told) is (method != "none")
            assert (told["client_name"], told["token_endpoint_auth_method"]) == ("The Shop 가게", method)
            client = CodeClient(server, told["client_id"])
            code = await code_of(Browser(server), client, scope="openid product:read")
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": client.verifier,
                "redirect_uri": client.redirect_uri,
            }
            if method == "client_secret_basic":
                answer = await server.post("/oauth/token", form, basic=(client.id, told["client_secret"]))
            else:
                form |= {"client_id": client.id}
                form |= {"client_secret": told["client_secret"]} if method == "client_secret_post" else {}
                answer = await server.post("/oauth/token", form)
            assert answer.status == 200, answer
            assert set(answer.json) >= {"access_token", "refresh_token", "id_token"}
            assert (await server.introspect(answer.json["access_token"]))["client_id"] == client.id

    asyncio.run(story())


def test_a_client_with_a_key(tmp_path: Path) -> None:
    """It registers its public key, proves itself with it, and may put another in its place."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            keys = {"keys": [key_for("ES256").as_dict(private=False)]}
            told = await registered(server, token_endpoint_auth_method="private_key_jwt", jwks=keys)
            assert "client_secret" not in told
            assert told["jwks"] == keys

            async def refreshes(alg: str) -> int:
                now, name = int(time.time()), told["client_id"]
                claims = {"iss": name, "sub": name, "aud": ISSUER, "jti": secrets.token_hex(8), "iat": now}
                text = signed({"alg": alg}, json.dumps(claims | {"exp": now + 60}), key_for(alg))
                form = {"client_assertion_type": TYPE, "client_assertion": text}
                answer = await server.post(
                    "/oauth/token", form | {"grant_type": "refresh_token", "refresh_token": "x"}
                )
                assert answer.json["error"] in ("invalid_grant", "invalid_client")
                return answer.status

            assert (await refreshes("ES256"), await refreshes("RS256")) == (400, 401)
            other = {"keys": [key_for("RS256").as_dict(private=False)]}
            asked = WEB | {
                "client_id": told["client_id"],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": other,
            }
            answer = await send(server, "PUT", own_path(told), asked, told["registration_access_token"])
            assert (answer.status, answer.json["jwks"]) == (200, other), answer
            assert (await refreshes("ES256"), await refreshes("RS256")) == (401, 400)

    asyncio.run(story())


def test_its_own_registration(tmp_path: Path) -> None:
    """It sees what is registered, puts other things there, and goes; then its tokens are worth nothing."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            told = await registered(server, token_endpoint_auth_method="none")
            path, token = own_path(told), told["registration_access_token"]
            seen = await send(server, "GET", path, token=token)
            assert (seen.status, seen.json) == (
                200,
                {name: value for name, value in told.items() if name != "client_id_issued_at"},
            )
            asked = WEB | {
                "client_id": told["client_id"],
                "token_endpoint_auth_method": "none",
                "client_name": "Another name",
                "redirect_uris": ["https://shop.example/back", "https://shop.example/other"],
            }
            changed = await send(server, "PUT", path, asked, token)
            assert (changed.status, changed.json["client_name"]) == (200, "Another name"), changed
            client = CodeClient(server, told["client_id"])
            code = await code_of(Browser(server), client)
            access = (await client.tokens(code))["access_token"]
            assert (await server.introspect(access))["active"] is True
            assert (await send(server, "DELETE", path, token=token)).status == 204
            assert await server.introspect(access) == {"active": False}
            assert (await send(server, "GET", path, token=token)).status == 401

    asyncio.run(story())


def test_nobody_elses_registration(tmp_path: Path) -> None:
    """Another client's token, a made-up one, none, a configured client, an unknown one: one answer."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            one, other = await registered(server), await registered(server)
            paths = (
                own_path(one),
                "/oauth/register/shop-app",
                "/oauth/register/dyn-nobody",
                "/oauth/register/a/b",
            )
            heard = set()
            for path in paths:
                for token in (other["registration_access_token"], INITIAL, "x"):
                    for method in ("GET", "DELETE"):
                        answer = await send(server, method, path, token=token)
                        heard.add((answer.status, answer.body))
            assert {status for status, _ in heard} == {401}
            assert len(heard) == 1
            assert (await send(server, "GET", paths[0], token=None)).status == 401
            assert (await send(server, "GET", paths[0], token=one["registration_access_token"])).status == 200

    asyncio.run(story())


@pytest.mark.parametrize("token", ["wrong", None])
def test_who_may_register(tmp_path: Path, token: str | None) -> None:
    """Only who has the initial access token, and guesses are counted; where it is open, anybody, so often."""

    async def story() -> None:
        async with server_that_registers(tmp_path, most=2) as server:
            assert (await send(server, "POST", "/oauth/register", WEB, token)).status == 401
        async with server_that_registers(tmp_path, token=None, most=2) as server:
            heard = [await send(server, "POST", "/oauth/register", WEB, token) for _ in range(3)]
            assert [one.status for one in heard] == [201, 201, 429]
            assert int(heard[2].headers["retry-after"]) > 0

    asyncio.run(story())


def test_changes_are_counted(tmp_path: Path) -> None:
    """A client changes its registration as often as one may register, and no more: every node hears of each change."""

    async def story() -> None:
        async with server_that_registers(tmp_path, most=3) as server:
            told = await registered(server)
            token = told["registration_access_token"]
            asked = WEB | {"client_id": told["client_id"]}
            heard = [
                (await send(server, "PUT", own_path(told), asked | {"client_name": name}, token)).status
                for name in "abc"
            ]
            assert heard == [200, 200, 429]
            assert (await send(server, "GET", own_path(told), token=token)).json["client_name"] == "b"
            assert (await send(server, "DELETE", own_path(told), token=token)).status == 204

    asyncio.run(story())


def test_no_open_redirect(tmp_path: Path) -> None:
    """Nobody who was not logged in is sent to an address that a stranger registered, by a link to our logout either; a
    client of the configuration is trusted, and so is the choice of who was logged in.
    """

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            bye = "https://evil.example/login"
            told = await registered(server, post_logout_redirect_uris=[bye])
            link = "/oauth/logout?" + urlencode(
                {"client_id": told["client_id"], "post_logout_redirect_uri": bye}
            )
            page = await Browser(server).open(link)
            assert (page.status, page.left_to) == (200, "")
            assert f'href="{bye}"' in page.text
            assert "The Shop" not in page.text
            ours = {"client_id": "leaving-web", "post_logout_redirect_uri": "https://shop.example/bye"}
            page = await Browser(server).open("/oauth/logout?" + urlencode(ours))
            assert page.left_to == "https://shop.example/bye"
            browser = (await log_in(await Browser(server).open("/account"))).browser
            question = await browser.open(link)
            assert "decision" in dict(question.form.buttons)
            assert (await question.send(decision="logout")).left_to == bye

    asyncio.run(story())


def test_where_it_leads(tmp_path: Path) -> None:
    """The consent page names the host that the person goes on to; of an application's own scheme only the scheme, for
    behind it stands whatever name a stranger likes.
    """

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            for uri, place in (
                ("https://shop.example/back", "shop.example"),
                ("com.evil.app://accounts.bank.example/back", "com.evil.app:"),
            ):
                told = await registered(
                    server, redirect_uris=[uri], token_endpoint_auth_method="none", scope="product:read"
                )
                client = CodeClient(server, told["client_id"], redirect_uri=uri)
                page = await log_in(await Browser(server).open(client.address(scope="product:read")))
                assert f"<strong>{place}</strong>" in page.text
                assert "bank" not in page.text

    asyncio.run(story())


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://shop.example/back"}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://shop.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://shop.example/back#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://shop.example/back"] * 21}, "invalid_redirect_uri"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit", "authorization_code"]}, "invalid_client_metadata"),
        ({"grant_types": ["refresh_token"], "redirect_uris": None}, "invalid_client_metadata"),
        ({"grant_types": []}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"scope": "product:delete"}, "invalid_client_metadata"),
        ({"scope": "*:*"}, "invalid_client_metadata"),
        ({"scope": ["product:read"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": []}, "invalid_client_metadata"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [key_for("ES256").as_dict(private=True)]},
            },
            "invalid_client_metadata",
        ),
        *(
            (
                {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY | odd]}},
                "invalid_client_metadata",
            )
            for odd in ({"kty": ["OKP"]}, {"crv": {}}, {"key_ops": 5}, {"key_ops": ["sign"]}, {"use": "enc"})
        ),
        ({"client_name": "x" * 81}, "invalid_client_metadata"),
        ({"client_name": "Bank\u202egro.live"}, "invalid_client_metadata"),
        ({"client_name": 5}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "yes"}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "http://127.0.0.1:8081/"}, "invalid_client_metadata"),
        ({"software_statement": "eyJ"}, "invalid_client_metadata"),
        ({"subject_type": "pairwise"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"post_logout_redirect_uris": ["http://shop.example/"]}, "invalid_client_metadata"),
    ],
    ids=map(str, itertools.count()),
)
def test_what_no_client_may_be(tmp_path: Path, changed: dict[str, Any], error: str) -> None:
    """400 in RFC 7591's words (3.2.2), and nothing is registered."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            asked = {name: value for name, value in (WEB | changed).items() if value is not None}
            answer = await send(server, "POST", "/oauth/register", asked)
            assert (answer.status, answer.json["error"]) == (400, error), answer
            assert server.directory.clients.list() == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"scope":"a:b","scope":"c:d"}', "application/json", 400),
        (b'{"default_max_age":1.5}', "application/json", 400),
        (b'{"redirect_uris":["https://a.example/"],"client_name":"\\ud800"}', "application/json", 400),
        (b"{" * 1000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}" + b" " * 65536, "application/json", 413),
    ],
)
def test_bodies_that_are_no_metadata(tmp_path: Path, body: bytes, kind: str, status: int) -> None:
    """One strict JSON object, of that type, and not too large."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            answer = await send(server, "POST", "/oauth/register", body, **{"content-type": kind})
            assert answer.status == status, answer

    asyncio.run(story())


def test_what_stays(tmp_path: Path) -> None:
    """A change neither chooses a secret nor another way to prove oneself, and says whom it is about."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            told = await registered(server)
            asked = WEB | {"client_id": told["client_id"]}
            for changed in (
                {"client_secret": "chosen"},
                {"client_id": "dyn-other"},
                {"token_endpoint_auth_method": "none"},
                {"registration_access_token": told["registration_access_token"]},
            ):
                answer = await send(
                    server, "PUT", own_path(told), asked | changed, told["registration_access_token"]
                )
                assert (answer.status, answer.json["error"]) == (400, "invalid_client_metadata"), changed
            same = asked | {"client_secret": told["client_secret"]}
            assert (
                await send(server, "PUT", own_path(told), same, told["registration_access_token"])
            ).status == 200

    asyncio.run(story())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_who_does_not_say_how(tmp_path: Path, method: str) -> None:
    """A client that does not say how it proves itself is told the usual way, and its secret may come in either."""

    async def story() -> None:
        async with server_that_registers(tmp_path) as server:
            told = await registered(server)
            assert told["token_endpoint_auth_method"] == "client_secret_basic"
            same = WEB | {
                name: told[name] for name in ("client_id", "client_secret", "token_endpoint_auth_method")
            }
            kept = await send(server, "PUT", own_path(told), same, told["registration_access_token"])
            assert kept.status == 200, kept
            form, pair = (
                {"grant_type": "refresh_token", "refresh_token": "x"},
                (told["client_id"], told["client_secret"]),
            )
            if method == "client_secret_basic":
                answer = await server.post("/oauth/token", form, basic=pair)
            else:
                answer = await server.post(
                    "/oauth/token", form | {"client_id": pair[0], "client_secret": pair[1]}
                )
            assert answer.json["error"] == "invalid_grant"  # not invalid_client

    asyncio.run(story())


def test_it_is_off(tmp_path: Path) -> None:
    """Without a word in the configuration there is no such path and no such member; with it both are there."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            assert (await send(server, "POST", "/oauth/register", WEB)).status == 404
            document = await server.call("GET", "/.well-known/oauth-authorization-server")
            assert "registration_endpoint" not in document.json
        async with server_that_registers(tmp_path) as server:
            document = await server.call("GET", "/.well-known/oauth-authorization-server")
            assert document.json["registration_endpoint"] == f"{ISSUER}/oauth/register"
            assert (await send(server, "GET", "/oauth/register")).status == 405
            told = await registered(server)
            assert (await send(server, "POST", own_path(told), WEB)).status == 405

    asyncio.run(story())
