"""Attacks on the pages between an authorization request and its code, each by name (RFC 9700 4, RFC 6749 10)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from sumun.config.plan import ClientKind
from tests.conversations.oauth.browser import HOST, Browser
from tests.conversations.oauth.code_flow import CodeClient, code_of, log_in
from tests.conversations.oauth.oauth_server import ISSUER, OAuthServer, registered
from tests.conversations.oauth.stories import tell

SESSION = "__Host-sumun_session"
LOGIN = "__Host-sumun_login"
MARK = "\"'><script>alert(1)</script>"


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
@pytest.mark.parametrize("prompt", ["", "none"])
def test_mix_up(tmp_path: Path, mode: str, prompt: str) -> None:
    """Every answer, code or error, in every mode, says who gave it (RFC 9207): a client tells two servers apart."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        page = await browser.open(client.address(response_mode=mode, prompt=prompt))
        if not prompt:
            page = await log_in(page)
        assert page.told["iss"] == ISSUER
        assert page.told["state"] == client.state
        assert ("error" if prompt else "code") in page.told

    tell(tmp_path, story)


def test_state_in_form_post(tmp_path: Path) -> None:
    """XSS: what a client sent comes back in a page as a value, never as markup."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        page = await browser.open(client.address(response_mode="form_post", state=MARK, prompt="none"))
        assert page.form.action == "https://shop.example/back"
        assert page.form.fields["state"] == MARK
        assert MARK not in page.text
        policy = page.answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "form-action 'self' https://shop.example;" in policy

    tell(tmp_path, story)


@pytest.mark.parametrize("name", ["login_hint", "nonce", "ui_locales", "client_id", "redirect_uri", "scope"])
def test_reflection(tmp_path: Path, name: str) -> None:
    """XSS: nothing that a request carries is markup in a page, nor in a page of an error."""

    async def story(server: OAuthServer) -> None:
        page = await Browser(server).open(CodeClient(server).address(**{name: MARK}))
        assert MARK not in page.text
        assert "<script>" not in page.text

    tell(tmp_path, story)


def test_open_redirect(tmp_path: Path) -> None:
    """Neither an unknown client nor an unknown address gets a browser sent anywhere."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server), Browser(server)
        for change in ({"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}, {"client_id": ""}):
            page = await browser.open(client.address(**change))
            assert (page.status, page.left_to) == (400, "")
            assert "evil.example" not in page.text

    tell(tmp_path, story)


def test_open_redirect_by_registering(tmp_path: Path) -> None:
    """A client that registered itself gets nobody sent away who did not log in: they see where it leads, and may go."""

    async def story(server: OAuthServer) -> None:
        stranger = registered(
            "stranger",
            None,
            kind=ClientKind.PUBLIC,
            grants=frozenset({"authorization_code"}),
            redirect_uris=("https://evil.example/back",),
            roles=frozenset(),
            permissions=frozenset(),
            registration_sha256=bytes(32),
        )
        await server.changes.register_client(stranger, actor="cli:root")
        client, browser = CodeClient(server, "stranger", "https://evil.example/back"), Browser(server)
        for asked in (
            {"scope": "a  b"},
            {"prompt": "none"},
            {"prompt": "none", "response_mode": "form_post"},
        ):
            page = await browser.open(client.address(**asked))
            assert (page.status, page.left_to) == (400, "")
            assert ('href="https://evil.example/back?error=' in page.text) is ("response_mode" not in asked)
            assert 'action="https://evil.example' not in page.text
        page = await log_in(await browser.open(client.address()))
        assert "registered itself" in page.text
        assert (await page.send(decision="all")).told["code"]
        assert (await browser.open(client.address(scope="a  b"))).told["error"] == "invalid_scope"

    tell(tmp_path, story)


def test_login_csrf_by_a_link(tmp_path: Path) -> None:
    """An attacker's transaction is over for every other browser: the victim cannot log in in it, nor use its form."""

    async def story(server: OAuthServer) -> None:
        client, attacker, victim = CodeClient(server), Browser(server), Browser(server)
        page = await attacker.open(client.address())
        await victim.open(CodeClient(server).address())
        assert (await victim.open(page.path)).status == 400
        page.browser = victim
        assert (await log_in(page)).status == 400
        assert SESSION not in victim.cookies

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"https://{HOST}.evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_login_csrf_by_a_form(tmp_path: Path, change: dict[str, str]) -> None:
    """A login form that another site sends logs nobody in, even with every field right."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        page = await browser.open(CodeClient(server).address())
        fields = {**page.form.fields, "decision": "login", "username": "alice", "password": "alice-pass"}
        assert (await browser.post("/login", fields, **change)).status == 403
        assert (await browser.post("/login", {**fields, "csrf": "x"})).status == 403
        assert SESSION not in browser.cookies
        assert server.hasher.verified == 0

    tell(tmp_path, story)


def test_consent_csrf(tmp_path: Path) -> None:
    """A consent form that another site sends, or that was made for the login, allows nothing."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        login = await browser.open(CodeClient(server).address())
        page = await log_in(login)
        fields = {**page.form.fields, "decision": "all"}
        answers = [
            await browser.post("/oauth/consent", fields, origin="https://evil.example"),
            await browser.post("/oauth/consent", {**fields, "csrf": ""}),
            await browser.post("/oauth/consent", {**fields, "csrf": login.form.fields["csrf"]}),
        ]
        assert [answer.status for answer in answers] == [403] * 3
        assert server.directory.grants.of("alice", "web") is None

    tell(tmp_path, story)


def test_session_fixation(tmp_path: Path) -> None:
    """The cookie of a session is new at each login: one that was known before is worth nothing after it."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "own-web"), Browser(server)
        await code_of(browser, client)
        planted = browser.cookies[SESSION]
        page = await log_in(await browser.open(client.address(prompt="login")))
        assert browser.cookies[SESSION] != planted
        assert page.told["code"]
        thief = Browser(server, {SESSION: planted})
        assert (await thief.open(client.address(prompt="none"))).told["error"] == "login_required"

    tell(tmp_path, story)


def test_somebody_else_logged_in_meanwhile(tmp_path: Path) -> None:
    """What alice was shown, bob does not allow by the same form: he is shown his own page first."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        shown = await log_in(await browser.open(CodeClient(server).address()), "alice")
        await log_in(await browser.open(CodeClient(server, "own-web").address(prompt="login")), "bob")
        page = await shown.send(decision="all")
        assert (page.left_to, page.status) == ("", 200)
        assert "Bob" in page.text
        assert server.directory.grants.of_user("bob") == []

    tell(tmp_path, story)


def test_clickjacking(tmp_path: Path) -> None:
    """No page can be framed; forms go to us and to where the client lives, and nowhere else."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        login = await browser.open(CodeClient(server).address())
        for page in (login, await log_in(login), await browser.open("/oauth/authorize")):
            policy = page.answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "default-src 'none'" in policy
            assert "'unsafe" not in policy
            assert page.answer.headers["x-frame-options"] == "DENY"
            assert page.answer.headers["referrer-policy"] == "same-origin"

    tell(tmp_path, story)


def test_no_password_goes_on(tmp_path: Path) -> None:
    """What follows a form is 303: a browser takes neither password nor consent along to the client (RFC 9700 4.12)."""

    async def story(server: OAuthServer) -> None:
        for client_id in ("own-web", "web"):
            client, browser = CodeClient(server, client_id), Browser(server)
            page = await browser.open(client.address())
            form = {**page.form.fields, "decision": "login", "username": "alice", "password": "alice-pass"}
            headers = {
                "host": HOST,
                "content-type": "application/x-www-form-urlencoded",
                "cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
            }
            answer = await server.call("POST", "/login", headers, urlencode(form).encode())
            assert (answer.status, answer.body) == (303, b"")
            page = await log_in(page)
            if client_id == "web":
                page = await page.send(decision="all")
            assert (page.status, page.answer.body) == (303, b"")
            assert page.answer.headers["cache-control"] == "no-store"

    tell(tmp_path, story)


def test_user_enumeration(tmp_path: Path) -> None:
    """Nobody, a wrong password and a disabled account: the same page, and each time one password check."""

    async def story(server: OAuthServer) -> None:
        texts = []
        for name, password in (("nobody", "x"), ("alice", "x"), ("eve", "eve-pass")):
            browser = Browser(server, source=f"192.0.2.{len(texts)}")
            page = await browser.open(CodeClient(server).address())
            handle, csrf = page.form.fields["transaction"], page.form.fields["csrf"]
            before = server.hasher.verified
            page = await page.send(decision="login", username=name, password=password)
            assert (page.status, server.hasher.verified - before) == (403, 1)
            text = page.text.replace(handle, "").replace(csrf, "").replace(name, "")
            texts.append(text)
        assert len(set(texts)) == 1

    tell(tmp_path, story)


def test_guessing(tmp_path: Path) -> None:
    """Too many wrong passwords: the page says how long to wait (429), and the right one is not looked at."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        page = await browser.open(CodeClient(server).address())
        for _ in range(3):
            page = await page.send(decision="login", username="alice", password="x")
            assert page.status == 403
        before = server.hasher.verified
        page = await log_in(page)
        assert (page.status, server.hasher.verified) == (429, before)
        assert int(page.answer.headers["retry-after"]) > 0
        server.throttle_clock.seconds += int(page.answer.headers["retry-after"])
        assert (await log_in(page)).status == 200

    tell(tmp_path, story)


def test_two_tabs(tmp_path: Path) -> None:
    """A transaction answers its client once: the second tab with it gets no second code."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        page = await log_in(await browser.open(CodeClient(server).address()))
        assert (await page.send(decision="all")).told["code"]
        assert (await page.send(decision="all")).status == 400

    tell(tmp_path, story)


def test_a_planted_cookie(tmp_path: Path) -> None:
    """A browser that sends two cookies of one name has none: nobody can say which counts."""

    async def story(server: OAuthServer) -> None:
        browser = Browser(server)
        page = await browser.open(CodeClient(server).address())
        told = {"cookie": f"{LOGIN}=x; {LOGIN}={browser.cookies[LOGIN]}"}
        assert (await Browser(server, headers=told).open(page.path)).status == 400

    tell(tmp_path, story)


def test_only_what_was_shown_is_granted(tmp_path: Path) -> None:
    """`all` grants what the page showed: what the person took back in another tab meanwhile is asked about first."""

    async def story(server: OAuthServer) -> None:
        client, browser = CodeClient(server, "web"), Browser(server)
        await code_of(browser, client, scope="product:read")
        page = await browser.open(client.address(scope="product:read order:read"))
        assert set(page.form.boxes) == {"grant:order:read"}
        held = server.directory.grants.of("alice", "web")
        assert held is not None
        await server.changes.withdraw_grant(held.id, actor="user:alice")
        again = await page.send(decision="all")
        assert set(again.form.boxes) == {"grant:order:read", "grant:product:read"}
        assert (await client.tokens((await again.send(decision="all")).told["code"]))["scope"] == (
            "order:read product:read"
        )

    tell(tmp_path, story)
