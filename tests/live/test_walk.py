"""A person's day with a browser that runs no scripts, through a whole gateway: log in once, refuse one permission, take
another back, log out; after each step every call is answered accordingly. What was seen is in $SCREENSHOTS, if that names
a folder.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session

from tests.live.application_pages import Application, application
from tests.live.browser_world import BrowserNode, browser_node
from tests.live.chromium import DESKTOP, PHONE, Browser, Page, chromium
from tests.live.demo_node import call
from tests.live.node_under_test import until
from tests.live.person import CONSENT, LOGIN, Person

SHOP, NEWS = "shop.localhost", "news.localhost"
CONFIG = """\
listen: 127.0.0.1:PORT
issuer: http://127.0.0.1:PORT
services:
  pages: {url: http://127.0.0.1:SERVICE}
permissions:
  product:read: {en: See the products, ko: 상품 보기}
  order:read: {en: See your orders, ko: 주문 보기}
roles:
  user: ["product:read", "order:read"]
routes:
  - {host: shop.localhost, path: "/**", service: pages, session: true}
  - {host: news.localhost, path: "/**", service: pages, session: true}
  - {path: /products, service: pages, require: product:read}
  - {path: /orders, service: pages, require: order:read}
  - {path: /events, service: pages, require: product:read, stream: true}
clients:
  - id: budget
    name: My Budget
    kind: public
    grants: [authorization_code, refresh_token]
    redirect_uris: ["http://127.0.0.1/callback"]
    scopes: ["product:*", "order:*"]
  - id: planner
    name: Planner
    kind: public
    grants: [authorization_code, refresh_token]
    redirect_uris: ["http://127.0.0.1/callback"]
    scopes: ["product:*", "order:*"]
    token: jwt
limits: {decision_timeout: 2s, wrong_tokens_per_source: 100000}
"""
FAVICON = "/favicon.ico"  # what a browser asks of hosts whose pages name none: not the gateway's


@dataclass
class Eyes:
    """Writes down what was on the screen, as a phone and a desktop would show it."""

    page: Page
    folder: Path
    count: int = 0

    def look(self, name: str) -> None:
        """Pictures of the page as it is."""
        self.count += 1
        for size, dark in ((DESKTOP, False), (PHONE, True)):
            self.page.resize(size, dark=dark)
            self.page.screenshot(self.folder / f"{self.count:02} {name}{' dark phone' if dark else ''}.png")
        self.page.resize(DESKTOP)


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[BrowserNode]:
    """A gateway with a login host and two hosts with pages."""
    with browser_node(haproxy, CONFIG, "dana") as node:
        yield node


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def somewhere() -> Iterator[Application]:
    """Where the applications have people come back to."""
    with application() as running:
        yield running


@contextmanager
def client(node: BrowserNode, name: str, somewhere: Application) -> Iterator[OAuth2Session]:
    """An application."""
    with OAuth2Session(
        name,
        scope="openid product:read order:read",
        redirect_uri=somewhere.redirect,
        code_challenge_method="S256",
        token_endpoint=f"{gate(node)}/oauth/token",
        token_endpoint_auth_method="none",
    ) as session:
        yield session


def gate(node: BrowserNode) -> str:
    """The issuer, which is the login host."""
    return f"http://127.0.0.1:{node.port}"


def log_in(node: BrowserNode, session: OAuth2Session, person: Person, **more: str) -> dict[str, Any]:
    """Send the person through, and take the code to the token endpoint."""
    verifier = secrets.token_urlsafe(48)
    url, state = session.create_authorization_url(
        f"{gate(node)}/oauth/authorize", code_verifier=verifier, **more
    )
    arrived = person.visit(url)
    token: dict[str, Any] = session.fetch_token(
        f"{gate(node)}/oauth/token", authorization_response=arrived, state=state, code_verifier=verifier
    )
    return token


def answered(node: BrowserNode, token: dict[str, Any]) -> list[int]:
    """What the gateway says to a call that shows products, and to one that shows orders."""
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    return [call(node.port, "GET", path, bearer).status for path in ("/products", "/orders")]


@contextmanager
def stream(node: BrowserNode, token: dict[str, Any]) -> Iterator[socket.socket]:
    """An open event stream."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as wire:
        request = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token['access_token']}\r\n\r\n"
        wire.sendall(request.encode())
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")
        yield wire


