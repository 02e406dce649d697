"""One login for every host of a gateway, and one logout: the login page, cookies, tokens, streams, other applications."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.live.browser_world import COOKIE, PAGE, BrowserNode, Stream, Surfer, browser_node
from tests.live.demo_node import Answer, call
from tests.live.node_under_test import until

GATE, SHOP, NEWS = "gate.example.com", "shop.example.com", "news.example.com"
CONFIG = """
listen: 127.0.0.1:PORT
issuer: http://gate.example.com:PORT
services:
  shop: {url: http://127.0.0.1:SERVICE}
roles:
  user: ["shop:read"]
routes:
  - {host: shop.example.com, path: "/**", service: shop, require: shop:read, session: true}
  - {host: news.example.com, path: "/**", service: shop, require: shop:read, session: true}
  - {host: api.example.com, path: "/**", service: shop, require: shop:read}
clients:
  - id: web
    kind: public
    first_party: true
    grants: [authorization_code, refresh_token]
    redirect_uris: ["https://web.example.com/back"]
    post_logout_redirect_uris: ["https://web.example.com/bye"]
    backchannel_logout_uri: http://127.0.0.1:LISTENER/logged-out
  - {id: jwt-web, kind: public, first_party: true, grants: [authorization_code], redirect_uris: ["https://web.example.com/back"], token: jwt}
limits: {wrong_tokens_per_source: 100000}
"""


class Listener(BaseHTTPRequestHandler):
    """The application's own server: what it is told by the back channel."""

    said: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        payload = parse_qs(body)["logout_token"][0].split(".")[1]
        Listener.said.append(json.loads(base64.urlsafe_b64decode(payload + "==")))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[BrowserNode]:
    """A gateway that is called by four names, and an application that listens."""
    listener = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        text = CONFIG.replace("LISTENER", str(listener.server_port))
        with browser_node(haproxy, text, "ann", "bea") as node:
            yield node
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def at(node: BrowserNode, host: str, path: str = "/page?a=1") -> str:
    return f"http://{host}:{node.port}{path}"


def tokens(node: BrowserNode, surfer: Surfer, client: str) -> Any:
    """What an application gets of a browser that is logged in already."""
    verifier = secrets.token_urlsafe(48)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": "https://web.example.com/back",
        "scope": "openid shop:read",
        "code_challenge": digest,
        "code_challenge_method": "S256",
    }
    address = at(node, GATE, f"/oauth/authorize?{urlencode(asked)}")
    sent = {"Host": f"{GATE}:{node.port}", "Cookie": f"{COOKIE}={surfer.session(GATE)}", **PAGE}
    back = call(node.port, "GET", address.partition(str(node.port))[2], sent)
    assert back.headers["location"].startswith("https://web.example.com/back?code="), back
    form = {
        "grant_type": "authorization_code",
        "client_id": client,
        "code": parse_qs(urlsplit(back.headers["location"]).query)["code"][0],
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": verifier,
    }
    answer = node.form("/oauth/token", form, Host=f"{GATE}:{node.port}")
    assert answer.status == 200, answer
    return answer.json


def with_token(node: BrowserNode, token: str) -> Answer:
    return node.ask("/page", host="api.example.com", Authorization=f"Bearer {token}")


def seen(page: Answer) -> str | None:
    """Whom the service was told of."""
    assert page.status == 200, page
    return dict(page.json).get("x-user-id")


def stream_of(node: BrowserNode, host: str, cookie: str) -> Stream:
    name = f"{host}:{node.port}"
    stream = Stream(node.port, name, "/ws", cookie, f"http://{name}")
    assert stream.lives()
    return stream


