"""A person, a browser, an application that is not ours: login, consent, code and token through the running gateway."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.documentation.session import fresh_demo
from tests.live.chromium import Browser, chromium
from tests.live.demo_node import DemoNode
from tests.live.visitor import App, Visitor


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


def test_the_demos_web_application(node: DemoNode) -> None:
    """bob logs in from the shop's page, refuses one permission, and the shop can do what he granted and no more."""
    visitor = Visitor(node.port)
    assert "An application of somebody else" in visitor.open("/demo").text
    page = visitor.open("/demo/login")
    assert page.address.startswith(f"{visitor.origin}/login?")
    page = visitor.log_in(page, "bob", "wrong")
    assert (page.status, "__Host-sumun_session" in visitor.cookies) == (403, False)
    page = visitor.log_in(page, "bob")
    assert page.boxes == ["order:create", "order:read", "product:create", "product:delete", "product:read"]
    assert all(
        words in page.text
        for words in ("Order Helper 주문 도우미", "Bob 밥", "See the products", "See the orders")
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


def test_a_client_that_the_operator_registered(node: DemoNode) -> None:
    """A client that is not in the file: people log in as everywhere, and are told its name."""
    words = (
        "client add tool --kind public --grant authorization_code --redirect-uri http://127.0.0.1/back --name"
    )
    done = node.sumun(*words.split(), "The Tool")
    assert done.returncode == 0, done.stderr
    app, visitor = App(node, "tool", "http://127.0.0.1:51004/back"), Visitor(node.port)
    page = visitor.open(app.address())
    assert "The Tool" in page.text
    given = app.redeem(visitor.send(visitor.log_in(page, "alice"), decision="all"))
    assert node.call("GET", "/products", given.json["access_token"]).status == 200


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
    login = visitor.open(
        app.address(prompt="consent")
    )  # bob may have allowed everything in a test before this
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


class _Callback(BaseHTTPRequestHandler):
    """An application of another origin: it says back what came, and how."""

    def _say(self, how: str, sent: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(f"{how} {' '.join(sorted(parse_qs(sent)))}".encode())

    def do_GET(self) -> None:
        """The answer in the query; what is behind the # never comes here."""
        self._say("GET", urlsplit(self.path).query)

    def do_POST(self) -> None:
        """The answer in a form."""
        self._say("POST", self.rfile.read(int(self.headers["content-length"])).decode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    """Where that application is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Callback)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/demo/callback"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("scripts", [True, False])
def test_back_to_another_origin(node: DemoNode, browser: Browser, callback: str, scripts: bool) -> None:
    """A real browser carries the answer to another origin in every mode; no policy of our pages stands in its way."""
    app, window = App(node, redirect_uri=callback), browser.page(scripts=scripts)
    gateway = f"http://127.0.0.1:{node.port}"
    window.go(f"{gateway}{app.address(prompt='consent')}")
    window.type("#username", "alice")
    window.type("#password", "alice-demo-pass")
    window.press("button[value=login]")
    window.press("button[value=all]")
    window.until("document.body.innerText == 'GET code iss state'")
    window.go(f"{gateway}{app.address(response_mode='form_post')}")
    if not scripts:
        window.press("main form button")
    window.until("document.body.innerText == 'POST code iss state'")
    window.go(f"{gateway}{app.address(response_mode='fragment')}")
    window.until("document.body.innerText.trim() == 'GET' && location.hash.startsWith('#code=')")
    assert window.complaints == []