def is_cut(wire: socket.socket) -> bool:
    """Whether the gateway has ended the stream."""
    wire.settimeout(0.05)
    try:
        return wire.recv(65536) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_day(
    node: BrowserNode,
    browser: Browser,
    somewhere: Application,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Login, consent with one permission refused, calls; withdraw, refused; log out, refused everywhere."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    page = browser.page(scripts=False)
    eyes = Eyes(page, Path(os.environ.get("SCREENSHOTS") or tmp_path))
    dana = Person(page, "dana", allows={"product:read"})

    # A page of the shop: the login host asks who it is, and brings her back to where she was going.
    page.go(f"http://{SHOP}:{node.port}/cart?of=dana")
    assert page.url.startswith(f"{gate(node)}/login?")
    eyes.look("login")
    page.type("#username", "dana")
    page.type("#password", "not her password")
    page.press("button[value=login]")
    assert page.has(LOGIN)
    eyes.look("login refused")
    assert "403" in page.complaints.pop()
    dana.log_in()
    assert page.url == f"http://{SHOP}:{node.port}/cart?of=dana"
    assert '"x-user-id", "dana"' in page.text
    page.go(f"http://{NEWS}:{node.port}/")
    assert '"x-user-id", "dana"' in page.text  # another host, and no second login

    # An application: no login again, one question; one of two permissions is refused.
    with client(node, "budget", somewhere) as budget, client(node, "planner", somewhere) as planner:
        page.go(budget.create_authorization_url(f"{gate(node)}/oauth/authorize", code_verifier="v" * 43)[0])
        assert page.has(CONSENT)
        assert not page.has(LOGIN)
        eyes.look("consent")
        of_budget = log_in(node, budget, dana)
        assert of_budget["scope"] == "openid product:read"
        assert answered(node, of_budget) == [200, 403]

        # Another one, which gets JWTs and is allowed everything.
        dana.allows = None
        of_planner = log_in(node, planner, dana)
        assert answered(node, of_planner) == [200, 200]
        with stream(node, of_planner) as open_stream:
            # She takes back what she allowed the first: refused from the next call on, and nobody else is.
            page.go(f"{gate(node)}/account")
            eyes.look("account")
            page.press(
                'form:has(input[name=application]):has(button[aria-label*="My Budget"]) button[name=withdraw_all]'
            )
            eyes.look("account after withdrawing")
            assert answered(node, of_budget) == [401, 401]
            assert answered(node, of_planner) == [200, 200]
            assert not is_cut(open_stream)

            # She logs out, once.
            page.press('a[href="/oauth/logout"]')
            eyes.look("log out")
            page.press("button[value=logout]")
            eyes.look("logged out")
            assert answered(node, of_planner) == [401, 401]
            until(lambda: is_cut(open_stream), why="the stream ends with the session")
        renewed = {
            "grant_type": "refresh_token",
            "client_id": "planner",
            "refresh_token": of_planner["refresh_token"],
        }
        assert node.form("/oauth/token", renewed).json["error"] == "invalid_grant"
        for host in (SHOP, NEWS):
            page.go(f"http://{host}:{node.port}/")
            assert page.url.startswith(f"{gate(node)}/login?"), host
        silent, _ = planner.create_authorization_url(
            f"{gate(node)}/oauth/authorize", code_verifier="v" * 43, prompt="none"
        )
        page.go(silent)
        assert "error=login_required" in page.url
    assert [one for one in page.complaints if FAVICON not in one] == []
    assert len(list(eyes.folder.glob("*.png"))) >= 2 * eyes.count
