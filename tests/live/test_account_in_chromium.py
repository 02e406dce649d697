"""The account through the running gateway, in a browser that runs no scripts: what is taken back is gone at the next call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documentation.session import fresh_demo
from tests.live.chromium import DESKTOP, PHONE, Browser, Page, chromium
from tests.live.demo_node import DemoNode

LOGIN, SUBMIT = "button[value=login]", "main form .first"
NEW_PASSWORD = "a new moon over the shop"


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[DemoNode]:
    """One demo for all of these."""
    with fresh_demo() as demo:
        yield demo


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium; each window is another person's."""
    with chromium() as running:
        yield running


def shop_of(node: DemoNode) -> str:
    """Where the demo is."""
    return f"http://127.0.0.1:{node.port}"


def log_in(page: Page, name: str, password: str | None = None) -> None:
    """Fill in the login page."""
    page.type("#username", name)
    page.type("#password", password or f"{name}-demo-pass")
    page.press(LOGIN)


def answered(page: Page) -> dict[str, str]:
    """What the gateway answers to each call of the shop's web application, now."""
    return dict(re.findall(r"((?:GET|POST|DELETE) \S+)\s+(\d{3})", page.text))


def test_what_was_allowed_is_taken_back(node: DemoNode, browser: Browser) -> None:
    """A person allows two permissions, withdraws one, then all; each call of the shop is answered accordingly at once."""
    page = browser.page(PHONE, scripts=False, language="ko-KR,ko;q=0.9")
    page.go(f"{shop_of(node)}/demo/login")
    assert "로그인" in page.text
    log_in(page, "alice")
    assert all(words in page.text for words in ("Order Helper 주문 도우미", "상품 보기", "주문하기"))
    page.click('label:has([name="grant:product:read"])')
    page.click('label:has([name="grant:order:read"])')
    page.press("button[value=allow]")
    may = {"GET /products": "200", "POST /products": "403", "DELETE /products/1": "403", "GET /orders": "200"}
    assert answered(page) == may

    page.go(f"{shop_of(node)}/account")
    assert all(
        words in page.text
        for words in ("내 계정", "Order Helper 주문 도우미", "주문 보기", "지금 이 브라우저")
    )
    page.press('button[value="order:read"]')
    assert "철회했습니다" in page.text
    page.go(f"{shop_of(node)}/demo")
    assert answered(page) == may | {"GET /orders": "403"}

    page.go(f"{shop_of(node)}/account")
    page.press("button[name=withdraw_all]")
    assert "권한을 허용한 애플리케이션이 없습니다" in page.text
    page.go(f"{shop_of(node)}/demo")
    assert set(answered(page).values()) == {"401"}
    assert [one for one in page.complaints if "/favicon.ico" not in one] == []  # the shop has none


def test_browsers_and_a_new_password(node: DemoNode, browser: Browser) -> None:
    """Two browsers of one person see each other; a new password logs the other one out and keeps this one."""
    here, there = (browser.page(DESKTOP, scripts=False) for _ in range(2))
    for page in (here, there):
        page.go(f"{shop_of(node)}/account")
        log_in(page, "carol")
        page.until("location.pathname == '/account'")
    here.go(f"{shop_of(node)}/account")
    assert here.text.count("Chrome on Linux") == 2
    before = here.cookies()["__Host-sumun_session"]
    assert (before["secure"], before["httpOnly"], before["sameSite"]) == (True, True, "Lax")

    here.press('a[href="/account/password"]')
    for field, text in (("current", "wrong"), ("new", NEW_PASSWORD), ("again", NEW_PASSWORD)):
        here.type(f"#{field}", text)
    here.press(SUBMIT)
    assert "The current password is not right." in here.text
    assert here.evaluate("document.activeElement.id") == "current"
    for field, text in (("current", "carol-demo-pass"), ("new", NEW_PASSWORD), ("again", NEW_PASSWORD)):
        here.type(f"#{field}", text)
    here.press(SUBMIT)
    assert "Your password is changed." in here.text
    assert here.cookies()["__Host-sumun_session"]["value"] != before["value"]
    there.go(f"{shop_of(node)}/account")
    assert there.url.startswith(f"{shop_of(node)}/login?")
    log_in(there, "carol")
    assert "User name or password is not right." in there.text
    log_in(there, "carol", NEW_PASSWORD)
    there.until("location.pathname == '/account'")

    there.press("button[name=others]")
    assert "All other browsers are logged out." in there.text
    here.go(f"{shop_of(node)}/account")
    assert here.url.startswith(f"{shop_of(node)}/login?")


def test_logged_out_is_logged_out_everywhere(node: DemoNode, browser: Browser) -> None:
    """A person leaves on the account page, after a question; the shop's token, issued in that session, ends with it."""
    page = browser.page(PHONE, scripts=False)
    page.go(f"{shop_of(node)}/demo/login")
    log_in(page, "bob")
    page.press("button[value=all]")
    assert answered(page)["GET /products"] == "200"
    page.go(f"{shop_of(node)}/account")
    page.press('a[href="/oauth/logout"]')
    assert all(words in page.text for words in ("Log out?", "Bob 밥"))
    page.press("button[value=stay]")
    assert page.url == f"{shop_of(node)}/account"
    page.press('a[href="/oauth/logout"]')
    page.press("button[value=logout]")
    assert "You are logged out" in page.text
    assert "__Host-sumun_session" not in page.cookies()
    page.go(f"{shop_of(node)}/demo")
    assert set(answered(page).values()) == {"401"}
    page.go(f"{shop_of(node)}/account")
    assert page.url.startswith(f"{shop_of(node)}/login?")


def test_the_stylesheet_comes_through_the_gate(node: DemoNode, browser: Browser) -> None:
    """The pages are dressed, in light and in dark, by what the gateway itself serves; nothing is loaded from elsewhere."""
    page = browser.page(PHONE, scripts=False)
    seen = set()
    for dark in (False, True):
        page.resize(PHONE, dark=dark)
        page.go(f"{shop_of(node)}/account")
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert loaded
        assert all(name.startswith((f"{shop_of(node)}/account/assets/", "data:")) for name in loaded)
    assert len(seen) == 2
    assert page.complaints == []
