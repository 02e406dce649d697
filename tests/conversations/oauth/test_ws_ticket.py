"""One-time tickets for WebSocket handshakes: who gets one, and what it is worth."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sumun.access import Proven
from sumun.oauth.server import oauth_app
from sumun.tokens import format as token_format
from sumun.tokens.tickets import MOST_AT_ONCE
from tests.conversations.oauth.oauth_server import Answer, Down, OAuthServer, oauth_server


async def token_of(server: OAuthServer, kind: str) -> str:
    client = "shop-app" if kind == "opaque" else "jwt-app"
    return str((await server.password("alice", "alice-pass", client)).json["access_token"])


async def ask(server: OAuthServer, authorization: str | None, body: bytes = b"", query: str = "") -> Answer:
    headers = {} if authorization is None else {"authorization": authorization}
    return await server.call("POST", f"/oauth/ws-ticket{query}", headers, body)


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_a_ticket(tmp_path: Path, kind: str) -> None:
    """Who shows a token gets a ticket for half a minute, which stands for that token once, and for nothing else."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = await token_of(server, kind)
            answer = await ask(server, f"bearer {token}")
            assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
            assert set(answer.json) == {"ticket", "expires_in"}
            assert answer.json["expires_in"] == 30
            ticket = answer.json["ticket"]
            assert token_format.is_wellformed(ticket, "smn_wt_")
            assert (await server.introspect(ticket)) == {"active": False}
            assert (await ask(server, f"Bearer {ticket}")).status == 401
            handle = await server.tickets.redeem(ticket)
            assert handle is not None
            evidence = await server.parts.recogniser.recognise_again(handle, server.clock())
            assert isinstance(evidence, Proven)
            assert evidence.principal.token_id == (await server.introspect(token))["jti"]
            assert await server.tickets.redeem(ticket) is None

    asyncio.run(story())


def test_every_ticket_is_another(tmp_path: Path) -> None:
    """Tickets of one token differ, and neither is the token's own random bits."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = await token_of(server, "opaque")
            tickets = {(await ask(server, f"Bearer {token}")).json["ticket"] for _ in range(5)}
            assert len(tickets) == 5
            assert all(token[7:40] not in ticket for ticket in tickets)

    asyncio.run(story())


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_revoked_meanwhile(tmp_path: Path, kind: str) -> None:
    """A ticket whose token was revoked since proves nothing."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = await token_of(server, kind)
            ticket = (await ask(server, f"Bearer {token}")).json["ticket"]
            who = {"client_id": "shop-app" if kind == "opaque" else "jwt-app"}
            assert (await server.post("/oauth/revoke", {**who, "token": token})).status == 200
            handle = await server.tickets.redeem(ticket)
            assert handle is not None
            evidence = await server.parts.recogniser.recognise_again(handle, server.clock())
            assert not isinstance(evidence, Proven)
            assert (await ask(server, f"Bearer {token}")).json["error"] == "invalid_token"

    asyncio.run(story())


def test_it_does_not_outlive_its_token(tmp_path: Path) -> None:
    """A token that ends in 12 seconds gets a ticket for 12; one that ends now gets none."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = await token_of(server, "opaque")
            server.clock.seconds += 900 - 12.5
            answer = await ask(server, f"Bearer {token}")
            assert answer.json["expires_in"] == 12
            server.clock.seconds += 12.1
            assert (await ask(server, f"Bearer {token}")).status == 401
            assert await server.tickets.redeem(answer.json["ticket"]) is None

    asyncio.run(story())


@pytest.mark.parametrize(
    ("authorization", "error", "challenge"),
    [
        (None, "invalid_token", 'Bearer realm="sumun"'),
        ("Bearer smn_at_x", "invalid_token", 'Bearer realm="sumun", error="invalid_token"'),
        ("Bearer a.b.c", "invalid_token", 'Bearer realm="sumun", error="invalid_token"'),
        ("Basic YTpi", "invalid_request", None),
        ("Bearer a b", "invalid_request", None),
        ("Bearer", "invalid_request", None),
    ],
)
def test_refused(tmp_path: Path, authorization: str | None, error: str, challenge: str | None) -> None:
    """Without a good token there is no ticket, and the challenge is RFC 6750's."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await ask(server, authorization)
            assert answer.status == (400 if challenge is None else 401)
            assert answer.json["error"] == error
            assert answer.headers.get("www-authenticate") == challenge

    asyncio.run(story())


@pytest.mark.parametrize(("body", "query"), [(b"a=b", ""), (b"", "?a=b"), (b"", "?access_token=x")])
def test_nothing_else_is_read(tmp_path: Path, body: bytes, query: str) -> None:
    """A body or a query is refused: a token belongs in neither."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await ask(server, f"Bearer {await token_of(server, 'opaque')}", body, query)
            assert (answer.status, answer.json["error"]) == (400, "invalid_request")

    asyncio.run(story())


def test_too_many(tmp_path: Path) -> None:
    """One token gets so many tickets at a time; then 429, and others still get theirs."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token, other = await token_of(server, "opaque"), await token_of(server, "opaque")
            answers = [await ask(server, f"Bearer {token}") for _ in range(MOST_AT_ONCE + 1)]
            assert [answer.status for answer in answers] == [200] * MOST_AT_ONCE + [429]
            assert (answers[-1].json["error"], answers[-1].headers["retry-after"]) == ("slow_down", "30")
            assert (await ask(server, f"Bearer {other}")).status == 200

    asyncio.run(story())


def test_outage(tmp_path: Path) -> None:
    """A store that is away is 503, never 401."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = await token_of(server, "opaque")
            server.app = oauth_app(replace(server.parts, tickets=Down()))
            answer = await ask(server, f"Bearer {token}")
            assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")

    asyncio.run(story())
