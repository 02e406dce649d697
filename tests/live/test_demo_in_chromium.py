"""The demo as a visitor with a browser sees it: one login, by cookie, for the shop's pages, an application and the account."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.chromium import DESKTOP, PHONE, Browser, Page, chromium
from tests.live.demo_node import DemoNode
from tests.live.person import CONSENT, LOGIN, Person


@pytest.fixture(scope="module")
def demo(haproxy: Path) -> Iterator[DemoNode]:
    """A demo of this file's own."""
    node = DemoNode(Path(f"/tmp/smn-walk-{os.getpid()}-{time.time_ns() % 10**6}"))
    node.start()
    try:
        yield node
    finally:
        node.stop()
        shutil.rmtree(node.data, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    with chromium() as running:
        yield running


def look(page: Page, name: str) -> None:
    """Pictures, when somebody wants to look at them."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        for size, dark in ((DESKTOP, False), (PHONE, True)):
            page.resize(size, dark=dark)
            page.screenshot(Path(folder) / f"demo {name}{' dark phone' if dark else ''}.png")
        page.resize(DESKTOP)


def test_one_login_is_known_everywhere(demo: DemoNode, browser: Browser) -> None:
    """The shop's pages lead to one login; the application, another host and the account know it; one logout ends it."""
    base = f"http://127.0.0.1:{demo.port}"
    page = browser.page()
    bob = Person(page, "bob", allows={"product:read"})

    # The shop's own pages: a cookie instead of a token, and forms.
    page.go(f"{base}/my")
    assert page.has(LOGIN)
    bob.log_in()
    assert page.url == f"{base}/my"
    assert "Bob 밥" in page.text
    page.type("input[name=wish]", "<b>a kite 연</b>")
    page.press("form button")
    assert "<b>a kite 연</b>" in page.text
    look(page, "my")
    page.go(f"{base}/my/office")
    assert "You are logged in as Bob 밥, and this page is not for that account" in page.text
    look(page, "not for Bob")
    assert "403" in page.complaints.pop()

    # The same at another host, without another login.
    page.go(f"http://shop.localhost:{demo.port}/my")
    assert page.url == f"http://shop.localhost:{demo.port}/my"
    assert "a kite" in page.text

    # Somebody else's application: no login either, but a question.
    page.go(f"{base}/demo")
    look(page, "somebody else's")
    page.press('a[href="/demo/login"]')
    assert page.has(CONSENT)
    bob.decide()
    assert page.url == f"{base}/demo"
    answered = page.evaluate(
        "[...document.querySelectorAll('tr')].slice(1).map(row => row.children[1].innerText)"
    )
    assert answered == ["200", "403", "403", "403"]
    look(page, "somebody else's, allowed")
    page.go(f"{base}/account")
    assert "Order Helper 주문 도우미" in page.text
    look(page, "account")

    # One logout.
    page.go(f"{base}/my")
    page.press('a[href="/oauth/logout"]')
    page.press("button[value=logout]")
    for address in (f"{base}/my", f"http://shop.localhost:{demo.port}/my", f"{base}/account"):
        page.go(address)
        assert page.has(LOGIN), address
    assert [one for one in page.complaints if "favicon" not in one] == []


def test_admins_enter_the_office(demo: DemoNode, browser: Browser) -> None:
    """A session carries roles: alice is let in where bob is not, and `require` says so, not the service."""
    page = browser.page()
    Person(page, "alice").visit(f"http://127.0.0.1:{demo.port}/my/office")
    assert "All doors are open" in page.text
