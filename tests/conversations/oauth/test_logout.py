"""The end of a session: asked for by a client or by the person, and told to the clients that knew of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from sumun.sessions.farewells import MOST_TRIES, pause_seconds
from tests.conversations.oauth.browser import Browser, Page
from tests.conversations.oauth.code_flow import CodeClient, code_of
from tests.conversations.oauth.oauth_server import ISSUER, OAuthServer
from tests.conversations.oauth.stories import story

BYE = "https://shop.example/bye"
SESSION = "__Host-sumun_session"


def claims_of(token: str) -> Any:
    head, body, _ = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body)]


async def logged_in(
    server: OAuthServer, client_id: str = "leaving-web", name: str = "alice"
) -> tuple[Browser, Any]:
    """A browser with a session, and the tokens that the client got in it."""
    browser, client = Browser(server), CodeClient(server, client_id)
    return browser, await client.tokens(await code_of(browser, client, name, scope="openid product:read"))


async def leave(browser: Browser, **given: str) -> Page:
    return await browser.open(f"/oauth/logout?{urlencode(given)}")


async def is_out(server: OAuthServer, cookie: str) -> bool:
    return await server.parts.sessions.find(cookie) is None


@story
async def test_with_the_id_token(server: OAuthServer) -> None:
    """A client that shows the ID token of this session ends it without a question: cookie, tokens, refresh token."""
    browser, given = await logged_in(server)
    cookie = browser.cookies[SESSION]
    page = await leave(
        browser,
        id_token_hint=given["id_token"],
        post_logout_redirect_uri=BYE,
        state="a b&c",
        client_id="leaving-web",
    )
    assert page.left_to == f"{BYE}?state=a+b%26c"
    assert SESSION not in browser.cookies
    assert await is_out(server, cookie)
    assert await server.introspect(given["access_token"]) == {"active": False}
    again = {
        "grant_type": "refresh_token",
        "refresh_token": given["refresh_token"],
        "client_id": "leaving-web",
    }
    assert (await server.post("/oauth/token", again)).json["error"] == "invalid_grant"
    page = await browser.open(CodeClient(server, "own-web").address())
    assert page.path.startswith("/login?")


@story
async def test_an_address_with_a_query(server: OAuthServer) -> None:
    """The state goes behind what the address has already; without an address the person sees that it is done."""
    browser, given = await logged_in(server)
    page = await leave(
        browser, id_token_hint=given["id_token"], post_logout_redirect_uri=f"{BYE}?a=1", state="s"
    )
    assert page.left_to == f"{BYE}?a=1&state=s"
    browser, given = await logged_in(server)
    page = await leave(browser, id_token_hint=given["id_token"])
    assert (page.status, page.left_to) == (200, "")
    assert "You are logged out" in page.text


@pytest.mark.parametrize(
    "given",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": f"{BYE}/"},
        {"post_logout_redirect_uri": f"{BYE}?b=1"},
        {"post_logout_redirect_uri": "https://shop.example/back"},
        {"client_id": "own-web"},
        {"client_id": "nobody"},
    ],
)
def test_nobody_is_sent_elsewhere(tmp_path: Path, given: dict[str, str]) -> None:
    """An address that the client has not named, letter by letter, and a client that is not the token's: nothing is done."""

    @story
    async def whole(server: OAuthServer) -> None:
        browser, tokens = await logged_in(server)
        page = await leave(browser, id_token_hint=tokens["id_token"], **given)
        assert (page.status, page.left_to) == (400, "")
        assert not await is_out(server, browser.cookies[SESSION])

    whole(tmp_path)


@story
async def test_a_request_that_is_too_long(server: OAuthServer) -> None:
    """A client's form may be as large as it likes: what it leads to fits a header field, or the person is told that it does not."""
    browser, tokens = await logged_in(server)
    form = {"content-type": "application/x-www-form-urlencoded"}
    for name, value, status in (
        ("x", "'" * 20_000, 303),
        ("state", "'" * 20_000, 400),
        ("ui_locales", "ko", 303),
    ):
        sent = urlencode({"client_id": "leaving-web", name: value}).encode()
        answer = await server.call("POST", "/oauth/logout", form, sent)
        assert (answer.status, len(answer.headers.get("location", "")) < 100) == (status, True), name
    page = await leave(
        browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="'" * 3000
    )
    assert (page.status, page.left_to) == (400, "")
    assert not await is_out(server, browser.cookies[SESSION])


