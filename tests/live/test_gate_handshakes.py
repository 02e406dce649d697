"""WebSocket handshakes through the gate: where a browser can put a credential, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from sumun.access import Access
from sumun.config.plan import Plan
from tests.live.gate_wire import GOOD, request, shake_hands
from tests.live.gate_wire import Response as Answer
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import plan, route, service

TOKEN = "sumun.bearer.good"
TICKET = "ticket=smn_wt_good"
SHOP = "https://shop.example.com"


@dataclass
class Chat:
    """A real WebSocket service that speaks `chat` and `soap`, prefers its own, and remembers each handshake."""

    heard: list[Request] = field(default_factory=list)

    def start(self) -> None:
        self.server: Server = serve(
            self._talk,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("chat"), Subprotocol("soap")],
            select_subprotocol=self._select,
            process_request=self._remember,
        )
        self.port = self.server.socket.getsockname()[1]
        self._pool = futures.ThreadPoolExecutor(1)
        self._pool.submit(self.server.serve_forever)

    def stop(self) -> None:
        self.server.shutdown()
        self._pool.shutdown()

    @staticmethod
    def _select(_connection: ServerConnection, offered: list[Subprotocol]) -> Subprotocol | None:
        return next((one for one in offered if one in ("chat", "soap")), None)

    def _remember(self, _connection: ServerConnection, request: Request) -> Response | None:
        self.heard.append(request)
        return None

    @staticmethod
    def _talk(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    def protocols(self) -> list[str]:
        """What the last handshake offered, as the service saw it."""
        return self.heard[-1].headers.get_all("Sec-WebSocket-Protocol")


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    """The service, for all tests of this file."""
    there = Chat()
    there.start()
    yield there
    there.stop()


@pytest.fixture(scope="module")
def gate(haproxy: Path, chat: Chat) -> Iterator[World]:
    """One gate for all tests of this file."""

    def make(here: World) -> Plan:
        (listen,) = free_ports(1)
        origins = (SHOP, *(f"https://{number}.example.com" for number in range(30)))
        return plan(
            listen,
            [
                service("chat", chat.port),
                service("lounge", chat.port, origins=origins),
                service("s", here.echo.port),
            ],
            [
                route("chat", "/chat", "chat"),
                route("hall", "/hall", "chat", access=Access.PUBLIC),
                route("lounge", "/lounge", "lounge"),
                route("foyer", "/foyer", "lounge", access=Access.PUBLIC),
                route("asked", "/asked/**", "s"),
                route("open", "/open/**", "s", access=Access.PUBLIC),
            ],
        )

    with gate_of(haproxy, make) as here:
        yield here


def port(gate: World) -> int:
    assert gate.plan is not None
    return gate.plan.listen.port


def talk(gate: World, path: str, *protocols: str, headers: Any = (), **more: Any) -> str | None:
    """Open, echo, close with a real client; gives the subprotocol that was chosen."""
    with connect(
        f"ws://127.0.0.1:{port(gate)}{path}",
        subprotocols=[Subprotocol(one) for one in protocols] or None,
        additional_headers=list(headers),
        **more,
    ) as one:
        one.send("hello")
        assert one.recv(timeout=60) == "hello"
        return one.subprotocol


def raw(gate: World, target: str, *lines: str, method: str = "GET", upgrade: bool = True) -> Answer:
    """A handshake of these lines, and what came back (the connection is closed when it is 101)."""
    head = [f"{method} {target} HTTP/1.1", "Host: gate.test", *lines]
    if upgrade:
        head += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
        head.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    else:
        head.append("Connection: close")
    return shake_hands(port(gate), ("\r\n".join(head) + "\r\n\r\n").encode())


@pytest.mark.parametrize(
    ("offered", "forwarded", "chosen"),
    [
        (["chat", TOKEN], ["chat"], "chat"),
        ([TOKEN, "chat"], ["chat"], "chat"),
        (["x", TOKEN, "soap", "chat"], ["x,soap,chat"], "soap"),
        (["sumun", TOKEN], [], "sumun"),
        ([TOKEN, "sumun"], [], "sumun"),
        (["sumun", TOKEN, "chat"], ["chat"], "chat"),
        (["sumun", "x", TOKEN], ["x"], "sumun"),
        (["sumunx", TOKEN, "sumun.x"], ["sumunx,sumun.x"], None),
        ([TOKEN], [], None),
    ],
)
@pytest.mark.parametrize("path", ["/chat", "/hall"])
def test_token_among_the_subprotocols(
    gate: World, chat: Chat, path: str, offered: list[str], forwarded: list[str], chosen: str | None
) -> None:
    """The token is taken out, the service's own subprotocols stay, and the answer is one that was offered."""
    assert talk(gate, path, *offered) == chosen
    assert chat.protocols() == forwarded
    assert all("good" not in value for value in chat.heard[-1].headers.values())
    assert chat.heard[-1].headers.get("X-User-Id") == ("u-alice" if path == "/chat" else None)
    if path == "/chat":
        question = gate.questions[-1]
        assert (question["kind"], question["cred"]) == ("bearer", "good")
        assert question["stream"]


