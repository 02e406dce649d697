"""The cookie of a browser session as a credential, through a whole node."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import http2
from tests.live.browser_world import COOKIE, PAGE, BrowserNode, RefusedStreamError, Stream, browser_node
from tests.live.demo_node import Answer
from tests.live.node_under_test import AT_ONCE_SECONDS, until

CONFIG = """
listen: 127.0.0.1:PORT
services:
  shop: {url: http://127.0.0.1:SERVICE}
  chat: {url: http://127.0.0.1:SERVICE, websocket: {origins: ["https://pages.example.com", "http://127.0.0.1:PORT"]}}
roles:
  user: ["shop:read"]
  admin: ["shop:*"]
routes:
  - {path: /shop, service: shop, require: shop:read, session: true}
  - {path: /admin, service: shop, require: {role: admin}, session: true}
  - {path: /api, service: shop, require: shop:read}
  - {path: /only, service: shop, session: true, tokens: []}
  - {path: /open, service: shop, require: public}
  - {path: /ws, service: shop, require: shop:read, session: true}
  - {path: /chat, service: chat, require: shop:read, session: true}
clients:
  - {id: app, kind: public, first_party: true, grants: [password]}
limits: {decision_timeout: 2s, wrong_tokens_per_source: 100000}
"""


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[BrowserNode]:
    """A gateway with routes for browsers, and for programs."""
    with browser_node(haproxy, CONFIG, "ann", "bea") as node:
        yield node


def token_of(node: BrowserNode, name: str) -> str:
    form = {"grant_type": "password", "client_id": "app", "username": name, "password": f"{name}-demo-pass"}
    answer = node.form("/oauth/token", form)
    assert answer.status == 200, answer
    return str(answer.json["access_token"])


def told(answer) -> dict[str, str]:
    """The header fields that the service was sent."""
    return dict(answer.json)


def test_a_cookie_instead_of_a_token(node: BrowserNode) -> None:
    """Who is logged in needs no token; the service is told who it is, and sees every cookie but ours."""
    cookie, session = node.begin("ann")
    answer = node.ask("/shop", Cookie=f"a=1; {COOKIE}={cookie}; b=2; __Host-sumun_csrf=x")
    assert answer.status == 200, answer
    said = told(answer)
    assert (said["x-user-id"], said["x-user-permissions"]) == ("ann", "shop:read")
    assert (said["x-client-id"], said["x-token-id"]) == ("sumun.session", session.id)
    assert said["cookie"] == "a=1; b=2"
    assert "cookie" not in told(node.ask("/shop", cookie))
    assert node.ask("/admin", cookie).status == 403
    line = node.line(answer)
    assert (line["who"], line["held"]) == ("user:ann", "session;user;;*:*")
    assert cookie not in (node.data / "log" / "access.log").read_text()


@pytest.mark.parametrize(
    "line",
    [
        "a=1,{cookie}",
        'a="1,{cookie}"',
        'a="1, {cookie}',
        "a={cookie}",
        "x{cookie}",
        "{COOKIE} ={value}",
        "{COOKIE}=x{value}",
        '{COOKIE}="{value}"',
        "{COOKIE}={value},b",
        "{COOKIE}={value} b",
        "__host-sumun_session={value}",
    ],
)
def test_what_is_no_cookie_of_ours(node: BrowserNode, line: str) -> None:
    """A neighbouring host can set cookies of any value for this one, and none of our name: only ours counts."""
    cookie, _ = node.begin("ann")
    sent = line.format(cookie=f"{COOKIE}={cookie}", COOKIE=COOKIE, value=cookie)
    assert node.ask("/shop", Cookie=sent).status == 401
    own, _ = node.begin("bea")
    answer = node.ask("/shop", Cookie=f"{sent}; {COOKIE}={own}")
    if sent.startswith(f"{COOKIE}="):
        assert (answer.status, answer.json["code"]) == (400, "two_credentials")
    else:
        assert told(answer)["x-user-id"] == "bea"


def test_two_fields(node: BrowserNode) -> None:
    """Several Cookie fields come from no browser: with ours among them none is the credential, and none goes on."""
    cookie, _ = node.begin("ann")
    token = token_of(node, "ann")
    status, _ = raw(node, f"Cookie: a=1\r\nCookie: {COOKIE}={cookie}\r\n")
    assert status == 401
    fields = f"Cookie: a=1\r\nCookie: {COOKIE}={cookie}\r\nAuthorization: Bearer {token}\r\n"
    status, body = raw(node, fields)
    assert status == 200
    assert not [name for name, _ in json.loads(body) if name == "cookie"]


def test_crumbs(node: BrowserNode) -> None:
    """Over HTTP/2 a browser sends each cookie in a field of its own (RFC 9113 8.2.3): ours counts, the others go on."""
    cookie, _ = node.begin("ann")
    crumbs = [(b"cookie", b"a=1"), (b"cookie", f"{COOKIE}={cookie}".encode()), (b"cookie", b"b=2")]
    here = f"127.0.0.1:{node.port}".encode()
    answer = http2.call(node.port, http2.fields("GET", "/shop", *crumbs, authority=here))
    assert answer.status == 200, answer
    said = dict(json.loads(answer.body))
    assert (said["x-user-id"], said["cookie"]) == ("ann", "a=1; b=2")


def raw(node: BrowserNode, fields: str) -> tuple[int, bytes]:
    """A request with header fields as they stand here."""
    head = f"GET /shop HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nConnection: close\r\n{fields}\r\n"
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as connection:
        connection.sendall(head.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head_of, _, body = answer.partition(b"\r\n\r\n")
    return int(head_of.split(b" ")[1]), body


@pytest.mark.parametrize("path", ["/api", "/open"])
def test_no_other_route_takes_it(node: BrowserNode, path: str) -> None:
    """A route that does not say so does not take the cookie, and its service does not see it."""
    cookie, _ = node.begin("ann")
    answer = node.ask(path, Cookie=f"{COOKIE}={cookie}; a=1")
    if path == "/api":
        assert (answer.status, answer.json["code"]) == (401, "no_credential")
    else:
        assert told(answer)["cookie"] == "a=1"
        assert "x-user-id" not in told(answer)


def test_what_is_no_credential_here(node: BrowserNode) -> None:
    """The cookie's value is no token, a token is no cookie, and a route may take sessions alone."""
    cookie, _ = node.begin("ann")
    token = token_of(node, "ann")
    assert node.ask("/shop", Authorization=f"Bearer {cookie}").status == 401
    assert node.ask("/shop", token).status == 401
    assert node.ask("/only", cookie).status == 200
    answer = node.ask("/only", Authorization=f"Bearer {token}")
    assert (answer.status, node.line(answer)["why"]) == (401, "wrong_token_kind")


def test_a_token_wins(node: BrowserNode) -> None:
    """Browsers always send the cookie: who sends a token as well means the token, good or bad. Two cookies are refused."""
    cookie, _ = node.begin("ann")
    token = token_of(node, "bea")
    assert told(node.ask("/shop", cookie, Authorization=f"Bearer {token}"))["x-user-id"] == "bea"
    assert node.ask("/shop", cookie, Authorization="Bearer smn_at_wrong").status == 401
    assert node.ask("/shop", cookie, Authorization="Basic YTpi").status == 401
    answer = node.ask("/shop", Cookie=f"{COOKIE}={cookie}; {COOKIE}={cookie}")
    assert (answer.status, answer.json["code"]) == (400, "two_credentials")


def test_kept_and_ended(node: BrowserNode) -> None:
    """A session that HAProxy lets through by itself is refused as soon as it has ended; so with its person's rights."""
    cookie, session = node.begin("ann")
    other, _ = node.begin("bea")
    for one in (cookie, other):
        until(lambda one=one: node.is_kept("/shop", one), why="it is kept")
    node.end(session)
    answer = node.ask("/shop", cookie)
    assert (answer.status, node.line(answer)["why"]) == (401, "session_over")
    until(lambda: node.is_kept("/shop", other), why="another is kept still")
    assert node.sumun("user", "revoke", "bea", "--role", "user").returncode == 0
    assert node.ask("/shop", other).status == 403
    assert node.sumun("user", "grant", "bea", "--role", "user").returncode == 0
    assert node.ask("/shop", other).status == 200


def test_a_new_password_ends_it(node: BrowserNode) -> None:
    """Every login of before is over when the password was changed, whatever HAProxy kept of it."""
    cookie, _ = node.begin("bea")
    until(lambda: node.is_kept("/shop", cookie), why="it is kept")
    done = node.sumun("user", "password", "bea", "--password-stdin", stdin="bea-demo-pass\n")
    assert done.returncode == 0, done.stderr
    assert node.ask("/shop", cookie).status == 401


def test_what_is_kept_comes_from_our_own_pages(node: BrowserNode) -> None:
    """Whose page it was is looked at before what HAProxy knows: a forged change is refused while a good one is kept."""
    cookie, _ = node.begin("ann")
    here = f"http://127.0.0.1:{node.port}"

    def kept(answer: Answer) -> bool:
        return str(node.line(answer)["be"]).startswith("known.")

    until(lambda: kept(node.ask("/shop", cookie, "POST", Origin=here)), why="it is kept")
    forged = node.ask("/shop", cookie, "POST", Origin="http://evil.example")
    assert (forged.status, forged.json["code"]) == (403, "origin_not_allowed")
    assert kept(node.ask("/shop", cookie, "POST", Origin=here))


HERE, SIBLING = "http://127.0.0.1:PORT", "http://pages.example.com"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": HERE}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": SIBLING}, 403),
        ({"Origin": "https://127.0.0.1:PORT"}, 403),
        ({"Origin": f"{HERE}.example.com"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": SIBLING}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_changes_come_from_our_own_pages(
    node: BrowserNode, method: str, headers: dict[str, str], status: int
) -> None:
    """A cookie alone changes nothing: the page that sent it must be of this host, as the browser itself says."""
    cookie, _ = node.begin("ann")
    sent = {name.replace("-", "_"): value.replace("PORT", str(node.port)) for name, value in headers.items()}
    for _ in range(3):  # asked, and kept
        answer = node.ask("/shop", cookie, method, **sent)
        assert answer.status == status, answer
        if status == 403:
            assert answer.json["code"] == "origin_not_allowed"
    assert node.ask("/shop", None, method, Authorization=f"Bearer {token_of(node, 'ann')}").status == 200


def opened(node: BrowserNode, path: str, cookie: str, origin: str | None) -> Stream:
    here = f"127.0.0.1:{node.port}"
    return Stream(node.port, here, path, cookie, origin and origin.replace("PORT", str(node.port)))


@pytest.mark.parametrize(
    ("path", "origin"), [("/ws", HERE), ("/chat", "https://pages.example.com"), ("/chat", HERE)]
)
def test_a_websocket_with_a_cookie(node: BrowserNode, path: str, origin: str) -> None:
    """A page of this host, or one that the service lists, opens a WebSocket; it ends with the session, others do not."""
    cookie, session = node.begin("ann")
    spared, _ = node.begin("ann")
    one, other = (opened(node, path, value, origin) for value in (cookie, spared))
    assert one.lives()
    node.end(session)
    assert one.has_ended(AT_ONCE_SECONDS)
    assert other.lives()
    other.close()


@pytest.mark.parametrize(
    ("path", "origin"),
    [("/ws", None), ("/ws", SIBLING), ("/ws", "null"), ("/chat", None), ("/chat", SIBLING)],
)
def test_no_websocket_from_elsewhere(node: BrowserNode, path: str, origin: str | None) -> None:
    """RFC 6455 10.2: a handshake with our cookie and no Origin of ours is refused, whoever is logged in."""
    cookie, _ = node.begin("ann")
    with pytest.raises(RefusedStreamError) as error:
        opened(node, path, cookie, origin)
    assert error.value.args == (403, "origin_not_allowed")


@pytest.mark.parametrize("cookie", [None, "smn_se_junk"])
def test_people_are_sent_to_log_in(node: BrowserNode, cookie: str | None) -> None:
    """A page that somebody navigates to leads to the login and back; a script is told 401."""
    answer = node.ask("/shop?a=1&b=%ED%95%9C", cookie, **{k.replace("-", "_"): v for k, v in PAGE.items()})
    assert (answer.status, answer.headers["location"]) == (
        302,
        "/login/start?return=%2Fshop%3Fa%3D1%26b%3D%25ED%2595%259C",
    )
    assert answer.headers["cache-control"] == "no-store"
    for headers in (
        {"Accept": "application/json"},
        {"Accept": "text/html", "Sec_Fetch_Mode": "cors"},
        {"Accept": "text/html", "Authorization": "Bearer smn_at_x"},
    ):
        assert node.ask("/shop", cookie, **headers).status == 401
    assert node.ask("/shop", cookie, "POST", Accept="text/html", Sec_Fetch_Site="same-origin").status == 401
    assert node.ask("/api", cookie, Accept="text/html", Sec_Fetch_Mode="navigate").status == 401
    assert node.ask("/shop", cookie, Accept="text/html").status == 302
    logged_in, _ = node.begin("ann")
    assert node.ask("/admin", logged_in, Accept="text/html").status == 403


def test_survives_kill_9(node: BrowserNode) -> None:
    """Whatever process is killed, a session that was begun is known afterwards, and one that was ended is not."""
    kept, _ = node.begin("ann")
    ended, session = node.begin("ann")
    node.end(session)
    for part in ("valkey", "answer", "http", "keeper"):
        node.kill(part)
        until(lambda: node.ask("/shop", kept).status == 200, why=f"after kill -9 of {part}")
        until(lambda: node.ask("/shop", ended).status == 401, why=f"after kill -9 of {part}")
    assert time.time() < session.ends_at_ms / 1000
