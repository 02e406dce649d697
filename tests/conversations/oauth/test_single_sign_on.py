"""One login for every host: a browser that goes from host to host, and what others try with its links."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sumun.oauth.handoff import CODE_SECONDS, REQUEST_SECONDS
from tests.conversations.oauth.browser import HOST, Browser, Page
from tests.conversations.oauth.code_flow import log_in
from tests.conversations.oauth.oauth_server import OAuthServer
from tests.conversations.oauth.stories import story

SHOP, NEWS = "shop.example.com", "news.example.com"
START = "/login/start?return=%2Fpage%3Fa%3D1"
SESSION = "__Host-sumun_session"
LOGIN = "__Host-sumun_login"


class Browsing:
    """One person's browser on all hosts: the cookies of each are its own."""

    def __init__(self, server: OAuthServer) -> None:
        self._server = server
        self._on: dict[str, Browser] = {}

    def at(self, host: str) -> Browser:
        if host not in self._on:
            self._on[host] = Browser(self._server, headers={"host": host})
        return self._on[host]

    async def go(self, address: str) -> Page:
        """Follow redirects from host to host, until a page or an address that is not the OAuth server's."""
        while True:
            parts = urlsplit(address)
            page = await self.at(parts.netloc).open(f"{parts.path}?{parts.query}")
            if page.answer.status != 303 or not _is_ours(page.left_to):
                return page
            address = page.left_to

    async def log_in(self, page: Page) -> Page:
        """On the login page; and on."""
        page = await log_in(page)
        return await self.go(page.left_to) if _is_ours(page.left_to) else page

    def session(self, host: str) -> str | None:
        return self.at(host).cookies.get(SESSION)


def _is_ours(address: str) -> bool:
    return urlsplit(address).path.startswith("/login")


@story
async def test_once_for_all_hosts(server: OAuthServer) -> None:
    """The first host shows the login page, the others none; each has a cookie of its own, all of one session."""
    browser = Browsing(server)
    page = await browser.go(f"https://{SHOP}{START}")
    assert (page.status, page.path.partition("?")[0]) == (200, "/login")
    page = await browser.log_in(page)
    assert page.path == "/page?a=1"
    page = await browser.go(f"https://{NEWS}{START}")
    assert page.path == "/page?a=1"
    page = await browser.go(f"https://{HOST}{START}")
    assert page.path == "/page?a=1"
    cookies = [browser.session(host) for host in (SHOP, NEWS, HOST)]
    assert len(set(cookies)) == 3
    found = [await server.parts.sessions.find(cookie) for cookie in cookies]
    assert len({one.id for one in found if one is not None}) == 1


@story
async def test_out_everywhere(server: OAuthServer) -> None:
    """When the session ends, no host's cookie is good any more, and the next visit leads to the login page."""
    browser = Browsing(server)
    await browser.log_in(await browser.go(f"https://{SHOP}{START}"))
    await browser.go(f"https://{NEWS}{START}")
    session = await server.parts.sessions.find(browser.session(SHOP))
    assert session is not None
    await server.parts.sessions.end(session.id, actor="user:alice")
    for host in (SHOP, NEWS, HOST):
        assert await server.parts.sessions.find(browser.session(host)) is None
        assert (await browser.go(f"https://{host}{START}")).path.startswith("/login?")


@story
async def test_as_somebody_else(server: OAuthServer) -> None:
    """`other=1` shows the login page to who is logged in, once for each link, and only that; then it is as ever."""
    browser = Browsing(server)
    await browser.log_in(await browser.go(f"https://{SHOP}{START}"))
    page = await browser.go(f"https://{SHOP}{START}&other=1")
    assert (page.status, page.path.partition("?")[0]) == (200, "/login")
    assert (await browser.go(f"https://{NEWS}{START}")).path == "/page?a=1", "nothing has ended yet"
    assert (await browser.log_in(page)).path == "/page?a=1"
    for no in ("", "0", "2", "1&other=1"):
        assert (await browser.go(f"https://{SHOP}{START}&other={no}")).path == "/page?a=1"
    there = await browser.at("192.0.2.1").open(f"{START}&other=1")
    assert there.left_to == f"https://{HOST}/login/start?return=%2Fpage%3Fa%3D1&other=1"


