"""Attacks on codes (RFC 9700 4.5, RFC 6749 10.5): each ends in invalid_grant, and a stolen code takes down what it gave."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from tests.conversations.oauth.browser import Browser
from tests.conversations.oauth.code_flow import CodeClient, code_of
from tests.conversations.oauth.oauth_server import OAuthServer
from tests.conversations.oauth.stories import tell


@pytest.mark.parametrize("client_id", ["own-web", "jwt-web", "web"])
def test_code_replay(tmp_path: Path, client_id: str) -> None:
    """A code that comes a second time is refused, and the token that it gave is refused from then on."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, client_id)
        code = await code_of(Browser(server), client)
        token = (await client.tokens(code))["access_token"]
        assert (await server.introspect(token))["active"]
        again = await client.redeem(code)
        assert (again.status, again.json["error"]) == (400, "invalid_grant")
        assert not (await server.introspect(token))["active"]

    tell(tmp_path, story)


def test_code_race(tmp_path: Path) -> None:
    """Of twenty who redeem one code at once, at most one gets a token, and it does not outlive the others' attempts."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        code = await code_of(Browser(server), client)
        answers = await asyncio.gather(*(client.redeem(code) for _ in range(20)))
        given = [answer.json["access_token"] for answer in answers if answer.status == 200]
        assert len(given) <= 1
        assert all(answer.json["error"] == "invalid_grant" for answer in answers if answer.status != 200)
        assert [(await server.introspect(token))["active"] for token in given] in ([], [False])

    tell(tmp_path, story)


def test_code_injection(tmp_path: Path) -> None:
    """A code that was stolen and put into another browser's flow fits no verifier there; it is used up by the attempt."""

    async def story(server: OAuthServer) -> None:
        victim, attacker = CodeClient(server, "own-web"), CodeClient(server, "own-web")
        code = await code_of(Browser(server), victim)
        assert (await attacker.redeem(code)).json["error"] == "invalid_grant"
        assert (await victim.redeem(code)).json["error"] == "invalid_grant"

    tell(tmp_path, story)


def test_code_of_another_client(tmp_path: Path) -> None:
    """Another client cannot redeem a code, nor use it up."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        code = await code_of(Browser(server), client)
        other = CodeClient(server, "web", verifier=client.verifier)
        assert (await other.redeem(code)).json["error"] == "invalid_grant"
        assert (await client.redeem(code)).status == 200

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": "short"},
        {"redirect_uri": "https://shop.example/back/"},
        {"redirect_uri": "https://other.example/back"},
    ],
)
def test_code_with_something_wrong(tmp_path: Path, change: dict[str, str]) -> None:
    """A wrong verifier or address is invalid_grant."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        answer = await client.redeem(await code_of(Browser(server), client), **change)
        assert (answer.status, answer.json["error"]) == (400, "invalid_grant")

    tell(tmp_path, story)


@pytest.mark.parametrize("missing", ["code", "code_verifier"])
def test_code_with_something_missing(tmp_path: Path, missing: str) -> None:
    """PKCE downgrade: without a verifier nothing is looked at, and the code stays good for who has it."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        code = await code_of(Browser(server), client)
        answer = await client.redeem(code, **{missing: ""})
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")
        assert (await client.redeem(code, redirect_uri="")).status == 200

    tell(tmp_path, story)


def test_code_that_nobody_gave(tmp_path: Path) -> None:
    """Guesses are refused, well-formed or not."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        for guess in ("x", "smn_ac_" + "0" * 49, secrets.token_urlsafe(32)):
            assert (await client.redeem(guess)).json["error"] == "invalid_grant"

    tell(tmp_path, story)


def test_code_is_over(tmp_path: Path) -> None:
    """A code is good for a minute."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        code = await code_of(Browser(server), client)
        server.clock.seconds += 61
        assert (await client.redeem(code)).json["error"] == "invalid_grant"

    tell(tmp_path, story)


@pytest.mark.parametrize("event", ["disabled", "password", "logged out", "narrowed"])
def test_what_a_code_was_given_for_is_gone(tmp_path: Path, event: str) -> None:
    """Between code and token the person was disabled, changed the password, or logged out; or the client has less."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        code = await code_of(browser, client)
        if event == "disabled":
            await server.changes.disable_user("alice", actor="cli:root")
        elif event == "password":
            await server.changes.set_password("alice", server.hasher.hash("new"), actor="cli:root")
        elif event == "logged out":
            await server.parts.sessions.end_of_user("alice", actor="user:alice")
        else:
            server.narrow("own-web", "order:read")
        assert (await client.redeem(code)).json["error"] == "invalid_grant"

    tell(tmp_path, story)