@pytest.mark.parametrize(
    ("query", "forwarded"),
    [
        (f"?{TICKET}", ""),
        (f"?{TICKET}&a=1", "?a=1"),
        (f"?a=1&{TICKET}", "?a=1"),
        (f"?a=1&{TICKET}&b=2", "?a=1&b=2"),
        (f"?a=1;{TICKET};b=2", "?a=1;b=2"),
        (f"?ticket=mine&{TICKET}&x=%2F", "?ticket=mine&x=%2F"),
    ],
)
@pytest.mark.parametrize("path", ["/chat", "/hall"])
def test_ticket(gate: World, chat: Chat, path: str, query: str, forwarded: str) -> None:
    """A ticket opens a WebSocket, and the service sees the rest of the query only."""
    assert talk(gate, f"{path}{query}", "chat") == "chat"
    assert chat.heard[-1].path == f"{path}{forwarded}"
    if path == "/chat":
        assert chat.heard[-1].headers["X-User-Id"] == "u-alice"
        question = gate.questions[-1]
        assert (question["kind"], question["cred"]) == ("ticket", "smn_wt_good")
        assert question["stream"]


def test_ticket_in_an_absolute_target(gate: World, chat: Chat) -> None:
    """A target with scheme and host (RFC 9112 3.2.2) is read the same way, and nothing of the ticket stays."""
    assert raw(gate, f"http://gate.test/chat?a=1&{TICKET}").status == 101
    assert chat.heard[-1].path == "/chat?a=1"
    assert raw(gate, f"http://gate.test/chat?{TICKET}").status == 101
    assert chat.heard[-1].path == "/chat"


def test_a_head_full_of_it(gate: World) -> None:
    """The longest lists and queries that a head can hold are read in far less than a second, nonsense too."""
    offers = (
        "sumun.bearer.," * 800,
        "sumun," * 2000 + TOKEN,
        "a" + " " * 12_000 + "," + TOKEN,
        " ,".join(["sumun"] * 1700),
        "," * 12_000 + TOKEN,
    )
    queries = (
        "&ticket=smn_wt" * 900,
        "ticket=smn_wt_x&" * 800,
        f"{'a&' * 6000}{TICKET}",
        f"{TICKET}{'&' * 12_000}",
    )
    for offer in offers:
        answer = raw(gate, "/open/x", f"Sec-WebSocket-Protocol: {offer}")
        assert answer.status in (101, 400)
        assert gate.logged(answer)["tr"] < 1000
    for query in queries:
        answer = raw(gate, f"/open/x?{query}")
        assert answer.status in (101, 400)
        assert gate.logged(answer)["tr"] < 1000


