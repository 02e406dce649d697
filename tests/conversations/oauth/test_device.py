"""The device flow (RFC 8628): a device shows a code, a person types it in a browser and decides."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sumun.config.plan import DEVICE_CODE
from sumun.oauth.csrf import COOKIE, FormKey
from sumun.oauth.device.requests import INTERVAL_SECONDS, LIFETIME_SECONDS
from sumun.oauth.server import oauth_app
from sumun.sessions.cookie import SESSION
from tests.conversations.oauth.browser import Browser, Page
from tests.conversations.oauth.code_flow import log_in
from tests.conversations.oauth.oauth_server import ISSUER, RESOURCES, Down, OAuthServer, oauth_server

PAGE = "/oauth/device"


@dataclass
class Device:
    """What the device was told; it asks as `tv`."""

    server: OAuthServer
    told: dict[str, Any]

    @property
    def link(self) -> str:
        """Where `verification_uri_complete` leads."""
        return self.told["verification_uri_complete"].removeprefix(ISSUER)

    async def ask(self, client: str = "tv") -> tuple[int, dict[str, Any]]:
        """One question at the token endpoint."""
        form = {"grant_type": DEVICE_CODE, "device_code": self.told["device_code"], "client_id": client}
        answer = await self.server.post("/oauth/token", form)
        return answer.status, answer.json

    async def error(self) -> str:
        """The same, refused, after the interval."""
        self.server.clock.seconds += INTERVAL_SECONDS
        status, told = await self.ask()
        assert status == 400, told
        return told["error"]


async def device(server: OAuthServer, scope: str = "product:read order:read") -> Device:
    """A television that shows its code."""
    answer = await server.post("/oauth/device_authorization", {"client_id": "tv", "scope": scope})
    assert answer.status == 200, answer.body
    return Device(server, answer.json)


async def question(server: OAuthServer, tv: Device, name: str = "alice") -> Page:
    """What a person sees who opened the link and logged in."""
    return await log_in(await Browser(server).open(tv.link), name)


def test_from_beginning_to_end(tmp_path: Path) -> None:
    """The device waits while a person logs in, reads the code again, and allows one of two permissions; it gets just that."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            assert tv.told["verification_uri"] == f"{ISSUER}{PAGE}"
            assert (tv.told["expires_in"], tv.told["interval"]) == (600, 5)
            assert await tv.error() == "authorization_pending"
            page = await question(server, tv)
            assert tv.told["user_code"] in page.text
            assert "TV" in page.text
            assert page.form.boxes == {"grant:product:read": False, "grant:order:read": False}
            done = await page.send(decision="allow", **{"grant:order:read": "yes"})
            assert done.status == 200
            assert "__Host-sumun_device" not in done.browser.cookies
            status, told = await tv.ask()
            assert (status, told["scope"]) == (200, "order:read")
            assert (await server.introspect(told["access_token"]))["sub"] == "alice"
            assert told["refresh_token"]
            assert (await tv.ask())[1]["error"] == "invalid_grant"
            withdrawn = server.directory.grants.of("alice", "tv")
            assert withdrawn is not None
            await server.changes.withdraw_grant(withdrawn.id, actor="user:alice")
            assert (await server.introspect(told["access_token"])) == {"active": False}

    asyncio.run(story())


def test_the_code_is_typed(tmp_path: Path) -> None:
    """Who comes without the link logs in, types the code as they like, and is asked the same."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await log_in(await Browser(server).open(PAGE))
            assert "user_code" in page.form.fields
            wrong = await page.send(user_code="wdjb<mjht>")
            assert (wrong.status, wrong.form.fields["user_code"]) == (404, "wdjb<mjht>")  # to be mended
            asked = await wrong.send(user_code=tv.told["user_code"].lower().replace("-", " "))
            assert asked.form.boxes
            await asked.send(decision="all")
            assert (await tv.ask())[0] == 200

    asyncio.run(story())


def test_taken_back(tmp_path: Path) -> None:
    """What was allowed before is ticked; who unticks it takes it back, from the tokens that are out too."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            first, second = await device(server), await device(server)
            page = await (await question(server, first)).send(decision="all")
            token = (await first.ask())[1]["access_token"]
            again = await page.browser.open(second.link)
            assert again.form.boxes == {"grant:product:read": True, "grant:order:read": True}
            await again.send(decision="allow", **{"grant:order:read": "yes"})
            assert (await second.ask())[1]["scope"] == "order:read"
            assert (await server.introspect(token))["scope"] == "order:read"

    asyncio.run(story())


