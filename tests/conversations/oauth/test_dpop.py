"""DPoP at our own endpoints (RFC 9449): asking for tokens, using them, and what others can do with them."""

from __future__ import annotations

import asyncio
import base64
import itertools
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conversations.oauth.browser import Browser
from tests.conversations.oauth.code_flow import CodeClient, code_of, log_in
from tests.conversations.oauth.oauth_server import (
    ISSUER,
    SECRETS,
    Answer,
    OAuthServer,
    asgi_call,
    oauth_server,
)
from tests.unit.tokens.proofs import jkt, key_for, new_key, proof

TOKEN_URI = f"{ISSUER}/oauth/token"
TICKET_URI = f"{ISSUER}/oauth/ws-ticket"
ALGORITHMS = "ES256 Ed25519 EdDSA PS256 RS256"
KEY = key_for("ES256")
HOST = {"host": "gw.example.com"}


async def ask(server: OAuthServer, text: str | None, **form: str) -> Answer:
    """The client `batch` asks for a token, with this proof."""
    headers = HOST if text is None else {**HOST, "dpop": text}
    return await server.post(
        "/oauth/token",
        {"grant_type": "client_credentials", **form},
        basic=("batch", SECRETS["batch"]),
        headers=headers,
    )


async def nonce_of(server: OAuthServer) -> str:
    """The nonce that a proof without one is answered with."""
    answer = await ask(server, proof("POST", TOKEN_URI))
    assert (answer.status, answer.json["error"]) == (400, "use_dpop_nonce"), answer
    return answer.headers["dpop-nonce"]


async def bound(server: OAuthServer, **form: str) -> str:
    """A token that is bound to KEY."""
    answer = await ask(server, proof("POST", TOKEN_URI, KEY, nonce=await nonce_of(server)), **form)
    assert (answer.status, answer.json["token_type"]) == (200, "DPoP"), answer
    return str(answer.json["access_token"])


async def ticket(server: OAuthServer, token: str, text: str | None, scheme: str = "DPoP") -> Answer:
    """Asks for a WebSocket ticket: a call with an access token to an endpoint of ours."""
    headers = {**HOST, "authorization": f"{scheme} {token}"} | ({} if text is None else {"dpop": text})
    return await server.call("POST", "/oauth/ws-ticket", headers)


def test_the_nonce_dance(tmp_path: Path) -> None:
    """A client without a nonce is told one, asks again, and gets a token for its key, and the nonce to go on with."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            nonce = await nonce_of(server)
            answer = await ask(server, proof("POST", TOKEN_URI, KEY, nonce=nonce))
            assert (answer.status, answer.json["token_type"], answer.headers["dpop-nonce"]) == (
                200,
                "DPoP",
                nonce,
            )
            told = await server.introspect(answer.json["access_token"])
            assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": jkt(KEY)})

    asyncio.run(story())


def test_without_a_proof_nothing_changes(tmp_path: Path) -> None:
    """A client that sends none gets a bearer token, as ever, and hears of no nonce."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await ask(server, None)
            assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
            assert "dpop-nonce" not in answer.headers
            assert "cnf" not in await server.introspect(answer.json["access_token"])

    asyncio.run(story())


def test_a_jwt_names_the_key(tmp_path: Path) -> None:
    """A JWT for who sent a proof carries `cnf` with the key's thumbprint (6.1), and is proven like any other."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.post(
                "/oauth/token",
                {"grant_type": "client_credentials"},
                basic=("reports", SECRETS["reports"]),
                headers={**HOST, "dpop": proof("POST", TOKEN_URI, KEY, nonce=await nonce_of(server))},
            )
            token = answer.json["access_token"]
            body = token.split(".")[1]
            assert f'"cnf":{{"jkt":"{jkt(KEY)}"}}' in base64.urlsafe_b64decode(body + "==").decode()
            assert (await server.introspect(token))["cnf"] == {"jkt": jkt(KEY)}
            nonce = answer.headers["dpop-nonce"]
            assert (
                await ticket(server, token, proof("POST", TICKET_URI, KEY, token=token, nonce=nonce))
            ).status == 200
            assert (await ticket(server, token, None, "Bearer")).status == 401

    asyncio.run(story())


@pytest.mark.parametrize(
    "changed",
    [
        {"htm": "GET"},
        {"htu": f"{ISSUER}/oauth/revoke"},
        {"htu": "https://evil.example/oauth/token"},
        {"header": {"typ": "JWT"}},
        {"key": new_key(), "header": {"jwk": KEY.as_dict(private=False)}},
    ],
    ids=map(str, itertools.count()),
)
def test_a_bad_proof_costs_no_token(tmp_path: Path, changed: dict[str, Any]) -> None:
    """400 `invalid_dpop_proof` with a word for the developer; no token of any kind."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            made = {"nonce": await nonce_of(server), **changed}
            answer = await ask(server, proof("POST", TOKEN_URI, **made))
            assert (answer.status, answer.json["error"]) == (400, "invalid_dpop_proof")
            assert "access_token" not in answer.json

    asyncio.run(story())


