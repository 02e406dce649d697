"""HTTP/2, gRPC, WebSocket and server-sent events through the gate: authenticated, and refused in their own words."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve

from sumun.access import Access
from sumun.config.plan import Plan, ServiceProtocol
from tests.live import http2
from tests.live.gate_wire import GOOD, bearer, parse, send_raw
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import limits, plan, route, service

SAY = "/shop.Greeter/Say"


class Neighbours:
    """A real gRPC service and a real WebSocket service."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, str]] = []
        self.grpc = grpc.server(futures.ThreadPoolExecutor(4))
        handlers = {"Say": self._unary(self._say), "Count": self._stream(self._count)}
        self.grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Greeter", handlers),))
        self.grpc_port = self.grpc.add_insecure_port("127.0.0.1:0")
        self.grpc.start()
        self.headers: list[dict[str, str]] = []
        self.chat: Server = serve(self._chat, "127.0.0.1", 0)
        self.chat_port = self.chat.socket.getsockname()[1]
        self._pool = futures.ThreadPoolExecutor(1)
        self._pool.submit(self.chat.serve_forever)

    def stop(self) -> None:
        self.grpc.stop(None).wait()
        self.chat.shutdown()
        self._pool.shutdown()

    @staticmethod
    def _unary(behaviour: object) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(behaviour)

    @staticmethod
    def _stream(behaviour: object) -> grpc.RpcMethodHandler:
        return grpc.unary_stream_rpc_method_handler(behaviour)

    def _say(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata()})
        if request == b"fail":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "service says no")
        return b"hello " + request

    def _count(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for number in range(3):
            yield b"%d" % number
            time.sleep(1.0)  # silent for longer than an ordinary answer may take, all in all

    def _chat(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append({key.lower(): value for key, value in connection.request.headers.raw_items()})
        for message in connection:
            connection.send(message)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    """The services, for all tests of this file."""
    there = Neighbours()
    yield there
    there.stop()


@pytest.fixture(scope="module")
def gate(haproxy: Path, neighbours: Neighbours) -> Iterator[World]:
    """One gate for all tests of this file."""

    def make(here: World) -> Plan:
        (listen,) = free_ports(1)
        h2c = ServiceProtocol.H2C
        return plan(
            listen,
            [
                service("s", here.echo.port),
                service("greeter", neighbours.grpc_port, h2c),
                service("gone", free_ports(1)[0], h2c),
                service("chat", neighbours.chat_port),
            ],
            [
                route("say", "/shop.Greeter/{method}", "greeter", "POST"),
                route("gone", "/gone.Service/{method}", "gone", "POST"),
                route("chat", "/chat", "chat", "GET"),
                route("asked", "/asked/**", "s"),
                route("open", "/open/**", "s", access=Access.PUBLIC),
            ],
            bounds=limits(client_timeout_ms=1000),
        )

    with gate_of(haproxy, make) as here:
        yield here


def _port(gate: World) -> int:
    assert gate.plan is not None
    return gate.plan.listen.port


def _call(gate: World, method: str, token: str, message: bytes = b"you") -> bytes:
    """A unary gRPC call with a real client."""
    with grpc.insecure_channel(f"127.0.0.1:{_port(gate)}") as channel:
        metadata = (("authorization", f"Bearer {token}"), ("x-user-id", "root")) if token else ()
        reply: bytes = channel.unary_unary(method)(message, metadata=metadata, timeout=60)
        return reply


def _refused(gate: World, method: str, token: str) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        _call(gate, method, token)
    return refused.value


def test_grpc(gate: World, neighbours: Neighbours) -> None:
    """A gRPC call with a good token arrives with the identity and without the token, and its answer comes back."""
    assert _call(gate, SAY, "good") == b"hello you"
    told = neighbours.metadata[-1]
    assert told["x-user-id"] == "u-alice"
    assert "authorization" not in told


def test_grpc_stream(gate: World) -> None:
    """A server stream passes message by message, even when it lasts longer than an answer may take."""
    with grpc.insecure_channel(f"127.0.0.1:{_port(gate)}") as channel:
        call = channel.unary_stream("/shop.Greeter/Count")
        replies = list(call(b"", metadata=(("authorization", "Bearer good"),), timeout=60))
    assert replies == [b"0", b"1", b"2"]


def test_grpc_status_of_the_service(gate: World) -> None:
    """A refusal of the service itself passes as it is, trailers and all."""
    with pytest.raises(grpc.RpcError) as refused:
        _call(gate, SAY, "good", b"fail")
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == "service says no"


@pytest.mark.parametrize(
    ("token", "code", "details"),
    [
        ("", grpc.StatusCode.UNAUTHENTICATED, "Token needed"),
        ("bad", grpc.StatusCode.UNAUTHENTICATED, "Not valid"),
        ("weak", grpc.StatusCode.PERMISSION_DENIED, 'Needs "more"'),
        ("outage", grpc.StatusCode.UNAVAILABLE, "Not decided; try again"),
    ],
)
def test_grpc_refused(gate: World, token: str, code: grpc.StatusCode, details: str) -> None:
    """A refused gRPC caller gets the gRPC status and the sentence."""
    refused = _refused(gate, SAY, token)
    assert (refused.code(), refused.details()) == (code, details)


def test_grpc_no_route_and_no_service(gate: World) -> None:
    """A method that is not routed is UNIMPLEMENTED; a service that is down is UNAVAILABLE."""
    assert _refused(gate, "/shop.Other/Say", "good").code() is grpc.StatusCode.UNIMPLEMENTED
    assert _refused(gate, "/gone.Service/Say", "good").code() is grpc.StatusCode.UNAVAILABLE


def test_grpc_refusal_on_the_wire(gate: World) -> None:
    """A gRPC refusal is trailers-only: one HEADERS frame, HTTP 200, application/grpc, no body."""
    fields = http2.fields("POST", SAY, (b"content-type", b"application/grpc"), (b"te", b"trailers"))
    answer = http2.call(_port(gate), fields)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.get("content-type") == ["application/grpc"]
    assert answer.get("grpc-status") == ["16"]


def test_json_caller_of_a_grpc_service(gate: World) -> None:
    """A caller that does not speak gRPC gets problem+json from the same route."""
    answer = http2.call(_port(gate), http2.fields("POST", SAY, (b"content-type", b"application/json")))
    assert answer.status == 401
    assert json.loads(answer.body)["code"] == "no_credential"


@pytest.mark.parametrize("path", ["/asked/x", "/open/x"])
@pytest.mark.parametrize(
    "forged",
    [
        (b"x-user-id", b"root"),
        (b"x_user_id", b"root"),
        (b"x.user.id", b"root"),
        (b"x-request-id", b"root"),
        (b"x-forwarded-for", b"root"),
        (b"x-sumun-listener", b"root"),
    ],
    ids=repr,
)
def test_forged_over_http2(gate: World, path: str, forged: tuple[bytes, bytes]) -> None:
    """Forged identity is taken away over HTTP/2 as over HTTP/1.1."""
    answer = http2.call(_port(gate), http2.fields("GET", path, (b"authorization", b"Bearer good"), forged))
    assert answer.status == 200
    heard = gate.echo.heard[-1]
    assert all(value != "root" for _, value in heard.headers)
    assert all("_" not in name and "." not in name for name in heard.names)
    assert heard.get("x-user-id") == (["u-alice"] if path == "/asked/x" else [])


BAD_OVER_HTTP2 = [
    http2.fields("GET", "/open/../x"),
    http2.fields("GET", "/open//x"),
    http2.fields("GET", "/open/%2e%2e/x"),
    http2.fields("GET", "*"),
    http2.fields("GET", "open/x"),
    http2.fields("GET", "/open/x y"),
    http2.fields("GET", "/open/x", (b"connection", b"x-user-id")),
    http2.fields("GET", "/open/x", (b"transfer-encoding", b"chunked")),
    http2.fields("GET", "/open/x", (b"X-User-Id", b"root")),
    http2.fields("GET", "/open/x", (b"x-a", b"a\r\nx-user-id: root")),
    http2.fields("GET", "/open/x", (b"x-a", b"a\x00b")),
    http2.fields("GET", "/open/x", (b"x a", b"b")),
    http2.fields("GET", "/open/x", (b"x-a:", b"b")),
    http2.fields("GET", "/open/x", (b":path", b"/asked/x")),
    http2.fields("GET", "/open/x", authority=b"a@b"),
    http2.fields("GET", "/open/x", (b"authorization", b"Bearer good"), (b"authorization", b"Bearer good")),
    http2.fields("CONNECT", "/open/x"),
    http2.fields('G"T', "/open/x"),
]


@pytest.mark.parametrize("fields", BAD_OVER_HTTP2, ids=lambda fields: repr([fields[0], *fields[2:]])[:90])
def test_bad_over_http2(gate: World, fields: list[tuple[bytes, bytes]]) -> None:
    """What is not canonical is refused over HTTP/2 too, by HAProxy's parser or by the gate, and reaches no
    service.
    """
    gate.echo.heard.clear()
    answer = http2.call(_port(gate), fields)
    assert answer.reset or answer.status in (400, 404, 405), answer
    assert gate.echo.heard == []
    gate.log()  # whatever it was, its line is JSON


def test_authority_is_the_host(gate: World) -> None:
    """A Host beside :authority is dropped: the service hears the host that was routed (RFC 9113 8.3.1)."""
    answer = http2.call(_port(gate), http2.fields("GET", "/open/x", (b"host", b"other.test")))
    assert answer.reset or gate.echo.heard[-1].get("host") == ["gate.test"]


def test_websocket(gate: World, neighbours: Neighbours) -> None:
    """A WebSocket with a good token opens, echoes, and its service is told who it is."""
    with connect(f"ws://127.0.0.1:{_port(gate)}/chat", additional_headers=dict([GOOD])) as chat:
        for message in ("hello", "안녕", b"\x00\x01"):
            chat.send(message)
            assert chat.recv(timeout=60) == message
    told = neighbours.headers[-1]
    assert told["x-user-id"] == "u-alice"
    assert "authorization" not in told


@pytest.mark.parametrize(("token", "status"), [("", 401), ("bad", 401), ("weak", 403)])
def test_websocket_refused_before_101(gate: World, neighbours: Neighbours, token: str, status: int) -> None:
    """A handshake without a good token is refused before 101, and its service hears nothing."""
    neighbours.headers.clear()
    headers = dict([bearer(token)]) if token else {}
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{_port(gate)}/chat", additional_headers=headers)
    assert refused.value.response.status_code == status
    assert neighbours.headers == []


def test_websocket_stays_open(gate: World) -> None:
    """An open WebSocket may be silent for longer than an ordinary answer may take."""
    with connect(
        f"ws://127.0.0.1:{_port(gate)}/chat", additional_headers=dict([GOOD]), ping_interval=None
    ) as chat:
        time.sleep(2.5)
        chat.send("still there")
        assert chat.recv(timeout=60) == "still there"


def test_server_sent_events(gate: World) -> None:
    """An event arrives when it is sent, and a stream may be silent for longer than an ordinary answer may take."""
    request = (
        b"GET /asked/events HTTP/1.1\r\nHost: gate.test\r\nAccept: text/event-stream\r\n"
        b"Authorization: Bearer good\r\nConnection: close\r\n\r\n"
    )
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", _port(gate)), timeout=60) as connection:
        connection.sendall(request)
        received = b""
        while b"data: first" not in received:
            received += connection.recv(4096)
        assert time.monotonic() - begun < 1
        while part := connection.recv(4096):
            received += part
    assert b"data: second" in received
    assert received.endswith(b"0\r\n\r\n")


def test_server_sent_events_refused(gate: World) -> None:
    """A stream is refused like any other call."""
    request = b"GET /asked/events HTTP/1.1\r\nHost: gate.test\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n"
    assert parse(send_raw(_port(gate), request)).code == "no_credential"