def test_for_some_services(tmp_path: Path) -> None:
    """A device that asks for some services gets a token for those alone, and for unknown ones no code (RFC 8707)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            name = min(RESOURCES)
            form = {"client_id": "tv", "scope": "order:read", "resource": name}
            tv = Device(server, (await server.post("/oauth/device_authorization", form)).json)
            await (await question(server, tv)).send(decision="all")
            token = (await tv.ask())[1]["access_token"]
            assert (await server.introspect(token))["aud"] == [name]
            form["resource"] = "https://nobody.example"
            refused = await server.post("/oauth/device_authorization", form)
            assert (refused.status, refused.json["error"]) == (400, "invalid_target")

    asyncio.run(story())


def test_refused(tmp_path: Path) -> None:
    """Who refuses is believed once and for all, and the code is gone."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await question(server, tv)
            again = await question(server, tv, "bob")
            await page.send(decision="refuse")
            assert (await again.send(decision="all")).status == 400
            assert await tv.error() == "access_denied"
            assert await tv.error() == "invalid_grant"
            assert (await Browser(server, dict(page.browser.cookies)).open(tv.link)).status == 404

    asyncio.run(story())


def test_nothing_ticked(tmp_path: Path) -> None:
    """To allow nothing is no answer: the page comes again, and the device goes on waiting."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await (await question(server, tv)).send(decision="allow", **{"grant:order:write": "yes"})
            assert (page.status, page.form.boxes) == (
                400,
                {"grant:product:read": False, "grant:order:read": False},
            )
            assert await tv.error() == "authorization_pending"

    asyncio.run(story())


def test_somebody_else(tmp_path: Path) -> None:
    """Who is not whom the page names logs in as somebody else, and decides in that name."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await log_in(await (await question(server, tv)).send(decision="other"), "bob")
            assert tv.told["user_code"] in page.text
            await page.send(decision="all")
            assert (await server.introspect((await tv.ask())[1]["access_token"]))["sub"] == "bob"

    asyncio.run(story())


def test_too_fast(tmp_path: Path) -> None:
    """A device that asks before the interval is over is told to slow down, and nothing else."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            assert (await tv.ask())[1]["error"] == "authorization_pending"
            server.clock.seconds += INTERVAL_SECONDS - 1
            status, told = await tv.ask()
            assert (status, told["error"]) == (400, "slow_down")
            server.clock.seconds += INTERVAL_SECONDS
            assert (await tv.ask())[1]["error"] == "authorization_pending"

    asyncio.run(story())


def test_too_late(tmp_path: Path) -> None:
    """After its time a code opens nothing: the person sees that it is none, the device is told to begin again."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await question(server, tv)
            server.clock.seconds += LIFETIME_SECONDS
            assert (await page.send(decision="all")).status == 400
            assert await tv.error() == "expired_token"
            server.clock.seconds += LIFETIME_SECONDS
            assert await tv.error() == "invalid_grant"

    asyncio.run(story())


