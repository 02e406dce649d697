"""Clients that prove themselves with a key, at every endpoint of ours (RFC 7523, RFC 9449 5.2)."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from sumun.login.client_assertion import TYPE
from tests.conversations.oauth.oauth_server import ISSUER, Answer, OAuthServer, oauth_server
from tests.unit.tokens.proofs import key_for, new_key, proof, signed

TOKEN_URI = f"{ISSUER}/oauth/token"


def assertion(client: str = "robot", **claims: Any) -> dict[str, str]:
    """The form's two parameters."""
    now = int(time.time())
    made = {
        "iss": client,
        "sub": client,
        "aud": ISSUER,
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + 60,
    }
    text = signed({"alg": "ES256"}, json.dumps(made | claims), key_for("ES256"))
    return {"client_assertion_type": TYPE, "client_assertion": text}


async def ask(server: OAuthServer, form: dict[str, str], **headers: str) -> Answer:
    return await server.post("/oauth/token", {"grant_type": "client_credentials", **form}, headers=headers)


def test_a_token_for_a_key(tmp_path: Path) -> None:
    """An assertion gets what a secret gets, once, with `client_id` beside it or not."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = assertion()
            answer = await ask(server, form)
            assert answer.status == 200, answer
            again = await ask(server, form)
            assert (again.status, again.json["error"]) == (401, "invalid_client")
            assert (await ask(server, {**assertion(aud=TOKEN_URI), "client_id": "robot"})).status == 200
            token = answer.json["access_token"]
            assert (await server.introspect(token))["sub"] == "robot"
            assert (await server.post("/oauth/revoke", {"token": token, **assertion()})).status == 200
            assert (await server.introspect(token)) == {"active": False}

    asyncio.run(story())


def test_all_failures_sound_the_same(tmp_path: Path) -> None:
    """Unknown client, wrong key, wrong audience, a secret instead: one sentence, one status."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            forged = {
                **assertion(),
                "client_assertion": signed(
                    {"alg": "ES256"}, json.dumps({"iss": "robot", "sub": "robot"}), new_key()
                ),
            }
            heard = [
                await server.post("/oauth/token", {"grant_type": "client_credentials", **form}, source=source)
                for source, form in (
                    ("192.0.2.1", assertion("nobody")),
                    ("192.0.2.2", forged),
                    ("192.0.2.3", assertion(aud="https://other.example")),
                    ("192.0.2.4", {"client_id": "robot", "client_secret": "x"}),
                    ("192.0.2.5", {"client_id": "robot"}),
                    ("192.0.2.6", {"client_id": "nobody", "client_secret": "x"}),
                )
            ]
            assert {(one.status, one.body) for one in heard} == {(401, heard[0].body)}

    asyncio.run(story())


@pytest.mark.parametrize("client", ["basic-only", "post-only"])
def test_the_one_way(tmp_path: Path, client: str) -> None:
    """A client that is to prove itself in one way is refused in the other."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            basic = await server.post("/oauth/token", form, basic=(client, "one-way-secret"))
            post = await server.post(
                "/oauth/token", form | {"client_id": client, "client_secret": "one-way-secret"}
            )
            good, bad = (basic, post) if client == "basic-only" else (post, basic)
            assert (good.status, bad.status) == (200, 401)

    asyncio.run(story())


def test_a_client_that_is_always_bound(tmp_path: Path) -> None:
    """With `dpop: true` there is no token without a proof, and a nonce costs no assertion."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            without = await ask(server, assertion("bound-robot"))
            assert (without.status, without.json["error"]) == (400, "invalid_dpop_proof")
            form, host = assertion("bound-robot"), {"host": "gw.example.com"}
            first = await ask(server, form, dpop=proof("POST", TOKEN_URI), **host)
            assert first.json["error"] == "use_dpop_nonce"
            text = proof("POST", TOKEN_URI, nonce=first.headers["dpop-nonce"])
            answer = await ask(server, form, dpop=text, **host)
            assert (answer.status, answer.json["token_type"]) == (200, "DPoP"), answer

    asyncio.run(story())
