"""One login for every host of a gateway, and one logout: the login page, cookies, tokens, streams, other applications."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sumun.node.operator.opened import open_for_operator
from sumun.sessions.store import MOST_OF_USER
from sumun.tokens.stores.valkey_link import ValkeyLink
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
  - {id: app, kind: public, first_party: true, grants: [password]}
  - {id: jwt-web, kind: public, first_party: true, grants: [authorization_code], redirect_uris: ["https://web.example.com/back"], token: jwt}
limits: {decision_timeout: 2s, wrong_tokens_per_source: 100000}
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
        with browser_node(haproxy, text, "ann", "bea", "cai", "dan", "eve") as node:
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


@pytest.mark.parametrize("host", [SHOP, "api.example.com"])
def test_whose_tokens(node: BrowserNode, host: str) -> None:
    """A refusal at any host says where to read whose tokens it takes; what is there is of that very host (RFC 9728 3.3,
    5.1), leads to the authorization server, and names a resource that tokens can be asked for.
    """
    for sent in ({}, {"Authorization": f"Bearer smn_at_{'x' * 49}"}):
        refused = node.ask("/page", host=f"{host}:{node.port}", **sent)
        assert refused.status == 401
        found = re.search(r'resource_metadata="([^"]*)"', refused.headers["www-authenticate"])
        assert found is not None, refused
        assert found[1] == at(node, host, "/.well-known/oauth-protected-resource")
    told = node.ask("/.well-known/oauth-protected-resource", host=f"{host}:{node.port}").json
    assert told["resource"] == at(node, host, "")
    [server] = told["authorization_servers"]
    assert server == at(node, GATE, "")
    form = {"grant_type": "password", "client_id": "app", "username": "ann", "password": "ann-demo-pass"}
    token = node.form("/oauth/token", {**form, "resource": told["resource"]}).json["access_token"]
    assert with_token(node, token).status == 200
    unknown = node.ask("/.well-known/oauth-protected-resource", host="evil.example").json
    assert unknown["resource"] == server


def tokens_are_good(node: BrowserNode, given: Any, jwt: Any) -> list[bool]:
    return [with_token(node, one["access_token"]).status == 200 for one in (given, jwt)]


def refreshed(node: BrowserNode, given: Any) -> Answer:
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], "client_id": "web"}
    return node.form("/oauth/token", form)


def test_one_session_too_many(node: BrowserNode) -> None:
    """A person's 51st session ends the oldest as a logout does: tokens of both kinds, refresh token, clients are told."""
    surfer = Surfer(node.port)
    seen(surfer.log_in(surfer.visit(at(node, SHOP)), "cai"))
    given, jwt = tokens(node, surfer, "web"), tokens(node, surfer, "jwt-web")
    node.begin("cai", MOST_OF_USER - 1)
    assert tokens_are_good(node, given, jwt) == [True, True]
    assert refreshed(node, given).status == 200
    Listener.said.clear()
    another = Surfer(node.port)
    seen(another.log_in(another.visit(at(node, SHOP)), "cai"))
    assert tokens_are_good(node, given, jwt) == [False, False]
    assert refreshed(node, given).json["error"] == "invalid_grant"
    assert node.ask("/page", surfer.session(SHOP), host=f"{SHOP}:{node.port}").status == 401
    assert seen(another.visit(at(node, NEWS))) == "cai"
    until(lambda: Listener.said, why="the application is told")
    assert [(said["aud"], said["sub"]) for said in Listener.said] == [("web", "cai")]


def damage(node: BrowserNode, name: str) -> list[str]:
    """Make what the store keeps of this person's sessions unreadable; their ids."""

    async def write() -> list[str]:
        async with open_for_operator(node.data) as shared:
            ids = await shared.stores.sessions.ids_of_user(name)
            link = ValkeyLink(shared.address, steady=time.monotonic)
            for session_id in ids:
                await link.command("SET", f"smn:s:{session_id}", "1 rubbish", "KEEPTTL")
            await link.close()
            return list(ids)

    return asyncio.run(write())


def outbox(node: BrowserNode) -> int:
    async def read() -> int:
        async with open_for_operator(node.data) as shared:
            return len(shared.directory.outbox.oldest(10))

    return asyncio.run(read())


def test_a_session_that_cannot_be_read(node: BrowserNode) -> None:
    """It is nobody's login (503, for it is our fault), and it can be ended: its tokens are refused, the log says it,
    nothing is left in the outbox; the browser logs in again.
    """
    surfer = Surfer(node.port)
    seen(surfer.log_in(surfer.visit(at(node, SHOP)), "dan"))
    given, jwt = tokens(node, surfer, "web"), tokens(node, surfer, "jwt-web")
    [session_id] = damage(node, "dan")
    assert node.ask("/page", surfer.session(SHOP), host=f"{SHOP}:{node.port}").status == 503
    assert tokens_are_good(node, given, jwt) == [True, True]
    Listener.said.clear()
    assert surfer.visit(at(node, GATE, "/oauth/logout")).status == 200
    assert tokens_are_good(node, given, jwt) == [False, False]
    assert refreshed(node, given).json["error"] == "invalid_grant"
    assert node.ask("/page", surfer.session(SHOP), host=f"{SHOP}:{node.port}").status == 401
    assert outbox(node) == 0
    assert f"without having been read: a session in the store cannot be read: {session_id}" in node.log()
    until(lambda: Listener.said, why="the application is told")
    [said] = Listener.said
    assert (said["aud"], said["sid"], said.get("sub")) == ("web", session_id, None)
    assert seen(surfer.log_in(surfer.visit(at(node, SHOP)), "dan")) == "dan"


def test_ended_with_all_others(node: BrowserNode) -> None:
    """A login over a session that cannot be read ends it, and so does "all others" at /account."""
    one, two = Surfer(node.port), Surfer(node.port)
    for surfer in (one, two):
        seen(surfer.log_in(surfer.visit(at(node, SHOP)), "eve"))
    given, jwt = tokens(node, one, "web"), tokens(node, two, "jwt-web")
    damage(node, "eve")
    page = one.log_in(one.visit(at(node, GATE, "/login")), "eve")
    assert page.status == 200, page
    assert with_token(node, given["access_token"]).status == 401
    assert with_token(node, jwt["access_token"]).status == 200
    assert one.fill_in(one.visit(at(node, GATE, "/account")), others="yes").status == 200
    assert with_token(node, jwt["access_token"]).status == 401
    assert outbox(node) == 0


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
