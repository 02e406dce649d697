"""Streams that share one HTTP/2 connection, and streams that do not say what they are: only the right one ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.live.http2_streams import Connection, Stream, connection
from tests.live.node_under_test import (
    AT_ONCE_SECONDS,
    NodeUnderTest,
    node_folder,
    shop_services,
    until,
    write_config,
)

PLAIN = """\
  - {host: plain.test, path: /prices, methods: [GET], service: prices}
  - {host: stream.test, path: /prices, methods: [GET], service: prices, stream: true}
"""


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            node.config.write_text(node.config.read_text().replace("routes:\n", f"routes:\n{PLAIN}"))
            with node.running():
                for name in ("ann", "bea"):
                    node.add_person(name, "user")
                yield node
            assert "Traceback" not in node.log()


@pytest.fixture
def shared(node: NodeUnderTest) -> Iterator[Connection]:
    """One HTTP/2 connection."""
    with connection(node.port) as made:
        yield made


def revoke(node: NodeUnderTest, token: str) -> None:
    """As a client does (RFC 7009)."""
    assert node.form("/oauth/revoke", {"token": token, "client_id": "shop-app"}).status == 200


def bearer(token: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {token}".encode()


def ends(stream: Stream, seconds: float = AT_ONCE_SECONDS) -> None:
    """It is cut within so much time."""
    until(lambda: not stream.is_open(), seconds, "the stream goes on")


def test_event_streams(node: NodeUnderTest, shared: Connection) -> None:
    """Of ten event streams of one connection those of the revoked token end, the others go on, and new ones begin."""
    mine, revoked = node.log_in("ann"), node.log_in("ann")
    stay = [shared.events("/prices", mine) for _ in range(5)]
    go = [shared.events("/prices", revoked) for _ in range(5)]
    assert all(stream.headers[":status"] == "200" for stream in (*stay, *go))
    revoke(node, revoked)
    for stream in go:
        ends(stream)
    for stream in stay:
        stream.goes_on()
    shared.events("/prices", mine).goes_on()


def test_websockets(node: NodeUnderTest, shared: Connection) -> None:
    """WebSockets over HTTP/2 (RFC 8441), by Authorization, ticket and subprotocol: each ends with its own token."""
    mine, first, second, third = (node.log_in("ann") for _ in range(4))
    ticket = node.call("POST", "/oauth/ws-ticket", second).json["ticket"]
    stays = shared.websocket("/chat", bearer(mine))
    protocols = f"sumun, sumun.bearer.{third}".encode()
    streams = {
        first: shared.websocket("/chat", bearer(first)),
        second: shared.websocket(f"/chat?ticket={ticket}"),
        third: shared.websocket("/chat", (b"sec-websocket-protocol", protocols)),
    }
    assert streams[third].headers["sec-websocket-protocol"] == "sumun"
    assert shared.websocket(f"/chat?ticket={ticket}").headers[":status"] == "401"
    for token, stream in streams.items():
        assert stream.headers[":status"] == "200"
        assert stream.echoes()
        revoke(node, token)
        ends(stream)
        assert stays.echoes()


def test_two_credentials(node: NodeUnderTest, shared: Connection) -> None:
    """Two credentials in one handshake are 400 over HTTP/2 too, and the ticket is not spent."""
    token = node.log_in("ann")
    ticket = node.call("POST", "/oauth/ws-ticket", token).json["ticket"]
    assert shared.websocket(f"/chat?ticket={ticket}", bearer(token)).headers[":status"] == "400"
    assert shared.websocket(f"/chat?ticket={ticket}").echoes()


def test_expiry_on_one_connection(node: NodeUnderTest, shared: Connection) -> None:
    """A stream ends with its token, its neighbour on the connection with its own, later one."""
    done = node.sumun("token", "issue", "--user", "bea", "--client", "shop-app", "--lifetime", "10s")
    short, stays = (
        shared.events("/prices", done.stdout.split()[-1]),
        shared.events("/prices", node.log_in("bea")),
    )
    ends(short, 10 + AT_ONCE_SECONDS)
    stays.goes_on()


class Unasked:
    """An HTTP/1.1 answer that goes on, on a connection of its own."""

    def __init__(self, node: NodeUnderTest, host: str, token: str, *lines: str) -> None:
        """Asked for, and begun."""
        self._socket = socket.create_connection(("127.0.0.1", node.port), timeout=60)
        head = ("GET /prices HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}", *lines, "", "")
        self._socket.sendall("\r\n".join(head).encode())
        self.first = self._socket.recv(65536)
        self._socket.setblocking(False)

    def is_open(self) -> bool:
        """False when the other side has ended it."""
        try:
            while part := self._socket.recv(65536):
                assert b"HTTP/1.1" not in part
        except BlockingIOError:
            return True
        except OSError:
            return False
        return bool(part)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@pytest.mark.parametrize(
    ("host", "lines"),
    [
        ("stream.test", ()),
        ("stream.test", ("Accept: */*",)),
        ("plain.test", ("Accept: application/json, text/event-stream",)),
        ("plain.test", ("Accept: application/json;q=0.5,Text/Event-Stream;q=1",)),
    ],
)
def test_streams_that_do_not_begin_with_it(node: NodeUnderTest, host: str, lines: tuple[str, ...]) -> None:
    """An endless answer on a route with `stream: true`, or to a caller who would also take something else, is cut."""
    token, other = node.log_in("ann"), node.log_in("ann")
    # What is known of both tokens makes no difference.
    for one in (token, other, token, other):
        assert node.call("GET", "/products", one).status == 200
    with (
        closing(Unasked(node, host, token, *lines)) as stream,
        closing(Unasked(node, host, other, *lines)) as stays,
    ):
        assert stream.first.startswith(b"HTTP/1.1 200")
        revoke(node, token)
        until(lambda: not stream.is_open(), AT_ONCE_SECONDS, "the stream goes on")
        assert stays.is_open()
