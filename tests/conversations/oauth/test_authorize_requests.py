"""What an authorization request may ask for beside a code: prompts, freshness, hints, modes, pushed requests."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from sumun.oauth.server import oauth_app
from tests.conversations.oauth.browser import Browser
from tests.conversations.oauth.code_flow import CodeClient, code_of, log_in
from tests.conversations.oauth.oauth_server import SECRETS, Down, OAuthServer
from tests.conversations.oauth.stories import tell


def test_cancel_and_refuse(tmp_path: Path) -> None:
    """Who cancels the login, or refuses on the consent page, sends the client away with access_denied."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        page = await (await browser.open(client.address())).send(decision="cancel")
        assert (page.told["error"], page.told["state"]) == ("access_denied", client.state)
        page = await log_in(await browser.open(client.address()))
        page = await page.send(decision="refuse")
        assert (page.told["error"], page.told["state"]) == ("access_denied", client.state)
        assert server.directory.grants.of("alice", "web") is None

    tell(tmp_path, story)


def test_nothing_ticked(tmp_path: Path) -> None:
    """`allow` without anything ticked is asked again; what was not on the page cannot be ticked."""

    async def story(server: OAuthServer) -> None:
        page = await log_in(await Browser(server).open(CodeClient(server).address()))
        page = await page.send(**{"decision": "allow", "grant:order:create": "yes", "grant:*:*": "yes"})
        assert (page.left_to, page.status) == ("", 400)
        page = await page.send(**{"decision": "allow", "grant:product:read": "yes"})
        assert page.told["code"]

    tell(tmp_path, story)


def test_refusals_are_remembered(tmp_path: Path) -> None:
    """What was refused is not asked again, and not given: not silently either, until the client wants people asked."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        both = "product:read order:read"
        page = await log_in(await browser.open(client.address(scope=both)))
        page = await page.send(**{"decision": "allow", "grant:product:read": "yes"})
        for more in ({}, {"prompt": "none"}):
            page = await browser.open(client.address(scope=both, **more))
            assert (await client.tokens(page.told["code"]))["scope"] == "product:read"
        page = await browser.open(client.address(scope=f"{both} order:create"))
        assert set(page.form.boxes) == {"grant:order:create"}
        page = await page.send(decision="allow")  # and not this either
        assert (await client.tokens(page.told["code"]))["scope"] == "product:read"
        page = await browser.open(client.address(scope="order:read"))
        assert set(page.form.boxes) == {"grant:order:read"}
        page = await page.send(**{"decision": "allow", "grant:order:read": "yes"})
        page = await browser.open(client.address(scope=both, prompt="none"))
        assert (await client.tokens(page.told["code"]))["scope"] == "order:read product:read"

    tell(tmp_path, story)


def test_openid_alone(tmp_path: Path) -> None:
    """Who refuses every permission beside `openid` lets the client know who they are, and do nothing."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server)
        page = await log_in(
            await Browser(server).open(client.address(scope="openid product:read", nonce="n1"))
        )
        assert set(page.form.boxes) == {"grant:product:read"}
        page = await page.send(decision="allow")
        given = await client.tokens(page.told["code"])
        assert (given["scope"], bool(given["id_token"])) == ("openid", True)

    tell(tmp_path, story)


