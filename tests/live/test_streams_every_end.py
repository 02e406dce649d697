"""Every kind of stream there is, and every way in which it must end, also when who had judged it was killed meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import grpc
import pytest

from sumun.changes import Applied, Changes
from sumun.node.operator.opened import open_for_operator
from tests.live.http2_streams import Connection, connection
from tests.live.kept_world import ACTOR, confirmed, held
from tests.live.node_under_test import NodeUnderTest, node_folder, shop_services, until, write_config
from tests.live.open_streams import UPGRADE, Count, Wires, channel
from tests.live.operator_shell import Shell
from tests.live.visitor import App, Visitor

WITHIN_SECONDS = 1.0
LIFETIME_SECONDS = 6
PEOPLE = ("ann", "bea", "cleo", "dora", "other")
BACK = "http://127.0.0.1:51004/back"
EXTRA = f"""\
  - {{id: web, kind: public, first_party: true, grants: [authorization_code], redirect_uris: ["{BACK}"]}}
"""
READS = (
    ("{path: /prices, methods: [GET], service: prices", ""),
    ("{path: /chat, methods: [GET], service: chat", ", session: true"),
    ('{path: "/demo.Echo/**", methods: [POST], service: echo', ""),
)


class Open(Protocol):
    """Any of them."""

    def is_open(self) -> bool: ...


Streams = dict[str, Open]


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway; its streams are for who may read products, its chat also for who is logged in."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports, EXTRA)
            text = node.config.read_text()
            for route, more in READS:
                assert route in text
                text = text.replace(route, f"{route}, require: product:read{more}")
            node.config.write_text(text)
            with node.running():
                for name in PEOPLE:
                    line = f"user add {name} --role user --password-stdin"
                    Shell(node.data).ok(line, stdin=f"{name}-demo-pass\n")
                yield node
            assert "Traceback" not in node.log()


def operate(node: NodeUnderTest, what: Callable[[Changes], Awaitable[Applied]]) -> None:
    """An operator changes something, and everybody has applied it."""

    async def work() -> None:
        async with open_for_operator(node.data) as shared:
            confirmed(await what(shared.changes))

    asyncio.run(work())


def streams_of(token: str, node: NodeUnderTest, wires: Wires, h2: Connection, rpc: grpc.Channel) -> Streams:
    """One of each kind, all by one token; those of HTTP/2 and of gRPC share their connection with everybody's."""
    bearer = (b"authorization", f"Bearer {token}".encode())
    ticket = node.call("POST", "/oauth/ws-ticket", token).json["ticket"]
    offered = f"Sec-WebSocket-Protocol: sumun, sumun.bearer.{token}"
    return {
        "WebSocket": wires.chat(token),
        "WebSocket by a ticket": wires.chat("", f"?ticket={ticket}"),
        "WebSocket by a subprotocol": wires.open("/chat", "", *UPGRADE, offered),
        "event stream": wires.prices(token),
        "gRPC": Count(rpc, token),
        "HTTP/2 event stream": h2.events("/prices", token),
        "HTTP/2 WebSocket": h2.websocket("/chat", bearer),
    }


def all_end(why: str, streams: Streams, seconds: float = WITHIN_SECONDS) -> None:
    """Each is cut within so much time from now."""
    began = time.monotonic()
    for kind, stream in streams.items():
        left = seconds - (time.monotonic() - began)
        until(lambda one=stream: not one.is_open(), max(left, 0.01), f"{why}: the {kind} goes on")


@pytest.mark.parametrize("killed", [(), ("answer",), ("answer", "keeper")], ids="+".join)
def test_each_kind_ends_for_each_reason(node: NodeUnderTest, killed: tuple[str, ...]) -> None:
    """Revoked, right lost, disabled, logged out, expired: seven kinds of stream end within a second, and only those."""
    visitor, app = Visitor(node.port), App(node, "web", BACK, "product:read")
    answer = app.redeem(visitor.log_in(visitor.open(app.address()), "dora"))
    assert answer.status == 200, answer
    with Wires(node) as wires, connection(node.port) as h2, channel(node) as rpc:
        revoked, lost, disabled, left = (
            node.log_in("ann"),
            node.log_in("bea"),
            node.log_in("cleo"),
            answer.json,
        )
        others = streams_of(node.log_in("other"), node, wires, h2, rpc)
        opened = {token: streams_of(token, node, wires, h2, rpc) for token in (revoked, lost, disabled)}
        logged_in = streams_of(str(left["access_token"]), node, wires, h2, rpc)
        logged_in["WebSocket by a cookie"] = wires.open("/chat", "", *UPGRADE, *cookie_of(visitor))
        line = f"token issue --user ann --client shop-app --lifetime {LIFETIME_SECONDS}s"
        done = Shell(node.data).ok(line)
        issued = time.monotonic()
        expiring = streams_of(done.out.split()[-1], node, wires, h2, rpc)
        again = node.log().count("runs again") + len(killed)
        for part in killed:
            node.kill(part)
        until(lambda: node.log().count("runs again") >= again)
        until(lambda: node.call("GET", "/products", revoked).status == 200)
        assert all(one.is_open() for one in (*others.values(), *logged_in.values()))
        has_time = time.monotonic() - issued < LIFETIME_SECONDS - 1  # a busy machine may have none left
        assert not has_time or all(one.is_open() for one in expiring.values())
        all_end("expired", expiring, LIFETIME_SECONDS + WITHIN_SECONDS - (time.monotonic() - issued))
        assert time.monotonic() - issued > LIFETIME_SECONDS - 2
        assert all(one.is_open() for streams in opened.values() for one in streams.values())
        assert node.form("/oauth/revoke", {"token": revoked, "client_id": "shop-app"}).status == 200
        all_end("revoked", opened[revoked])
        operate(node, lambda changes: changes.withdraw("bea", held("user"), actor=ACTOR))
        all_end("right lost", opened[lost])
        operate(node, lambda changes: changes.disable_user("cleo", actor=ACTOR))
        all_end("disabled", opened[disabled])
        assert all(one.is_open() for one in logged_in.values())
        assert visitor.send(visitor.open("/oauth/logout"), decision="logout").status == 200
        all_end("logged out", logged_in)
        assert all(one.is_open() for one in others.values())
        assert others["WebSocket"].echoes()
        assert others["HTTP/2 WebSocket"].echoes()
        others["HTTP/2 event stream"].goes_on()
    operate(node, lambda changes: changes.grant("bea", held("user"), actor=ACTOR))
    operate(node, lambda changes: changes.enable_user("cleo", actor=ACTOR))


def cookie_of(visitor: Visitor) -> tuple[str, str]:
    """What a page of this gateway sends when it opens a WebSocket."""
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    return f"Cookie: {cookies}", f"Origin: {visitor.origin}"