@story
async def test_an_address_needs_a_client(server: OAuthServer) -> None:
    """Without a client nobody can say whose address it is; a parameter that stands twice is refused."""
    browser, _ = await logged_in(server)
    assert (await leave(browser, post_logout_redirect_uri=BYE)).status == 400
    assert (await browser.open("/oauth/logout?state=a&state=b")).status == 400
    assert not await is_out(server, browser.cookies[SESSION])


@story
async def test_the_person_is_asked(server: OAuthServer) -> None:
    """A link logs nobody out: without the ID token of this very session there is a question, and the answer counts."""
    browser, given = await logged_in(server)
    other, others = await logged_in(server, name="bob")
    for hint in (
        {},
        {"id_token_hint": others["id_token"]},
        {"id_token_hint": "junk"},
        {"client_id": "leaving-web"},
    ):
        page = await leave(browser, **hint)
        assert (page.status, page.form.action) == (200, "/oauth/logout")
        assert not await is_out(server, browser.cookies[SESSION])
    page = await leave(browser, client_id="leaving-web", post_logout_redirect_uri=BYE, state="x")
    assert "frame-ancestors 'none'" in page.answer.headers["content-security-policy"]
    assert "form-action 'self' https://shop.example" in page.answer.headers["content-security-policy"]
    stayed = await page.send(decision="stay")
    assert stayed.path == "/account"
    assert not await is_out(server, browser.cookies[SESSION])
    cookie = browser.cookies[SESSION]
    page = await page.send(decision="logout")
    assert page.left_to == f"{BYE}?state=x"
    assert await is_out(server, cookie)
    assert not await is_out(server, other.cookies[SESSION])
    assert given["access_token"]


@story
async def test_no_other_page_answers(server: OAuthServer) -> None:
    """The question is answered by our own page in this browser: a form of another site, or of before, does nothing."""
    browser, _ = await logged_in(server)
    page = await leave(browser)
    fields = {**page.form.fields, "decision": "logout"}
    assert (await browser.post("/oauth/logout", fields, origin="https://evil.example")).status == 403
    assert (await browser.post("/oauth/logout", fields, sec_fetch_site="cross-site")).status == 403
    assert (await browser.post("/oauth/logout", {**fields, "csrf": "x" * 43})).status == 403
    assert (await browser.post("/oauth/logout", {"decision": "logout"})).status == 403
    assert not await is_out(server, browser.cookies[SESSION])
    again = await browser.open(CodeClient(server, "own-web").address(prompt="login"))
    await again.send(decision="login", username="bob", password="bob-pass")
    assert (await browser.post("/oauth/logout", fields)).status == 403
    assert not await is_out(server, browser.cookies[SESSION])


@story
async def test_a_form_of_the_client(server: OAuthServer) -> None:
    """A client may send a form (RP-Initiated Logout 2): cookies do not come with it, so it becomes a GET."""
    browser, given = await logged_in(server)
    fields = {"id_token_hint": given["id_token"], "post_logout_redirect_uri": BYE}
    stranger = Browser(server)
    page = await stranger.server.post("/oauth/logout", fields, headers={"host": "gw.example.com"})
    assert page.status == 303
    page = await browser.open(page.headers["location"])
    assert page.left_to == BYE


@story
async def test_out_already(server: OAuthServer) -> None:
    """Who is logged out is sent on; a session that only the ID token knows of ends as well."""
    browser, given = await logged_in(server)
    cookie = browser.cookies.pop(SESSION)
    page = await leave(browser, id_token_hint=given["id_token"], post_logout_redirect_uri=BYE)
    assert page.left_to == BYE
    assert await is_out(server, cookie)
    server.clock.seconds += 3600  # the ID token has expired long ago
    page = await leave(browser, id_token_hint=given["id_token"], post_logout_redirect_uri=BYE)
    assert page.left_to == BYE
    assert (await leave(browser)).status == 200


