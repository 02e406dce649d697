"""Resource indicators (RFC 8707): tokens that are for some services only."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from sumun.access import InvalidBecause, Proven, Refuse, Rule, decide
from sumun.identity import Credential, CredentialKind
from tests.conversations.oauth.oauth_server import AUDIENCE, ISSUER, Answer, OAuthServer
from tests.conversations.oauth.stories import Tell

SHOP, ORDERS = "https://shop.example", "https://orders.example"
PASSWORD = {"grant_type": "password", "username": "alice", "password": "alice-pass"}
KINDS = ["lasting-app", "lasting-jwt-app"]


async def token(server: OAuthServer, client: str, *resources: str, **form: str) -> Answer:
    """The token endpoint, with as many resources as wanted."""
    pairs = [*({"client_id": client} | (form or PASSWORD)).items(), *(("resource", one) for one in resources)]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await server.call("POST", "/oauth/token", headers, urlencode(pairs).encode())


async def opens(server: OAuthServer, access_token: str) -> set[str]:
    """At the routes of which services the gate takes it."""
    found = await server.parts.recogniser.recognise(
        Credential(CredentialKind.BEARER, access_token), server.clock()
    )
    assert isinstance(found, Proven)
    decisions = {
        name: decide(Rule("r", audience=audience), found, {})
        for name, audience in (("shop", SHOP), ("orders", ORDERS), ("plain", None))
    }
    for one in decisions.values():
        assert not isinstance(one, Refuse) or one.because is InvalidBecause.WRONG_AUDIENCE
    return {name for name, one in decisions.items() if not isinstance(one, Refuse)}


@pytest.mark.parametrize("client", KINDS)
def test_a_token_is_for_whom_it_was_asked_for(tell: Tell, client: str) -> None:
    """For one service, for two, or for all: the gate takes it there and nowhere else, and introspection says whom."""

    async def story(server: OAuthServer) -> None:
        for resources, where, told in (
            ((), {"shop", "orders", "plain"}, AUDIENCE),
            ((SHOP,), {"shop"}, [SHOP]),
            ((SHOP, ORDERS, SHOP), {"shop", "orders"}, [ORDERS, SHOP]),
            ((AUDIENCE,), {"shop", "orders", "plain"}, AUDIENCE),
            ((AUDIENCE, SHOP), {"shop", "orders", "plain"}, AUDIENCE),
            ((ISSUER,), {"shop", "orders", "plain"}, AUDIENCE),
            ((f"{ISSUER}/",), {"shop", "orders", "plain"}, AUDIENCE),
        ):
            answer = await token(server, client, *resources)
            assert answer.status == 200, answer
            assert await opens(server, answer.json["access_token"]) == where
            assert (await server.introspect(answer.json["access_token"]))["aud"] == told

    tell(story)


@pytest.mark.parametrize("client", KINDS)
def test_who_learns_of_a_token(tell: Tell, client: str) -> None:
    """A resource server is told of tokens that can be used at it, and that all others are not active (RFC 7662 4)."""

    async def story(server: OAuthServer) -> None:
        tokens = {
            resources: (await token(server, client, *resources)).json["access_token"]
            for resources in ((), (SHOP,), (ORDERS,), (SHOP, ORDERS))
        }
        for asks_for, told in (
            (frozenset({SHOP, ORDERS}), {(), (SHOP,), (ORDERS,), (SHOP, ORDERS)}),
            (frozenset({ORDERS}), {(), (ORDERS,), (SHOP, ORDERS)}),
            (frozenset(), {()}),
        ):
            server.known["orders"] = replace(server.known["orders"], audience=asks_for)
            heard = {resources: await server.introspect(text) for resources, text in tokens.items()}
            assert {resources for resources, answer in heard.items() if answer["active"]} == told
            assert all(answer == {"active": False} for key, answer in heard.items() if key not in told)

    tell(story)


@pytest.mark.parametrize(
    "resources",
    [
        ("https://other.example",),
        (SHOP, "https://other.example"),
        ("https://shop.example/",),
        ("HTTPS://SHOP.EXAMPLE",),
        ("shop",),
        (f"{SHOP} {ORDERS}#x",),
        tuple(f"https://{i}.example" for i in range(11)),
    ],
)
def test_a_service_that_there_is_not(tell: Tell, resources: tuple[str, ...]) -> None:
    """An unknown name, compared exactly, is `invalid_target`, and nothing is issued or used up for it."""

    async def story(server: OAuthServer) -> None:
        answer = await token(server, "lasting-app", *resources)
        assert (answer.status, answer.json["error"]) == (400, "invalid_target")
        refresh_token = (await token(server, "lasting-app")).json["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        assert (await token(server, "lasting-app", *resources, **form)).json["error"] == "invalid_target"
        server.clock.seconds += 60
        assert (await token(server, "lasting-app", **form)).status == 200

    tell(story)


@pytest.mark.parametrize("client", KINDS)
def test_what_was_granted_is_never_widened(tell: Tell, client: str) -> None:
    """A refresh may ask for fewer services, for that access token only, and never for others or for all."""

    async def story(server: OAuthServer) -> None:
        told = (await token(server, client, SHOP, ORDERS)).json
        form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
        assert (await token(server, client, AUDIENCE, **form)).json["error"] == "invalid_target"
        one = (await token(server, client, SHOP, **form)).json
        assert await opens(server, one["access_token"]) == {"shop"}
        form["refresh_token"] = one["refresh_token"]
        both = (await token(server, client, **form)).json
        assert await opens(server, both["access_token"]) == {"shop", "orders"}
        only = (await token(server, client, ORDERS)).json
        form["refresh_token"] = only["refresh_token"]
        assert (await token(server, client, SHOP, **form)).json["error"] == "invalid_target"

    tell(story)