def test_in_once_out_once(node: BrowserNode) -> None:
    """One login page, and every host and application knows; one logout, and none does: cookies, tokens, streams."""
    surfer, other = Surfer(node.port), Surfer(node.port)
    page = surfer.visit(at(node, SHOP))
    assert page.status == 200
    assert surfer.way[-1].startswith(at(node, GATE, "/login?"))
    assert seen(surfer.log_in(page, "ann")) == "ann"
    assert surfer.way[-1] == at(node, SHOP)
    assert seen(surfer.visit(at(node, NEWS))) == "ann"
    assert not any("/login?" in address for address in surfer.way)
    given, jwt = tokens(node, surfer, "web"), tokens(node, surfer, "jwt-web")
    seen(other.log_in(other.visit(at(node, SHOP)), "ann"))

    cookies = {host: surfer.session(host) or "" for host in (SHOP, NEWS)}
    assert len({*cookies.values(), surfer.session(GATE)}) == 3
    for host, cookie in cookies.items():
        until(lambda host=host, cookie=cookie: is_kept(node, host, cookie), why="it is kept")
    streams = [stream_of(node, host, cookie) for host, cookie in cookies.items()]
    spared = stream_of(node, SHOP, other.session(SHOP) or "")
    bearers = (given["access_token"], jwt["access_token"])
    assert [with_token(node, token).status for token in bearers] == [200, 200]
    Listener.said.clear()

    asked = {"id_token_hint": given["id_token"], "post_logout_redirect_uri": "https://web.example.com/bye"}
    sent = {"Host": f"{GATE}:{node.port}", "Cookie": f"{COOKIE}={surfer.session(GATE)}"}
    gone = call(node.port, "GET", f"/oauth/logout?{urlencode(asked)}", sent)
    assert (gone.status, gone.headers["location"]) == (303, "https://web.example.com/bye")

    for host, cookie in cookies.items():
        assert node.ask("/page", cookie, host=f"{host}:{node.port}").status == 401
    assert [with_token(node, token).status for token in bearers] == [401, 401]
    refresh = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], "client_id": "web"}
    assert node.form("/oauth/token", refresh).json["error"] == "invalid_grant"
    assert [stream.has_ended(1.0) for stream in streams] == [True, True]
    assert surfer.visit(at(node, NEWS)).status == 200
    assert surfer.way[-1].startswith(at(node, GATE, "/login?"))
    until(lambda: Listener.said, why="the application is told")
    [said] = Listener.said
    assert (said["aud"], said["sub"]) == ("web", "ann")
    assert spared.lives()
    spared.close()
    assert seen(other.visit(at(node, NEWS))) == "ann"


def is_kept(node: BrowserNode, host: str, cookie: str) -> bool:
    answer = node.ask("/page", cookie, host=f"{host}:{node.port}")
    assert answer.status == 200, answer
    return str(node.line(answer)["be"]).startswith("known.")


def test_by_another_name(node: BrowserNode) -> None:
    """Under a name that no route holds nobody is logged in, and no code is sent there: the login host takes over."""
    surfer = Surfer(node.port)
    answer = surfer.visit(at(node, "evil.example", "/login/start?return=%2Fpage"))
    assert surfer.way[1] == at(node, GATE, "/login/start?return=%2Fpage")
    assert surfer.way[-1].startswith(at(node, GATE, "/login?"))
    assert answer.status == 200
    assert surfer.jars["evil.example"] == {}


def test_the_question_before_a_logout(node: BrowserNode) -> None:
    """A link logs nobody out: the person is asked, and what they answer on our page counts."""
    surfer = Surfer(node.port)
    seen(surfer.log_in(surfer.visit(at(node, SHOP)), "bea"))
    page = surfer.visit(at(node, GATE, "/oauth/logout"))
    assert seen(surfer.visit(at(node, SHOP))) == "bea"
    surfer.visit(at(node, GATE, "/oauth/logout"))
    assert surfer.fill_in(page, decision="logout").status == 200
    assert surfer.visit(at(node, SHOP)).status == 200
    assert surfer.way[-1].startswith(at(node, GATE, "/login?"))