def test_prompt_none(tmp_path: Path) -> None:
    """Without a page: login_required, then consent_required, then a code."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        silent = client.address(prompt="none")
        assert (await browser.open(silent)).told["error"] == "login_required"
        await code_of(browser, CodeClient(server, "own-web"))
        assert (await browser.open(silent)).told["error"] == "consent_required"
        await code_of(browser, client)
        assert (await browser.open(silent)).told["code"]

    tell(tmp_path, story)


def test_prompt_login_and_max_age(tmp_path: Path) -> None:
    """A login that is too old, or not this request's, is asked for again; `auth_time` is the new one's."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        await code_of(browser, client)
        server.clock.seconds += 100
        assert (await browser.open(client.address(max_age="101"))).told["code"]
        for asked in ({"max_age": "99"}, {"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}):
            page = await browser.open(client.address(**asked))
            assert page.path.startswith("/login?"), asked
            assert (await browser.open(page.path.replace("/login", "/oauth/consent"))).path.startswith(
                "/login?"
            )
            assert (await log_in(page)).told["code"]
            server.clock.seconds += 100

    tell(tmp_path, story)


def test_prompt_consent(tmp_path: Path) -> None:
    """Asked again about everything: what was granted stands ticked, and what is unticked is taken back everywhere."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        before = await client.tokens(await code_of(browser, client, scope="product:read order:read"))
        page = await browser.open(client.address(scope="product:read order:read", prompt="consent"))
        assert page.form.boxes == {"grant:order:read": True, "grant:product:read": True}
        page = await page.send(**{"decision": "allow", "grant:order:read": "yes"})
        assert (await client.tokens(page.told["code"]))["scope"] == "order:read"
        assert (await server.introspect(before["access_token"]))["scope"] == "order:read"
        page = await browser.open(client.address(scope="product:read order:read"))
        assert (await client.tokens(page.told["code"]))["scope"] == "order:read"
        page = await browser.open(client.address(scope="order:read", prompt="consent"))
        page = await page.send(decision="allow")
        assert (page.left_to, page.status) == ("", 400)

    tell(tmp_path, story)


def test_prompt_consent_of_our_own(tmp_path: Path) -> None:
    """A client of ours that wants people asked gets what they tick, and never again what they refused."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "own-web")
        page = await log_in(
            await Browser(server).open(client.address(scope="product:read order:read", prompt="consent"))
        )
        page = await page.send(**{"decision": "allow", "grant:order:read": "yes"})
        assert (await client.tokens(page.told["code"]))["scope"] == "order:read"
        page = await page.browser.open(client.address(scope="product:read order:*"))
        assert (await client.tokens(page.told["code"]))["scope"] == "order:create order:read"
        page = await page.browser.open(client.address(scope="order:*"))
        assert (await client.tokens(page.told["code"]))["scope"] == "order:*"

    tell(tmp_path, story)


def test_somebody_else(tmp_path: Path) -> None:
    """From the consent page one can go on as somebody else, who has to prove it and is asked in turn."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        page = await log_in(await browser.open(client.address()), "alice")
        page = await page.send(decision="other")
        assert page.path.startswith("/login?")
        page = await log_in(page, "bob")
        assert "Bob" in page.text
        given = await client.tokens((await page.send(decision="all")).told["code"])
        assert (await server.introspect(given["access_token"]))["sub"] == "bob"

    tell(tmp_path, story)


def test_id_token_hint(tmp_path: Path) -> None:
    """A client that means alice gets alice or nobody (OpenID Connect Core 3.1.2.2)."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        code = await code_of(browser, client, scope="openid")
        hint = (await client.tokens(code))["id_token"]
        server.clock.seconds += 1000
        assert (await browser.open(client.address(id_token_hint=hint, prompt="none"))).told["code"]
        other = Browser(server)
        await code_of(other, client, "bob")
        silent = await other.open(client.address(id_token_hint=hint, prompt="none"))
        assert silent.told["error"] == "login_required"
        page = await other.open(client.address(id_token_hint=hint))
        assert page.form.fields["username"] == "alice"
        assert (await log_in(page, "bob")).told["error"] == "login_required"
        for junk in ("x.y.z", hint[:-4] + "AAAA"):
            told = (await browser.open(client.address(id_token_hint=junk))).told
            assert told["error"] == "invalid_request"
        thief = CodeClient(server, "web")
        assert (await browser.open(thief.address(id_token_hint=hint))).told["error"] == "invalid_request"

    tell(tmp_path, story)


def test_what_an_id_token_says_of_the_login(tmp_path: Path) -> None:
    """When and how somebody logged in, in which session, with the client's nonce; whatever `acr_values` wished."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        at = int(server.clock())
        await code_of(browser, client)
        server.clock.seconds += 100
        code = await code_of(browser, client, scope="openid", nonce="n-1", acr_values="phr urn:other")
        given = await client.tokens(code)
        body = given["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        assert (claims["sub"], claims["aud"], claims["nonce"]) == ("alice", "own-web", "n-1")
        assert (claims["auth_time"], claims["amr"]) == (at, ["pwd"])
        assert claims["acr"] == "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
        assert claims["sid"].startswith("sid_")

    tell(tmp_path, story)


def test_login_hint_and_language(tmp_path: Path) -> None:
    """The name stands in its field, and the page speaks the language that was asked for."""

    async def story(server: OAuthServer) -> None:
        page = await Browser(server).open(CodeClient(server).address(login_hint="alice", ui_locales="ko"))
        assert page.form.fields["username"] == "alice"
        assert '<html lang="ko"' in page.text

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("client_id", "redirect_uri"),
    [
        ("native", "http://127.0.0.1:51004/back"),
        ("native", "http://[::1]:51004/back?x=1"),
        ("native", "com.example.app:/back"),
    ],
)
def test_native_apps(tmp_path: Path, client_id: str, redirect_uri: str) -> None:
    """A loopback port of its own, or a scheme of its own (RFC 8252 7.1, 7.3); the token request names the same."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, client_id, redirect_uri)
        code = await code_of(Browser(server), client)
        assert (await client.redeem(code)).status == 200

    tell(tmp_path, story)


def test_by_post(tmp_path: Path) -> None:
    """A request by POST comes without our cookies, goes on by GET, and is good once."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        await code_of(browser, client)
        page = await browser.post(
            "/oauth/authorize", client.request(), origin="https://shop.example", sec_fetch_site="cross-site"
        )
        assert page.told["code"]
        page = await browser.post("/oauth/authorize", client.request(client_id="nobody"))
        assert (page.status, page.left_to) == (400, "")
        page = await browser.post("/oauth/authorize", client.request(x="x" * 20_000))
        assert (page.status, page.left_to) == (413, "")

    tell(tmp_path, story)


async def push(server: OAuthServer, client: CodeClient, **more: str) -> str:
    """The query for a pushed request."""
    basic = (client.id, SECRETS[client.id]) if client.id in SECRETS else None
    answer = await server.post("/oauth/par", client.request(**more), basic=basic)
    assert answer.status == 201, answer
    assert 5 <= answer.json["expires_in"] <= 600
    return urlencode({"client_id": client.id, "request_uri": answer.json["request_uri"]})


def test_pushed(tmp_path: Path) -> None:
    """A pushed request is what counts, whatever else stands in the address; it is taken up once, by its client."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "pushing"), Browser(server)
        query = await push(server, client, state="pushed")
        page = await browser.open(f"/oauth/authorize?{query}&state=mine&scope=*:*&response_mode=fragment")
        page = await log_in(page)
        assert (page.told["state"], "#" in page.left_to) == ("pushed", False)
        assert (await client.tokens(page.told["code"]))["scope"] == "product:read"
        assert (await browser.open(f"/oauth/authorize?{query}")).status == 400
        query = (await push(server, client)).replace("client_id=pushing", "client_id=web")
        assert (await browser.open(f"/oauth/authorize?{query}")).status == 400
        query = await push(server, client)
        server.clock.seconds += 61
        assert (await browser.open(f"/oauth/authorize?{query}")).status == 400

    tell(tmp_path, story)


def test_only_pushed(tmp_path: Path) -> None:
    """A client that pushes its requests gets no code by another way, neither by GET nor by a browser's POST."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "pushing"), Browser(server)
        assert (await browser.open(client.address())).told["error"] == "invalid_request"
        page = await browser.post("/oauth/authorize", client.request())
        assert page.told["error"] == "invalid_request"

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, 400, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, 400, "invalid_request"),
        ({"request": "a.b.c"}, 400, "request_not_supported"),
        ({"scope": "no scope"}, 400, "invalid_scope"),
        ({"code_challenge": ""}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
    ],
)
def test_pushing_something_wrong(tmp_path: Path, change: dict[str, str], status: int, error: str) -> None:
    """A client hears at once what is wrong with its request (RFC 9126 2.3)."""

    async def story(server: OAuthServer) -> None:
        client = CodeClient(server, "pushing")
        form = client.request(**{"client_secret": SECRETS["pushing"], **change})
        answer = await server.post("/oauth/par", form)
        assert (answer.status, answer.json["error"]) == (status, error)
        assert "evil" not in answer.body.decode()

    tell(tmp_path, story)


def test_the_store_is_away(tmp_path: Path) -> None:
    """Our own trouble is a page with 503 and Retry-After, never a refusal."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        page = await browser.open(client.address())
        down = Down()
        server.app = oauth_app(replace(server.parts, ephemeral=down))  # type: ignore[arg-type]
        for answer in (
            await browser.open(client.address()),
            await browser.open(page.path),
            await log_in(page),
        ):
            assert (answer.status, answer.answer.headers["retry-after"]) == (503, "1")
            assert "text/html" in answer.answer.headers["content-type"]

    tell(tmp_path, story)


def test_logged_out_while_a_page_is_open(tmp_path: Path) -> None:
    """A session that ends while the consent page stands open allows nothing: the person logs in again."""

    async def story(server: OAuthServer) -> None:
        page = await log_in(await Browser(server).open(CodeClient(server).address()))
        await server.parts.sessions.end_of_user("alice", actor="user:alice")
        page = await page.send(decision="all")
        assert (page.left_to, page.path.partition("?")[0]) == ("", "/login")
        assert server.directory.grants.of("alice", "web") is None

    tell(tmp_path, story)


def test_the_login_page_by_itself(tmp_path: Path) -> None:
    """`/login` without anything leads to /account; a handle that is none is a page that says so."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        page = await browser.open("/login")
        assert (page.status, page.path.partition("=")[0]) == (200, "/login?transaction")
        assert 'value="cancel"' not in page.text
        page = await log_in(page)
        assert page.path == "/account"
        assert (await browser.open("/login?transaction=x")).status == 400
        assert (await browser.open("/oauth/consent")).status == 400

    tell(tmp_path, story)