def test_a_proof_is_good_once(tmp_path: Path) -> None:
    """The same proof again is refused, for whomever it comes from."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            text = proof("POST", TOKEN_URI, KEY, nonce=await nonce_of(server))
            assert (await ask(server, text)).status == 200
            again = await ask(server, text)
            assert (again.status, again.json["error"]) == (400, "invalid_dpop_proof")

    asyncio.run(story())


def test_a_stranger_uses_no_proof_up(tmp_path: Path) -> None:
    """Who is not the client cannot spoil a proof that he saw: it is used up by the client only."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            text = proof("POST", TOKEN_URI, KEY, nonce=await nonce_of(server))
            form = {"grant_type": "client_credentials"}
            stranger = await server.post(
                "/oauth/token", form, basic=("batch", "no"), headers={**HOST, "dpop": text}
            )
            assert stranger.status == 401
            assert (await ask(server, text)).status == 200

    asyncio.run(story())


def test_two_proofs_are_refused(tmp_path: Path) -> None:
    """4.3 (1): not more than one DPoP field."""

    async def story() -> None:

        async with oauth_server(tmp_path) as server:
            nonce = await nonce_of(server)
            pair = base64.b64encode(f"batch:{SECRETS['batch']}".encode()).decode()
            headers = [
                ("host", "gw.example.com"),
                ("content-type", "application/x-www-form-urlencoded"),
                ("authorization", f"Basic {pair}"),
                ("dpop", proof("POST", TOKEN_URI, KEY, nonce=nonce)),
                ("dpop", proof("POST", TOKEN_URI, KEY, nonce=nonce)),
            ]
            body = (b"grant_type=client_credentials",)
            answer = await asgi_call(server.app, "POST", "/oauth/token", "", headers, body)
            assert (answer.status, answer.json["error"]) == (400, "invalid_dpop_proof")

    asyncio.run(story())


def test_a_stolen_token_is_worth_nothing(tmp_path: Path) -> None:
    """Without the key: not as Bearer, not without a proof, not with the thief's proof, not with a replayed one."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, nonce = await bound(server), await nonce_of(server)
            used = proof("POST", TICKET_URI, KEY, token=token, nonce=nonce)
            assert (await ticket(server, token, used)).status == 200
            thief = new_key()
            for text, scheme, error in (
                (None, "Bearer", "invalid_token"),
                (used, "Bearer", "invalid_token"),
                (None, "DPoP", "invalid_dpop_proof"),
                (used, "DPoP", "invalid_dpop_proof"),
                (proof("POST", TICKET_URI, thief, token=token, nonce=nonce), "DPoP", "invalid_token"),
                (
                    proof("POST", TICKET_URI, KEY, token="smn_at_other", nonce=nonce),
                    "DPoP",
                    "invalid_dpop_proof",
                ),
                (proof("POST", TICKET_URI, KEY, nonce=nonce), "DPoP", "invalid_dpop_proof"),
            ):
                answer = await ticket(server, token, text, scheme)
                assert (answer.status, answer.json["error"]) == (401, error), (scheme, text)

    asyncio.run(story())


def test_a_call_is_told_in_its_scheme(tmp_path: Path) -> None:
    """401 of a DPoP call: the scheme, the error, the algorithms; and the nonce when that is what is missing (7.1, 9)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = await bound(server)
            answer = await ticket(server, token, proof("POST", TICKET_URI, KEY, token=token))
            assert (answer.status, answer.json["error"]) == (401, "use_dpop_nonce")
            assert answer.headers["www-authenticate"] == (
                f'DPoP realm="sumun", error="use_dpop_nonce", algs="{ALGORITHMS}"'
            )
            nonce = answer.headers["dpop-nonce"]
            assert (
                await ticket(server, token, proof("POST", TICKET_URI, KEY, token=token, nonce=nonce))
            ).status == 200
            gone = await ticket(
                server, "smn_at_gone", proof("POST", TICKET_URI, KEY, token="smn_at_gone", nonce=nonce)
            )
            assert (
                gone.headers["www-authenticate"]
                == f'DPoP realm="sumun", error="invalid_token", algs="{ALGORITHMS}"'
            )

    asyncio.run(story())