@story
async def test_run_out(server: OAuthServer) -> None:
    """What was issued in a session outlives it when it just runs out, and ends when its ID token is shown at a logout.

    Its clients are told the session's id: whose it was nobody knows any more (Back-Channel Logout 2.4: `sub` or `sid`).
    """
    browser, given = await logged_in(server)
    refresh = {"grant_type": "refresh_token", "client_id": "leaving-web"}
    server.clock.seconds += 3600
    assert await is_out(server, browser.cookies[SESSION])
    again = await server.post("/oauth/token", {**refresh, "refresh_token": given["refresh_token"]})
    assert again.status == 200, again
    assert (await server.introspect(again.json["access_token"]))["active"]
    assert server.back_channel.told == []
    page = await leave(browser, id_token_hint=given["id_token"], post_logout_redirect_uri=BYE)
    assert page.left_to == BYE
    assert await server.introspect(again.json["access_token"]) == {"active": False}
    gone = await server.post("/oauth/token", {**refresh, "refresh_token": again.json["refresh_token"]})
    assert gone.json["error"] == "invalid_grant"
    [(_, (_, claims))] = await told(server)
    assert claims["sid"] == claims_of(given["id_token"])[1]["sid"]
    assert "sub" not in claims
    await leave(browser, id_token_hint=given["id_token"])
    assert await told(server, 0)
    assert len(server.back_channel.told) == 1


async def told(server: OAuthServer, times: int = 1) -> list[tuple[str, Any]]:
    """What clients hear in so many rounds, each when the next is due; and then nothing more."""
    assert server.back_channel.channel is not None
    for tries in range(1, times + 1):
        assert await server.back_channel.channel.tell() == 1
        assert await server.back_channel.channel.tell() == 0
        server.clock.seconds += pause_seconds(tries)
    assert await server.back_channel.channel.tell() == 0
    return [
        (url, claims_of(parse_qs(form.decode())["logout_token"][0])) for url, form in server.back_channel.told
    ]


@story
async def test_clients_are_told(server: OAuthServer) -> None:
    """Each client of the session that has an address is told once, with a signed logout token for it alone.

    OpenID Connect Back-Channel Logout 1.0, 2.4: never a nonce, so that it is never taken for an ID token.
    """
    browser, given = await logged_in(server)
    await CodeClient(server, "own-web").redeem(await code_of(browser, CodeClient(server, "own-web")))
    await leave(browser, id_token_hint=given["id_token"])
    [(url, (head, claims))] = await told(server)
    assert url == "https://shop.example/logged-out"
    assert head["typ"] == "logout+jwt"
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, "leaving-web", "alice")
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["sid"] == claims_of(given["id_token"])[1]["sid"]
    assert 0 < claims["exp"] - claims["iat"] <= 120
    assert claims["jti"]
    assert "nonce" not in claims


@story
async def test_told_again(server: OAuthServer) -> None:
    """Who does not answer is told again, a few times, with a token of its own each time; who refuses (400) is not."""
    server.back_channel.answers = [ConnectionError("away"), 500, 200]
    browser, given = await logged_in(server)
    await leave(browser, id_token_hint=given["id_token"])
    said = await told(server, 3)
    assert len({claims["jti"] for _, (_, claims) in said}) == 3
    server.back_channel.told.clear()
    server.back_channel.answers = [400, 200]
    browser, given = await logged_in(server)
    await leave(browser, id_token_hint=given["id_token"])
    await told(server)
    assert len(server.back_channel.told) == 1


@story
async def test_never_told(server: OAuthServer) -> None:
    """Who never answers is given up at last; a client that is gone, or wants to hear no more, is not tried."""
    server.back_channel.answers = [500] * MOST_TRIES
    browser, given = await logged_in(server)
    await leave(browser, id_token_hint=given["id_token"])
    assert len(await told(server, MOST_TRIES)) == MOST_TRIES
    server.back_channel.told.clear()
    browser, given = await logged_in(server)
    await leave(browser, id_token_hint=given["id_token"])
    del server.known["leaving-web"]
    await told(server)
    assert server.back_channel.told == []


@story
async def test_told_whoever_ended_it(server: OAuthServer) -> None:
    """Ended on the account page, or by somebody else's login in that browser, it is told as well."""
    first, given = await logged_in(server)
    sid = claims_of(given["id_token"])[1]["sid"]
    await server.parts.sessions.end(sid, actor="user:alice")
    await told(server)
    server.back_channel.told.clear()
    browser, _ = await logged_in(server)
    page = await browser.open(CodeClient(server, "own-web").address(prompt="login"))
    await page.send(decision="login", username="bob", password="bob-pass")
    [(_, (_, claims))] = await told(server)
    assert claims["sub"] == "alice"
    assert first.cookies[SESSION]