def test_ticket_of_the_service(gate: World, chat: Chat) -> None:
    """`ticket=` with something that is none of ours belongs to the service, on handshakes and on ordinary calls."""
    talk(gate, "/hall?ticket=17")
    assert chat.heard[-1].path == "/hall?ticket=17"
    assert request(port(gate), "GET", "/open/x?ticket=17").status == 200
    assert gate.echo.heard[-1].line == "GET /open/x?ticket=17 HTTP/1.1"
    with pytest.raises(InvalidStatus) as refused:
        talk(gate, "/chat?ticket=17")
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("bad", ["sumun.bearer.bad", "smn_wt_bad"])
def test_bad_credential(gate: World, chat: Chat, bad: str) -> None:
    """A credential that proves nothing is 401 before 101, and the service hears nothing."""
    chat.heard.clear()
    answer = (
        raw(gate, "/chat", f"Sec-WebSocket-Protocol: chat, {bad}")
        if bad.startswith("sumun")
        else raw(gate, f"/chat?ticket={bad}")
    )
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert chat.heard == []


AUTHORIZATION = "Authorization: Bearer good"
PROTOCOL = f"Sec-WebSocket-Protocol: chat, {TOKEN}"


@pytest.mark.parametrize(
    ("target", "lines", "code"),
    [
        ("/chat", (AUTHORIZATION, PROTOCOL), "two_credentials"),
        (f"/chat?{TICKET}", (AUTHORIZATION,), "two_credentials"),
        (f"/chat?{TICKET}", (PROTOCOL,), "two_credentials"),
        (f"/chat?{TICKET}", (AUTHORIZATION, PROTOCOL), "two_credentials"),
        ("/chat?access_token=good", (PROTOCOL,), "two_credentials"),
        (f"/chat?access_token=good&{TICKET}", (), "two_credentials"),
        (f"/chat?{TICKET}&{TICKET}", (), "two_credentials"),
        (f"/chat?{TICKET}&a=b;{TICKET}", (), "two_credentials"),
        ("/chat", ("Authorization: Basic YTpi", PROTOCOL), "two_credentials"),
        ("/chat", (f"{PROTOCOL}, sumun.bearer.other",), "two_credentials"),
        ("/chat", (f"{PROTOCOL},{TOKEN}",), "two_credentials"),
        ("/chat", (f"{PROTOCOL}, Sumun.Bearer.good",), "two_credentials"),
        ("/chat", (PROTOCOL, PROTOCOL), "bad_header"),
        ("/chat", (PROTOCOL, "Sec-WebSocket-Protocol: soap"), "bad_header"),
        ("/chat", ("Sec-WebSocket-Protocol: soap", PROTOCOL), "bad_header"),
        ("/chat", (f"Sec-WebSocket-Protocol: chat,, {TOKEN}",), "bad_header"),
        ("/chat", (f"Sec-WebSocket-Protocol: , {TOKEN}",), "bad_header"),
        ("/chat", (f"Sec-WebSocket-Protocol: chat {TOKEN}",), "bad_header"),
        ("/chat", (f'Sec-WebSocket-Protocol: "{TOKEN}"',), "bad_header"),
        ("/chat", (f"Sec-WebSocket-Protocol: x{TOKEN}",), "bad_header"),
        ("/chat", ("Sec-WebSocket-Protocol: SUMUN.BEARER.good",), "bad_header"),
        ("/chat", ("Sec-WebSocket-Protocol: sumun.bearer.",), "bad_header"),
        ("/chat", ("Sec-WebSocket-Protocol: sumun.bearer. good",), "bad_header"),
        ("/chat", (f"Sec-WebSocket-Protocol: sumun.bearer.{'x' * 8193}",), "header_too_large"),
        ("/chat?access_token=good", (), "no_credential"),
        ("/chat", ("Sec_WebSocket_Protocol: sumun.bearer.good",), "no_credential"),
        ("/chat?Ticket=smn_wt_good", (), "no_credential"),
        ("/chat?%74icket=smn_wt_good", (), "no_credential"),
        ("/chat?ticket=%73mn_wt_good", (), "no_credential"),
    ],
)
def test_refused(gate: World, chat: Chat, target: str, lines: tuple[str, ...], code: str) -> None:
    """Two credentials, or one in a form that two programs could read differently: refused, and nobody hears of it."""
    chat.heard.clear()
    gate.questions.clear()
    assert raw(gate, target, *lines).code == code
    assert chat.heard == []
    assert all(question["kind"] == "none" for question in gate.questions)


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        ("GET", ()),
        ("POST", ("Upgrade: websocket", "Content-Length: 0")),
        ("GET", ("Upgrade: h2c",)),
        ("GET", ("Upgrade: websocket", "Upgrade: h2c")),
        ("GET", ("Upgrade: websocket, h2c",)),
    ],
)
def test_no_credential_of_an_ordinary_call(gate: World, method: str, lines: tuple[str, ...]) -> None:
    """What is no WebSocket handshake gets nothing by a ticket or a subprotocol, and takes neither to the service."""
    for target, more in ((f"/asked/x?a=1&{TICKET}", ()), ("/asked/x", (PROTOCOL,))):
        assert raw(gate, target, *lines, *more, method=method, upgrade=False).code == "no_credential"
        gate.echo.heard.clear()
        public = target.replace("asked", "open")
        assert raw(gate, public, *lines, *more, method=method, upgrade=False).status == 200
        heard = gate.echo.heard[-1]
        assert "good" not in heard.line
        assert heard.get("Sec-WebSocket-Protocol") == []
    two = raw(gate, f"/asked/x?{TICKET}", AUTHORIZATION, *lines, method=method, upgrade=False)
    assert two.code == "two_credentials"


