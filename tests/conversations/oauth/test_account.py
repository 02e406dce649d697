"""The account: what a person gave to whom, where they are logged in, and their password."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sumun.changes import Applied, Changes
from sumun.directory import Held, OutsidePerson
from sumun.login.authenticator import Authenticator, Identified, PasswordProof
from sumun.oauth.clients import as_registered
from sumun.oauth.server import oauth_app
from sumun.sessions.cookie import SESSION
from tests.conversations.oauth.browser import Browser, Page
from tests.conversations.oauth.code_flow import CodeClient, code_of, log_in
from tests.conversations.oauth.oauth_server import BUDGETS, CLIENTS, Down, OAuthServer, oauth_server

NEW = "북한산에 오르는 바람 소리가 좋다"


async def account(server: OAuthServer, name: str = "alice", agent: str = "Firefox/140 Linux") -> Page:
    """The account page in a new browser of this person."""
    browser = Browser(server, headers={"user-agent": agent})
    return await log_in(await browser.open("/account"), name)


async def send(page: Page, path: str, **fields: str) -> Page:
    """Press a button of the account page."""
    csrf = page.form.fields["csrf"]
    return await page.browser.post(path, {"csrf": csrf, **fields})


async def change(page: Page, current: str, new: str = NEW, again: str | None = None) -> Page:
    """Fill in the form for a new password."""
    form = await page.browser.open("/account/password")
    return await form.send(current=current, new=new, again=new if again is None else again)


def of_server(
    folder: Path, story: Callable[[OAuthServer], Awaitable[None]], **authenticators: Authenticator
) -> None:
    """Tell a story of one server."""

    async def told() -> None:
        async with oauth_server(folder, authenticators=authenticators) as server:
            await story(server)

    asyncio.run(told())


def test_who_is_not_logged_in_logs_in_first(tmp_path: Path) -> None:
    """Every path of the account leads to the login page, and from there to the account; nothing is done on the way."""

    async def story(server: OAuthServer) -> None:
        for path in ("/account", "/account/password"):
            page = await Browser(server).open(path)
            assert page.path.startswith("/login?")
            page = await log_in(page)
            assert (page.status, page.path) == (200, path)
            assert "alice" in page.text
        for path in ("/account/applications", "/account/logins", "/account/sessions", "/account/password"):
            page = await Browser(server).post(path, {"others": "yes"})
            assert page.path.startswith("/login?")

    of_server(tmp_path, story)


def test_one_permission_is_withdrawn(tmp_path: Path) -> None:
    """The token that is out there loses the permission in place, and keeps the others; next time it is asked for again."""

    async def story(server: OAuthServer) -> None:
        browser, client = Browser(server), CodeClient(server)
        code = await code_of(browser, client, scope="product:read order:read")
        token = (await client.tokens(code))["access_token"]
        page = await browser.open("/account")
        assert all(words in page.text for words in ("The Shop", "See orders", "product:read"))
        page = await send(page, "/account/applications", application=grant_on(page), withdraw="order:read")
        assert page.path == "/account?done=narrowed"
        assert "The application can no longer do that." in page.text
        assert "See orders" not in page.text
        assert (await server.introspect(token))["scope"] == "product:read"
        page = await browser.open(CodeClient(server).address(scope="product:read order:read"))
        assert set(page.form.boxes) == {"grant:order:read"}
        assert "주문 내역 보기" in (await browser.open(f"{page.path}&lang=ko")).text

    of_server(tmp_path, story)


def grant_on(page: Page) -> str:
    """The id of the first grant that the page shows."""
    found = re.search(r'name="application" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


@pytest.mark.parametrize(
    "button", [{"withdraw_all": "yes"}, {"withdraw": "product:read"}], ids=["all", "last"]
)
def test_everything_is_withdrawn(tmp_path: Path, button: dict[str, str]) -> None:
    """With all of it, or the last permission, withdrawn, the application's tokens end and it is not shown any more."""

    async def story(server: OAuthServer) -> None:
        browser, client = Browser(server), CodeClient(server)
        token = (await client.tokens(await code_of(browser, client)))["access_token"]
        page = await browser.open("/account")
        fields = {"application": grant_on(page), **button}
        page = await send(page, "/account/applications", **fields)
        assert page.path == "/account?done=withdrawn"
        assert "You have not allowed any application anything." in page.text
        assert await server.introspect(token) == {"active": False}
        again = await send(page, "/account/applications", **fields)
        assert again.path == "/account?done=withdrawn"

    of_server(tmp_path, story)