def test_a_bearer_token_is_not_taken_as_dpop(tmp_path: Path) -> None:
    """A token that is bound to nothing is refused in the scheme DPoP, whatever the proof (7.1)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await ask(server, None)).json["access_token"]
            nonce = await nonce_of(server)
            text = proof("POST", TICKET_URI, KEY, token=token, nonce=nonce)
            assert (await ticket(server, token, text)).status == 401
            assert (await ticket(server, token, None, "Bearer")).status == 200

    asyncio.run(story())


def test_what_there_is_is_published(tmp_path: Path) -> None:
    """RFC 9449 5.1 and RFC 9728 2: the algorithms."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            for path in ("oauth-authorization-server", "openid-configuration", "oauth-protected-resource"):
                answer = await server.call("GET", f"/.well-known/{path}")
                assert answer.json["dpop_signing_alg_values_supported"] == ALGORITHMS.split()

    asyncio.run(story())


@pytest.mark.parametrize("way", ["dpop_jkt", "a proof at PAR"])
def test_a_code_is_for_a_key(tmp_path: Path, way: str) -> None:
    """A code that was asked for with a key is for a proof of that key alone (10, 10.1), and a nonce costs no code."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            client, browser, nonce = CodeClient(server), Browser(server), await nonce_of(server)
            for key, status in ((new_key(), 400), (None, 400), (KEY, 200)):
                if way == "dpop_jkt":
                    code = await code_of(browser, client, dpop_jkt=jkt(KEY))
                else:
                    pushed = await server.post(
                        "/oauth/par",
                        client.request(),
                        headers={**HOST, "dpop": proof("POST", f"{ISSUER}/oauth/par", KEY, nonce=nonce)},
                    )
                    assert pushed.status == 201, pushed
                    address = {"client_id": client.id, "request_uri": pushed.json["request_uri"]}
                    page = await browser.open(f"/oauth/authorize?{urlencode(address)}")
                    if not page.left_to:
                        page = await log_in(page) if 'name="password"' in page.text else page
                    if not page.left_to:
                        page = await page.send(decision="all")
                    code = page.told["code"]
                text = "" if key is None else proof("POST", TOKEN_URI, key, nonce=nonce)
                if status == 200:
                    unknowing = await client.redeem(code, proof("POST", TOKEN_URI, KEY))
                    assert unknowing.json["error"] == "use_dpop_nonce"
                answer = await client.redeem(code, text)
                assert answer.status == status, answer
                assert answer.json.get("error", "invalid_grant") == "invalid_grant"
                assert answer.json.get("token_type", "DPoP") == "DPoP"

    asyncio.run(story())


def test_two_keys_at_par_are_refused(tmp_path: Path) -> None:
    """`dpop_jkt` and the proof beside it name one key (10.1)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            text = proof("POST", f"{ISSUER}/oauth/par", KEY, nonce=await nonce_of(server))
            form = CodeClient(server).request(dpop_jkt=jkt(new_key()))
            answer = await server.post("/oauth/par", form, headers={**HOST, "dpop": text})
            assert (answer.status, answer.json["error"]) == (400, "invalid_request")

    asyncio.run(story())


def test_a_refresh_token_of_a_public_client_is_for_its_key(tmp_path: Path) -> None:
    """Who stole it cannot refresh: not without a proof, not with another key. Who has the key can (5)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            client, browser, nonce = CodeClient(server), Browser(server), await nonce_of(server)
            code = await code_of(browser, client)
            answer = await client.redeem(code, proof("POST", TOKEN_URI, KEY, nonce=nonce))
            token = answer.json["refresh_token"]
            form = {"grant_type": "refresh_token", "client_id": client.id, "refresh_token": token}
            for key in (None, new_key()):
                text = {} if key is None else {"dpop": proof("POST", TOKEN_URI, key, nonce=nonce)}
                stolen = await server.post("/oauth/token", form, headers={**HOST, **text})
                assert (stolen.status, stolen.json["error"]) == (400, "invalid_grant")
            text = {"dpop": proof("POST", TOKEN_URI, KEY, nonce=nonce)}
            again = await server.post("/oauth/token", form, headers={**HOST, **text})
            assert (again.status, again.json["token_type"]) == (200, "DPoP"), again
            assert (await server.introspect(again.json["access_token"]))["cnf"] == {"jkt": jkt(KEY)}

    asyncio.run(story())
