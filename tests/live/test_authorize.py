"""A person, a browser, an application that is not ours: login, consent, code and token through the running gateway."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.documentation.session import fresh_demo
from tests.live.demo_node import DemoNode
from tests.live.visitor import Page, Visitor


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[DemoNode]:
    """One demo for all of these."""
    with fresh_demo() as demo:
        yield demo


@dataclass
class App:
    """The client shop-web on a loopback port of its own, spoken by hand."""

    node: DemoNode
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    redirect_uri: str = "http://127.0.0.1:51004/demo/callback"

    def request(self, **more: str) -> dict[str, str]:
        """The parameters of an authorization request."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": "shop-web",
            "redirect_uri": self.redirect_uri,
            "scope": "product:read order:read",
            "state": "s",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **more,
        }

    def address(self, **more: str) -> str:
        """Where it sends a browser."""
        return f"/oauth/authorize?{urlencode(self.request(**more))}"

    def redeem(self, page: Page) -> Any:
        """The answer to the token request for the code that this page was left with."""
        assert page.address.startswith(self.redirect_uri), page
        form = {
            "grant_type": "authorization_code",
            "client_id": "shop-web",
            "code": page.told["code"],
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.node.form("/oauth/token", form)


def test_the_demos_web_application(node: DemoNode) -> None:
    """bob logs in from the shop's page, refuses one permission, and the shop can do what he granted and no more."""
    visitor = Visitor(node.port)
    assert "Nobody is logged in" in visitor.open("/demo").text
    page = visitor.open("/demo/login")
    assert page.address.startswith(f"{visitor.origin}/login?")
    page = visitor.log_in(page, "bob", "wrong")
    assert (page.status, "__Host-sumun_session" in visitor.cookies) == (403, False)
    page = visitor.log_in(page, "bob")
    assert page.boxes == ["order:create", "order:read", "product:create", "product:delete", "product:read"]
    assert all(
        words in page.text for words in ("The Shop 가게", "Bob 밥", "See the products", "See the orders")
    )
    page = visitor.send(
        page, **{"decision": "allow", "grant:product:read": "yes", "grant:order:create": "yes"}
    )
    assert page.address == f"{visitor.origin}/demo"
    assert "order:create product:read" in page.text
    answered = dict(re.findall(r"<code>((?:GET|POST|DELETE) [^<]*)</code><td>(\d+)", page.text))
    assert answered == {
        "GET /products": "200",
        "POST /products": "403",
        "DELETE /products/1": "403",
        "GET /orders": "403",
    }


def test_any_loopback_port_and_a_replay(node: DemoNode) -> None:
    """A native app on a port of its own gets its code; the code's second use ends the token at the gate."""
    app, visitor = App(node), Visitor(node.port)
    page = visitor.send(visitor.log_in(visitor.open(app.address()), "alice"), decision="all")
    given = app.redeem(page)
    assert (given.status, given.json["scope"]) == (200, "order:read product:read")
    token = given.json["access_token"]
    assert [node.call("GET", "/products", token).status for _ in range(3)] == [200] * 3
    again = app.redeem(page)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert node.call("GET", "/products", token).status == 401


def test_remembered(node: DemoNode) -> None:
    """Once logged in and asked, a browser gets codes without a page; another browser gets nothing silently."""
    app, visitor = App(node), Visitor(node.port)
    visitor.send(visitor.log_in(visitor.open(app.address()), "carol"), decision="all")
    page = visitor.open(app.address(prompt="none"))
    assert app.redeem(page).status == 200
    told = Visitor(node.port).open(app.address(prompt="none")).told
    assert {name: told[name] for name in ("error", "state", "iss")} == {
        "error": "login_required",
        "state": "s",
        "iss": visitor.origin,
    }


def test_pushed(node: DemoNode) -> None:
    """A pushed request is taken up once (RFC 9126)."""
    app, visitor = App(node), Visitor(node.port)
    pushed = node.form("/oauth/par", app.request())
    assert pushed.status == 201
    address = (
        f"/oauth/authorize?{urlencode({'client_id': 'shop-web', 'request_uri': pushed.json['request_uri']})}"
    )
    page = visitor.open(address)
    assert page.address.startswith(f"{visitor.origin}/login?")
    assert visitor.open(address).status == 400


def test_pages_cannot_be_framed_or_kept(node: DemoNode) -> None:
    """Login, consent and error pages: no frame, no script, no cache (RFC 9700 4.16), whatever HAProxy adds."""
    app, visitor = App(node), Visitor(node.port)
    login = visitor.open(app.address())
    pages = [
        login,
        visitor.log_in(login, "bob"),
        visitor.open(app.address(redirect_uri="https://evil.example/")),
    ]
    assert [page.status for page in pages] == [200, 200, 400]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
        assert page.headers["x-content-type-options"] == "nosniff"


def test_a_link_of_somebody_else(node: DemoNode) -> None:
    """Login CSRF: a transaction that an attacker began cannot be gone on with in the victim's browser."""
    app, attacker, victim = App(node), Visitor(node.port), Visitor(node.port)
    page = attacker.open(app.address())
    victim.open(App(node).address())
    assert victim.open(page.address).status == 400
    assert (
        victim.post(
            "/login", {**page.hidden, "decision": "login", "username": "alice", "password": "x"}
        ).status
        == 400
    )
    assert "__Host-sumun_session" not in victim.cookies


def test_nothing_secret_in_the_logs(node: DemoNode) -> None:
    """Neither codes, nor handles, cookies, verifiers or passwords are in the logs."""
    app, visitor = App(node), Visitor(node.port)
    page = visitor.open(app.address())
    handle = page.told["transaction"]
    page = visitor.send(visitor.log_in(page, "dave"), decision="all")
    assert app.redeem(page).status == 200
    logs = "".join(path.read_text() for path in (node.data / "log").iterdir())
    for secret in (
        handle,
        page.told["code"],
        app.verifier,
        "dave-demo-pass",
        *visitor.cookies.values(),
    ):
        assert secret not in logs