def test_nobody_withdraws_for_another(tmp_path: Path) -> None:
    """Another person's grant or session is the same as none: the answer is the same and nothing happens."""

    async def story(server: OAuthServer) -> None:
        browser, client = Browser(server), CodeClient(server)
        token = (await client.tokens(await code_of(browser, client)))["access_token"]
        alices = await browser.open("/account")
        (session,) = await server.parts.sessions.of_user("alice")
        bobs = await account(server, "bob")
        for grant in (grant_on(alices), "grt_none"):
            page = await send(bobs, "/account/applications", application=grant, withdraw_all="yes")
            assert page.path == "/account?done=withdrawn"
        lasting = (await server.password("alice", "alice-pass", "lasting-app")).json["access_token"]
        page = await send(bobs, "/account/logins", end="lasting-app")
        assert page.path == "/account?done=login_ended"
        assert (await server.introspect(lasting))["active"]
        for end in (session.id, "sid_none"):
            page = await send(bobs, "/account/sessions", end=end)
            assert page.path == "/account?done=session_ended"
        assert (await server.introspect(token))["active"]
        assert (await browser.open("/account")).path == "/account"

    of_server(tmp_path, story)


def test_browsers_are_logged_out(tmp_path: Path) -> None:
    """A person sees each browser of theirs, this one marked and first, and logs out one or all others."""

    async def story(server: OAuthServer) -> None:
        agents = ("Firefox/140 Linux", "Mozilla (iPhone) Safari/605", "Chrome/141 Windows", "curl/8")
        pages = [await account(server, agent=agent) for agent in agents]
        page = await pages[0].browser.open("/account")
        shown = ["Firefox on Linux", "Safari on iPhone", "Chrome on Windows", "curl"]
        assert all(words in page.text for words in shown)
        assert page.text.index("this browser") < min(page.text.index(words) for words in shown[1:])
        ids = re.findall(r'name="end" value="([^"]+)"', page.text)
        current = {one.id for one in await server.parts.sessions.of_user("alice")} - set(ids)
        assert (len(ids), len(current)) == (3, 1)

        page = await send(page, "/account/sessions", end=ids[0])
        assert page.path == "/account?done=session_ended"
        left = [(await one.browser.open("/account")).path == "/account" for one in pages]
        assert left.count(True) == 3
        page = await send(page, "/account/sessions", others="yes")
        assert page.path == "/account?done=others_ended"
        left = [(await one.browser.open("/account")).path == "/account" for one in pages]
        assert left == [True, False, False, False]
        assert not re.search('name="(end|others)"', page.text)

    of_server(tmp_path, story)


