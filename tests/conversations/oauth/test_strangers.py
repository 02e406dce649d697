"""Whoever is not known fills no store: what waits for a person is counted by address and in all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.oauth.server import oauth_app
from sumun.oauth.strangers import WAITS_SECONDS, Strangers
from tests.conversations.oauth.browser import HOST
from tests.conversations.oauth.code_flow import CodeClient
from tests.conversations.oauth.oauth_server import Answer, OAuthServer, oauth_server

FEW = 3
FORM = {"content-type": "application/x-www-form-urlencoded", "host": HOST}


async def begun(server: OAuthServer, way: str, source: str) -> Answer:
    """One more thing waits."""
    request = CodeClient(server).request()
    form = urlencode(request).encode()
    match way:
        case "login":
            return await server.call("GET", "/account", {"host": HOST}, source=source)
        case "host":
            return await server.call(
                "GET", f"/login/start?return=/{'a' * 3000}", {"host": HOST}, source=source
            )
        case "link":
            return await server.call(
                "GET", f"/oauth/authorize?{urlencode(request)}", {"host": HOST}, source=source
            )
        case "form":
            return await server.call("POST", "/oauth/authorize", FORM, form, source=source)
        case "pushed":
            return await server.call("POST", "/oauth/par", FORM, form, source=source)
        case _:
            return await server.call(
                "POST", "/oauth/device_authorization", FORM, b"client_id=tv&scope=product:read", source=source
            )


@pytest.mark.parametrize("way", ["login", "host", "link", "form", "pushed", "device"])
def test_one_address(tmp_path: Path, way: str) -> None:
    """From one address so much waits and no more, by whatever door it comes; then 429, until there is room again, and
    another address is not concerned. An IPv6 network of 64 bits is one address.
    """

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            budgets = Budgets(FEW, FEW, 100, WAITS_SECONDS)
            strangers = Strangers(MemoryLoginThrottle(budgets, server.throttle_clock))
            server.app = oauth_app(replace(server.parts, strangers=strangers))
            for n in range(FEW):
                assert (await begun(server, way, f"2001:db8::{n}")).status in (200, 201, 303)
            refused = await begun(server, way, "2001:db8::ffff")
            assert refused.status == 429
            assert (await begun(server, way, "2001:db8:0:1::1")).status in (200, 201, 303)
            server.throttle_clock.seconds += int(refused.headers["retry-after"])
            assert (await begun(server, way, "2001:db8::1")).status in (200, 201, 303)

    asyncio.run(story())


def test_all_addresses(tmp_path: Path) -> None:
    """However many addresses send, so much waits in all. Clients that are known and prove it are not concerned."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            strangers = Strangers(
                MemoryLoginThrottle(Budgets(FEW, FEW, FEW, WAITS_SECONDS), server.throttle_clock)
            )
            server.app = oauth_app(replace(server.parts, strangers=strangers))
            heard = [(await begun(server, "login", f"192.0.2.{n}")).status for n in range(FEW + 1)]
            assert heard == [303] * FEW + [429]
            assert (await begun(server, "pushed", "192.0.2.1")).status == 429
            proved = CodeClient(server, "web-server").request() | {"client_secret": "web-server-secret"}
            answer = await server.call("POST", "/oauth/par", FORM, urlencode(proved).encode())
            assert answer.status == 201, answer.body

    asyncio.run(story())
