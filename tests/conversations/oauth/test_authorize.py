"""The authorization code flow from a person's browser to a token, and on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.conversations.oauth.browser import Browser
from tests.conversations.oauth.code_flow import CodeClient, code_of, log_in
from tests.conversations.oauth.oauth_server import ISSUER, oauth_server


def test_a_client_of_ours(tmp_path: Path) -> None:
    """Login page, then the code at once: nobody is asked for consent; the token has what was asked for."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            client, browser = CodeClient(server, "own-web"), Browser(server)
            page = await browser.open(client.address())
            assert (page.status, page.path.partition("?")[0]) == (200, "/login")
            page = await log_in(page)
            assert page.left_to.startswith("https://shop.example/back?")
            assert page.told == {"code": page.told["code"], "state": client.state, "iss": ISSUER}
            given = await client.tokens(page.told["code"])
            assert (given["token_type"], given["scope"]) == ("Bearer", "product:read")
            told = await server.introspect(given["access_token"])
            assert (told["sub"], told["client_id"], told["scope"]) == ("alice", "own-web", "product:read")

    asyncio.run(story())


def test_consent_one_by_one(tmp_path: Path) -> None:
    """A pattern is asked about permission by permission; the token has what was granted; only new ones are asked next."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            client, browser = CodeClient(server), Browser(server)
            page = await log_in(await browser.open(client.address(scope="product:* order:read")))
            assert page.path.startswith("/oauth/consent?")
            assert page.form.boxes == {
                "grant:order:read": False,
                "grant:product:create": False,
                "grant:product:read": False,
            }
            assert all(words in page.text for words in ("The Shop", "See orders", "Add products"))
            page = await page.send(
                **{"decision": "allow", "grant:product:read": "yes", "grant:order:read": "yes"}
            )
            given = await client.tokens(page.told["code"])
            assert given["scope"] == "order:read product:read"

            again = CodeClient(server)
            page = await browser.open(again.address(scope="product:read order:read"))
            assert (await again.tokens(page.told["code"]))["scope"] == "order:read product:read"
            more = CodeClient(server)
            page = await browser.open(more.address(scope="product:read order:create"))
            assert set(page.form.boxes) == {"grant:order:create"}
            page = await page.send(**{"decision": "allow", "grant:order:create": "yes"})
            assert (await more.tokens(page.told["code"]))["scope"] == "order:create product:read"

    asyncio.run(story())


def test_single_sign_on(tmp_path: Path) -> None:
    """Logged in once, a browser gets codes for other clients without a page."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            browser = Browser(server)
            await code_of(browser, CodeClient(server, "own-web"))
            page = await browser.open(CodeClient(server, "web-server").address())
            assert page.told["code"]

    asyncio.run(story())