def test_an_application_of_ours_is_logged_out(tmp_path: Path) -> None:
    """The operator's own ask for no consent, so they are no grants: who stays logged in there is shown, and ends it."""

    async def story(server: OAuthServer) -> None:
        logins = [(await server.password("alice", "alice-pass", "lasting-app")).json for _ in range(2)]
        other = (await server.password("alice", "alice-pass", "lasting-jwt-app")).json
        await server.password("alice", "alice-pass", "shop-app")  # without a refresh token: gone by itself
        page = await account(server)
        shown = re.findall(r"<bdi>([^<]*)</bdi>", page.text.partition("Applications that stay logged in")[2])
        assert shown == ["lasting-app", "lasting-jwt-app"]
        assert "2 logins" in page.text

        page = await send(page, "/account/logins", end="lasting-app")
        assert page.path == "/account?done=login_ended"
        assert "That application is logged out." in page.text
        for tokens in logins:
            assert await server.introspect(tokens["access_token"]) == {"active": False}
            form = {"client_id": "lasting-app", "refresh_token": tokens["refresh_token"]}
            refused = await server.post("/oauth/token", {"grant_type": "refresh_token", **form})
            assert refused.json["error"] == "invalid_grant"
        assert (await server.introspect(other["access_token"]))["active"]
        assert "lasting-app<" not in (await page.browser.open("/account")).text
        again = await send(page, "/account/logins", end="lasting-app")
        assert again.path == "/account?done=login_ended"

    of_server(tmp_path, story)


def test_a_new_password(tmp_path: Path) -> None:
    """Every other browser and every token dies; this browser goes on under a new cookie, and the old one is void."""

    async def story(server: OAuthServer) -> None:
        here, elsewhere = await account(server), await account(server)
        client = CodeClient(server, "own-web")
        given = await client.tokens(await code_of(here.browser, client))
        token = given["access_token"]
        before = here.browser.cookies[SESSION]
        page = await change(here, "alice-pass")
        assert page.path == "/account?done=password_changed"
        assert "Your password is changed." in page.text
        assert here.browser.cookies[SESSION] != before
        thief = Browser(server, cookies={SESSION: before})
        assert (await thief.open("/account")).path.startswith("/login?")
        assert (await elsewhere.browser.open("/account")).path.startswith("/login?")
        assert await server.introspect(token) == {"active": False}
        refresh = {
            "grant_type": "refresh_token",
            "client_id": "own-web",
            "refresh_token": given["refresh_token"],
        }
        assert (await server.post("/oauth/token", refresh)).json["error"] == "invalid_grant"
        assert len(await server.parts.sessions.of_user("alice")) == 1
        assert (await server.password("alice", "alice-pass")).status == 400
        assert (await server.password("alice", NEW)).status == 200

    of_server(tmp_path, story)


@pytest.mark.parametrize(
    ("current", "new", "again", "status", "words"),
    [
        ("wrong", NEW, None, 403, "The current password is not right."),
        ("alice-pass", "short", None, 422, "too short: at least 15 characters"),
        ("alice-pass", "가나다라마바사아자차카타파하", None, 422, "too short"),
        ("alice-pass", "x" * 1025, None, 422, "cannot be used"),
        ("alice-pass", NEW, NEW + "!", 422, "are not the same"),
        ("alice-pass", "", None, 422, "too short"),
    ],
)
def test_a_password_that_is_not_changed(
    tmp_path: Path, current: str, new: str, again: str | None, status: int, words: str
) -> None:
    """The page says what is wrong with the form, shows nothing of the passwords, and nothing has changed."""

    async def story(server: OAuthServer) -> None:
        page = await change(await account(server), current, new, again)
        assert (page.status, page.path) == (status, "/account/password")
        assert words in page.text
        assert page.form.fields["current"] == page.form.fields["new"] == page.form.fields["again"] == ""
        assert len(new) < 6 or new not in page.text
        assert (await server.password("alice", "alice-pass")).status == 200

    of_server(tmp_path, story)


def test_the_same_password_again(tmp_path: Path) -> None:
    """A new password that is the current one is told so, however it is spelled in Unicode."""

    async def story(server: OAuthServer) -> None:
        page = await change(await change(await account(server), "alice-pass"), NEW)
        assert (page.status, "The new password is the current one." in page.text) == (422, True)

    of_server(tmp_path, story)


def test_guessing_the_current_password(tmp_path: Path) -> None:
    """Who sits down at somebody's browser cannot try passwords: the login's own throttle stops that."""

    async def story(server: OAuthServer) -> None:
        page = await account(server)
        for _ in range(BUDGETS.per_account_and_source):
            assert (await change(page, "guess")).status == 403
        page = await change(page, "alice-pass")
        assert page.status == 429
        assert int(page.answer.headers["retry-after"]) > 0
        assert "Too many attempts failed." in page.text
        assert server.hasher.verified == 1 + BUDGETS.per_account_and_source

    of_server(tmp_path, story)