def test_ticket_for_what_is_no_websocket(gate: World) -> None:
    """A call that only claims to be a handshake gets no answer of the service for its ticket."""
    assert raw(gate, "/asked/deaf", AUTHORIZATION).status == 200
    answer = raw(gate, f"/asked/deaf?{TICKET}")
    assert answer.code == "not_a_websocket"
    assert gate.logged(answer)["code"] == "not_a_websocket"


def test_nothing_of_it_is_logged(gate: World) -> None:
    """The access log has path, route and status of a handshake, and no credential."""
    answer = raw(gate, "/chat?ticket=smn_wt_bad")
    line = gate.logged(answer)
    assert (line["path"], line["route"], line["st"]) == ("/chat", "chat", 401)
    raw(gate, "/chat", "Sec-WebSocket-Protocol: chat, sumun.bearer.secretive")
    text = (gate.folder / "access.log").read_text()
    assert "smn_wt_" not in text
    assert "secretive" not in text


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        ((f"Origin: {SHOP}",), True),
        (("Origin: https://29.example.com",), True),
        ((), True),
        (("Origin: https://evil.example.com",), False),
        (("Origin: https://shop.example.com.evil.example",), False),
        (("Origin: http://shop.example.com",), False),
        (("Origin: https://shop.example.com:8443",), False),
        (("Origin: null",), False),
        (("Origin:",), False),
        ((f"Origin: {SHOP}", "Origin: https://evil.example.com"), False),
        (("Origin: https://evil.example.com", f"Origin: {SHOP}"), False),
        ((f"Origin: {SHOP}, {SHOP}",), False),
        ((f"Origin: {SHOP} https://evil.example.com",), False),
    ],
)
def test_origin(gate: World, chat: Chat, lines: tuple[str, ...], allowed: bool) -> None:
    """A service with a list of origins is opened from its pages and by programs; a ticket is not spent on others."""
    gate.questions.clear()
    for target in (f"/lounge?{TICKET}", "/foyer"):
        answer = raw(gate, target, *lines)
        if allowed:
            assert answer.status == 101
        else:
            assert (answer.status, answer.code) == (403, "origin_not_allowed")
            assert gate.logged(answer)["code"] == "origin_not_allowed"
    assert bool(gate.questions) is allowed


def test_origin_of_other_calls(gate: World) -> None:
    """Without a list any page may; and the list is about WebSockets only."""
    evil = ("Origin: https://evil.example.com",)
    assert raw(gate, f"/chat?{TICKET}", *evil).status == 101
    assert raw(gate, "/lounge", *evil, AUTHORIZATION, upgrade=False).status == 426
    assert raw(gate, "/lounge", *evil, AUTHORIZATION).code == "origin_not_allowed"


def test_authorization_still_counts(gate: World) -> None:
    """Programs send their token as on any other call."""
    assert talk(gate, "/chat", "chat", headers=[GOOD]) == "chat"