async def stopped_before_handoff(server: OAuthServer, browser: Browsing) -> str:
    """Somebody is logged in at the login host, and has a code for SHOP in their address bar."""
    await browser.log_in(await browser.go(f"https://{HOST}{START}"))
    there = (await browser.at(SHOP).open(START)).left_to
    parts = urlsplit(there)
    page = await browser.at(HOST).open(f"{parts.path}?{parts.query}")
    assert page.left_to.startswith(f"https://{SHOP}/login/handoff?code=")
    assert page.answer.headers["referrer-policy"] == "no-referrer"
    return page.left_to


@story
async def test_a_code_is_good_once_and_here(server: OAuthServer) -> None:
    """In another browser, on another host, twice or a minute late, a code is of no use, and is spent."""
    for wrong in ("browser", "host", "late", "twice"):
        browser, thief = Browsing(server), Browsing(server)
        code = await stopped_before_handoff(server, browser)
        if wrong == "browser":
            await thief.go(f"https://{SHOP}{START}")  # so that it has a cookie of its own
            assert (await thief.go(code)).status == 400
        elif wrong == "host":
            browser.at(NEWS).cookies[LOGIN] = browser.at(SHOP).cookies[LOGIN]
            assert (await browser.go(code.replace(SHOP, NEWS))).status == 400
        elif wrong == "late":
            server.clock.seconds += CODE_SECONDS + 1
        else:
            assert (await browser.go(code)).path == "/page?a=1"
        page = await browser.go(code)
        assert (page.status, thief.session(SHOP)) == (400, None)
        assert "/login" not in page.left_to


@story
async def test_a_handle_is_no_code(server: OAuthServer) -> None:
    """The handle of a request, which its browser knows, brings no session; nor does a code begin anything."""
    browser = Browsing(server)
    await browser.log_in(await browser.go(f"https://{HOST}{START}"))
    there = (await browser.at(SHOP).open(START)).left_to
    handle = parse_qs(urlsplit(there).query)["request"][0]
    assert (await browser.at(SHOP).open(f"/login/handoff?code={handle}")).status == 400
    code = parse_qs(urlsplit(await stopped_before_handoff(server, browser)).query)["code"][0]
    assert (await browser.at(HOST).open(f"/login/continue?request={code}")).status == 400


@story
async def test_a_request_of_yesterday(server: OAuthServer) -> None:
    """A request has a quarter of an hour, and counts at the login host alone."""
    browser = Browsing(server)
    there = (await browser.at(SHOP).open(START)).left_to
    parts = urlsplit(there)
    assert (await browser.at(NEWS).open(f"{parts.path}?{parts.query}")).status == 400
    server.clock.seconds += REQUEST_SECONDS + 1
    assert (await browser.go(there)).status == 400


@story
async def test_ended_on_the_way(server: OAuthServer) -> None:
    """A session that ends while its code is under way gives no cookie."""
    browser = Browsing(server)
    code = await stopped_before_handoff(server, browser)
    session = await server.parts.sessions.find(browser.session(HOST))
    assert session is not None
    await server.parts.sessions.end(session.id, actor="user:alice")
    assert (await browser.go(code)).status == 400
    assert browser.session(SHOP) is None


@pytest.mark.parametrize(
    "there",
    ["https://evil.example", "//evil.example", "/\\evil.example", "page", "", "/a b", "/%0d", "/" * 5000],
)
def test_no_open_redirect(tmp_path: Path, there: str) -> None:
    """Only a path of the same host is gone back to."""

    @story
    async def whole(server: OAuthServer) -> None:
        from urllib.parse import urlencode

        page = await Browsing(server).at(SHOP).open(f"/login/start?{urlencode({'return': there})}")
        assert (page.status, page.left_to) == ((303, page.left_to) if there == "/%0d" else (400, ""))

    whole(tmp_path)


@story
async def test_names_that_are_not_ours(server: OAuthServer) -> None:
    """Under a name that no configuration holds nobody is logged in: the browser is sent to the login host as a whole.

    Whoever could make us send a code to a name of theirs would be logged in as its person.
    """
    browser = Browsing(server)
    for host in ("evil.example", f"{SHOP}:8443", f"{SHOP}.evil.example", f"{HOST}:444", "192.0.2.1"):
        page = await browser.at(host).open(START)
        assert page.left_to == f"https://{HOST}{START}"
        assert browser.at(host).cookies == {}
        assert (await browser.at(host).open("/login/handoff?code=x")).status == 400
    assert (await browser.at(SHOP.upper()).open(START)).left_to.startswith(f"https://{HOST}/login/continue?")