def test_a_password_that_is_kept_elsewhere(tmp_path: Path) -> None:
    """A person whom another server vouches for is told so, and is given no form to change a password here."""

    class Elsewhere:
        name = "elsewhere"

        async def prove(self, proof: PasswordProof) -> Identified:
            return Identified("dave", self.name)

        async def close(self) -> None:
            """Nothing to close."""

    async def story(server: OAuthServer) -> None:
        await server.changes.link_outside(OutsidePerson("elsewhere", "dave", "Dave", Held()))
        server.app = oauth_app(server.configured(login=("elsewhere",)))
        page = await account(server, "dave")
        assert "Your password is kept elsewhere" in page.text
        assert (await page.browser.open("/account/password")).path == "/account"
        sent = await send(page, "/account/password", current="x", new=NEW, again=NEW)
        assert sent.path == "/account"

    of_server(tmp_path, story, elsewhere=Elsewhere())


@pytest.mark.parametrize(
    "path", ["/account/applications", "/account/logins", "/account/sessions", "/account/password"]
)
def test_forged_forms(tmp_path: Path, path: str) -> None:
    """A form of another site, of another session or of none is refused with 403, says so, and nothing is done."""

    async def story(server: OAuthServer) -> None:
        page, other = await account(server), await account(server)
        fields = {"others": "yes", "current": "alice-pass", "new": NEW, "again": NEW, "withdraw_all": "yes"}
        csrf = page.form.fields["csrf"]
        attempts = [
            ({}, {}),
            ({"csrf": "x"}, {}),
            ({"csrf": other.form.fields["csrf"]}, {}),
            ({"csrf": csrf}, {"origin": "https://evil.example"}),
            ({"csrf": csrf}, {"sec_fetch_site": "cross-site"}),
        ]
        for more, headers in attempts:
            answer = await page.browser.post(path, {**fields, **more}, **headers)
            assert answer.status == 403
            assert "did not come from a page that we showed" in answer.text
        assert len(await server.parts.sessions.of_user("alice")) == 2
        assert (await server.password("alice", "alice-pass")).status == 200

    of_server(tmp_path, story)


def test_addresses_of_forms(tmp_path: Path) -> None:
    """Who opens the address of a form is shown the account, and who opens none of ours a page that says so."""

    async def story(server: OAuthServer) -> None:
        page = await account(server)
        for path in ("/account/applications", "/account/logins", "/account/sessions"):
            assert (await page.browser.open(path)).path == "/account"
        nothing = await page.browser.open("/account/nothing")
        assert (nothing.status, "There is nothing here" in nothing.text) == (404, True)

    of_server(tmp_path, story)


def test_a_disabled_person_is_nobody(tmp_path: Path) -> None:
    """Who is disabled has no account page any more, from the next request on."""

    async def story(server: OAuthServer) -> None:
        page = await account(server)
        await server.changes.disable_user("alice", actor="cli:root")
        assert (await page.browser.open("/account")).path.startswith("/login?")

    of_server(tmp_path, story)


def test_an_outage_is_ours(tmp_path: Path) -> None:
    """When nobody can tell who it is, the page is a 503 that says so; nobody is sent to log in."""

    async def story(server: OAuthServer) -> None:
        page = await account(server)
        server.app = oauth_app(replace(server.parts, sessions=Down()))
        page = await page.browser.open("/account")
        assert (page.status, page.answer.headers["retry-after"]) == (503, "1")
        assert "It is our fault, not yours." in page.text
        assert "r-1" in page.text

    of_server(tmp_path, story)


