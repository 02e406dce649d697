"""What a real browser does with our cookie: it takes it over plain http on this machine, and says whose page a request is of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.browser_world import BrowserNode, browser_node
from tests.live.chromium import Page, chromium

CONFIG = """
listen: 127.0.0.1:PORT
limits: {decision_timeout: 2s}
services:
  shop: {url: http://127.0.0.1:SERVICE}
roles:
  user: ["shop:read"]
routes:
  - {path: /shop, service: shop, require: shop:read, session: true}
  - {path: /ws, service: shop, require: shop:read, session: true}
  - {host: localhost, path: /shop, service: shop, require: shop:read, session: true}
  - {host: localhost, path: /ws, service: shop, require: shop:read, session: true}
"""
SOCKET = """new Promise(told => {
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => { told("open"); socket.close(); };
  socket.onerror = () => told("refused");
})"""


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[BrowserNode]:
    """A gateway that is called by two names of this machine."""
    with browser_node(haproxy, CONFIG, "ann") as node:
        yield node


def status_of(page: Page, method: str) -> int:
    """A call by a script of the page."""
    return int(page.evaluate(f"fetch('/shop', {{method: '{method}'}}).then(answer => answer.status)"))


def test_in_a_real_browser(node: BrowserNode) -> None:
    """Sent to the login page and back; known on the other host without a question; calls and WebSockets of our own pages
    pass; logged out, no host knows it.
    """
    home, other = f"http://127.0.0.1:{node.port}", f"http://localhost:{node.port}"
    with chromium() as browser:
        page = browser.page(scripts=True)
        page.go(f"{home}/shop?a=1")
        page.type("#username", "ann")
        page.type("#password", "ann-demo-pass")
        page.press("button[value=login]")
        page.until("location.pathname == '/shop' && location.search == '?a=1'")
        assert '"ann"' in page.text
        assert "__Host-sumun" not in page.text
        page.go(f"{other}/shop")
        page.until("location.host.startsWith('localhost') && location.pathname == '/shop'")
        assert '"ann"' in page.text
        assert [status_of(page, method) for method in ("GET", "POST", "DELETE")] == [200, 200, 200]
        assert page.evaluate(SOCKET) == "open"
        assert page.evaluate("document.cookie") == ""

        page.go(f"{home}/oauth/logout")
        page.press("button[value=logout]")
        page.go(f"{other}/shop")
        page.until("location.pathname == '/login'")
        assert page.evaluate("location.host") == f"127.0.0.1:{node.port}"