@pytest.mark.parametrize("what", ["disabled", "password", "withdrawn", "narrowed"])
def test_what_was_allowed_is_not_so_any_more(tmp_path: Path, what: str) -> None:
    """Between the answer and the next question a right was taken away: the device gets nothing."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            await (await question(server, tv)).send(decision="all")
            grant = server.directory.grants.of("alice", "tv")
            assert grant is not None
            if what == "disabled":
                server.directory.users.disable("alice", server.occasion())
            elif what == "password":
                server.directory.users.set_password(
                    "alice", server.hasher.hash("another-pass"), server.occasion()
                )
            elif what == "withdrawn":
                server.directory.grants.withdraw(grant.id, server.occasion())
            else:
                kept = frozenset(one for one in grant.scopes if str(one) == "product:read")
                server.directory.grants.narrow(grant.id, kept, frozenset(), server.occasion())
            assert await tv.error() == "invalid_grant"

    asyncio.run(story())


def test_another_client(tmp_path: Path) -> None:
    """A device code is worth nothing to another client, and stays what it was."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            await (await question(server, tv)).send(decision="all")
            form = {"grant_type": DEVICE_CODE, "device_code": tv.told["device_code"], "client_id": "tv2"}
            assert (await server.post("/oauth/token", form)).json["error"] == "invalid_grant"
            assert (await tv.ask())[0] == 200

    asyncio.run(story())


def test_guessing(tmp_path: Path) -> None:
    """Few wrong codes are looked at; then the right one is not either, until the wait is over."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await log_in(await Browser(server).open(PAGE))
            for _ in range(3):
                page = await page.send(user_code="WDJB-MJHT")
                assert page.status == 404
            right = await page.send(user_code=tv.told["user_code"])
            assert right.status == 429
            server.throttle_clock.seconds += int(right.answer.headers["retry-after"])
            assert (await right.send(user_code=tv.told["user_code"])).form.boxes

    asyncio.run(story())


def test_guessing_by_decisions(tmp_path: Path) -> None:
    """Who makes the form of a decision for whatever code guesses no more often than by typing: the key of their own
    forms is in their own cookie, and the name of their session in their own tokens.
    """

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            browser = (await log_in(await Browser(server).open(PAGE))).browser
            session = await server.parts.sessions.find(browser.cookies[SESSION])
            assert session is not None

            async def decide(code: str) -> int:
                proof = FormKey(browser.cookies[COOKIE], new=False).field(f"device {session.id} {code}")
                sent = {proof.name: proof.value, "user_code": code, "decision": "refuse"}
                return (await browser.post(PAGE, sent)).status

            assert [await decide("WDJBMJH" + letter) for letter in "BCD"] == [400, 400, 400]
            assert await decide(tv.told["user_code"].replace("-", "")) == 429
            assert await tv.error() == "authorization_pending"
            server.throttle_clock.seconds += 3600
            assert await decide(tv.told["user_code"].replace("-", "")) == 200
            assert await tv.error() == "access_denied"

    asyncio.run(story())


def test_a_forged_form(tmp_path: Path) -> None:
    """Another site's form, and one that was made for another code, decide nothing."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv, other = await device(server), await device(server)
            page = await question(server, tv)
            fields = {**page.form.fields, "decision": "all"}
            assert (await page.browser.post(PAGE, fields, sec_fetch_site="cross-site")).status == 403
            assert (await page.browser.post(PAGE, {**fields, "csrf": "x"})).status == 403
            swapped = {**fields, "user_code": other.told["user_code"]}
            assert (await page.browser.post(PAGE, swapped)).status == 403
            assert await tv.error() == await other.error() == "authorization_pending"

    asyncio.run(story())


def test_the_store_is_away(tmp_path: Path) -> None:
    """When the store does not answer, devices and people are told to come again: 503, and never a no."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            tv = await device(server)
            page = await question(server, tv)
            server.app = oauth_app(replace(server.parts, ephemeral=Down()))
            assert (await server.post("/oauth/device_authorization", {"client_id": "tv"})).status == 503
            assert (await tv.ask())[0] == 503
            assert (await page.send(decision="all")).status == 503

    asyncio.run(story())


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "tv", "scope": "product:delete x"}, "invalid_scope"),
        ({"client_id": "shop-app"}, "unauthorized_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({}, "invalid_client"),
    ],
)
def test_refused_at_once(tmp_path: Path, form: dict[str, str], error: str) -> None:
    """A client that is unknown, may not use this flow, or asks for what is no scope gets no code."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.post("/oauth/device_authorization", form)
            assert (answer.status, answer.json["error"]) == (401 if error == "invalid_client" else 400, error)

    asyncio.run(story())