class Unconfirmed:
    """The real changes, as if a process that answers had not confirmed any of them."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            done = await getattr(self._changes, name)(*args, **more)
            return Applied(done.n, frozenset({"n/answer-1"})) if isinstance(done, Applied) else done

        return call


def test_a_change_that_is_not_confirmed(tmp_path: Path) -> None:
    """While a process may still let in what was taken back, no page says that it is gone: 503, when asked again as well."""

    async def story(server: OAuthServer) -> None:
        browser, client = Browser(server), CodeClient(server)
        await code_of(browser, client, scope="product:read order:read")
        page, other = await browser.open("/account"), await account(server)
        server.app = oauth_app(replace(server.parts, changes=Unconfirmed(server.changes)))
        (ended,) = re.findall(r'name="end" value="([^"]+)"', (await browser.open("/account")).text)
        for path, fields in (
            ("/account/applications", {"application": grant_on(page), "withdraw": "order:read"}),
            ("/account/applications", {"application": grant_on(page), "withdraw_all": "yes"}),
            ("/account/sessions", {"end": ended}),
            ("/account/sessions", {"others": "yes"}),
            ("/account/logins", {"end": "lasting-app"}),
        ):
            for _ in range(2):
                sent = await send(page, path, **fields)
                assert (sent.status, "It is our fault" in sent.text) == (503, True)
        changed = await change(page, "alice-pass")
        assert changed.path == "/account?done=password_changing"
        assert (await other.browser.open("/account")).path.startswith("/login?")

    of_server(tmp_path, story)


def test_the_language_is_remembered(tmp_path: Path) -> None:
    """What a person chose at the foot of one page is the language of all, whatever the browser or an application asks."""

    async def story(server: OAuthServer) -> None:
        page = await account(server)
        assert '<html lang="en">' in page.text
        page = await page.browser.open("/account?lang=ko")
        assert '<html lang="ko">' in page.text
        page = await page.browser.open("/account/password")
        assert "비밀번호 바꾸기" in page.text
        page = await page.browser.open("/account?lang=xx")
        assert '<html lang="ko">' in page.text

    of_server(tmp_path, story)


def test_headers_of_a_page(tmp_path: Path) -> None:
    """Nothing of a page is stored, framed, sent elsewhere or run."""

    async def story(server: OAuthServer) -> None:
        headers = (await account(server)).answer.headers
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"

    of_server(tmp_path, story)


def test_many_permissions(tmp_path: Path) -> None:
    """A person ticks a hundred permissions one by one, and withdraws one of them: the other ninety-nine stay."""

    async def story(server: OAuthServer) -> None:
        scopes = [f"thing{number}:read" for number in range(100)]
        browser, client = Browser(server), CodeClient(server)
        page = await log_in(await browser.open(client.address(scope=" ".join(scopes))))
        page = await page.send(decision="allow", **{f"grant:{scope}": "yes" for scope in scopes})
        token = (await client.tokens(page.told["code"]))["access_token"]
        page = await browser.open("/account")
        page = await send(page, "/account/applications", application=grant_on(page), withdraw=scopes[7])
        left = set((await server.introspect(token))["scope"].split())
        assert left == set(scopes) - {scopes[7]}

    of_server(tmp_path, story)


def test_a_client_that_registered_itself(tmp_path: Path) -> None:
    """The consent page warns that nobody here vouches for its name; the account page shows it like any other."""

    async def story(server: OAuthServer) -> None:
        like = replace(as_registered(CLIENTS["web"], None), id="dyn-1", name="The Shop")
        client = replace(like, registration_sha256=bytes(32))
        await server.changes.register_client(client, actor="client:dyn-1")
        browser, dynamic, ours = Browser(server), CodeClient(server, "dyn-1"), CodeClient(server)
        page = await log_in(await browser.open(dynamic.address()))
        assert "This application registered itself." in page.text
        assert "registered itself" not in (await browser.open(ours.address())).text
        await page.send(decision="all")
        assert "The Shop" in (await browser.open("/account")).text

    of_server(tmp_path, story)
