"""Open streams end with the token they were opened with, and no others do. A whole node, everything from outside."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import grpc
import pytest

from tests.live.node_under_test import NodeUnderTest, node_folder, shop_services, until, write_config

OTHERS = 200
JWT = "urn:ietf:params:oauth:token-type:jwt"
WITHIN_SECONDS = 1.0


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file; the chat is for who may read products."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            chat = "{path: /chat, methods: [GET], service: chat"
            text = node.config.read_text()
            assert chat in text
            node.config.write_text(text.replace(chat, f"{chat}, require: product:read"))
            with node.running():
                for name in ("ann", "bea", "cleo", "dora", "other"):
                    node.add_person(name, "user")
                yield node
            assert "Traceback" not in node.log()


class Wire:
    """An open WebSocket or event stream, as bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = b""
        self.ended = False

    def is_open(self) -> bool:
        """False when the other side has ended it."""
        return not self.ended

    def echoes(self) -> bool:
        """A WebSocket says back what it is told (RFC 6455 5.2: one masked text frame)."""
        self.heard = b""
        self.connection.sendall(b"\x81\x84\0\0\0\0echo")
        until(lambda: b"echo" in self.heard or self.ended, 5)
        return not self.ended

    def read(self) -> None:
        """Read what is there; a ping is answered, or the service would hang up after 40 s (RFC 6455 5.5.2)."""
        try:
            part = self.connection.recv(65536)
            ping = part.find(b"\x89\x04")
            if ping >= 0:
                self.connection.sendall(b"\x8a\x84\0\0\0\0" + part[ping + 2 : ping + 6])
        except OSError:
            part = b""
        self.heard += part
        self.ended = not part


class Reader(Thread):
    """Reads all wires, all the time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.wires: list[Wire] = []
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            ready = {wire.connection: wire for wire in self.wires if not wire.ended}
            for connection in select.select(ready, [], [], 0.02)[0]:
                ready[connection].read()

    def stop(self) -> None:
        self.stopping = True
        self.join()
        for wire in self.wires:
            wire.connection.close()


@pytest.fixture(scope="module", autouse=True)
def _reading() -> Iterator[None]:
    """Somebody listens on every wire, and closes it in the end."""
    READER.start()
    yield
    READER.stop()


READER = Reader()


def open_wire(node: NodeUnderTest, path: str, token: str, *lines: str) -> Wire:
    """Ask for a stream and wait until it has begun."""
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=10)
    head = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{node.port}", f"Authorization: Bearer {token}", *lines)
    connection.sendall("\r\n".join((*head, "", "")).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65536)
        assert part, answer
        answer += part
    assert answer.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), answer
    wire = Wire(connection)
    READER.wires.append(wire)
    return wire


def chat(node: NodeUnderTest, token: str) -> Wire:
    """A WebSocket."""
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    return open_wire(
        node, "/chat", token, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key
    )


def prices(node: NodeUnderTest, token: str) -> Wire:
    """An event stream."""
    return open_wire(node, "/prices", token, "Accept: text/event-stream")


class Count:
    """A gRPC server stream, on its own connection or on one that it shares."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        call = channel.unary_stream("/demo.Echo/Count")
        self.call = call(b"", metadata=[("authorization", f"Bearer {token}")])
        assert next(self.call) == b"0"
        self.numbers: Queue[bytes] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(grpc.RpcError):
            for number in self.call:
                self.numbers.put(number)

    def is_open(self) -> bool:
        """False when the call has ended."""
        return bool(self.call.is_active())


@contextlib.contextmanager
def channel(node: NodeUnderTest) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{node.port}", [("grpc.use_local_subchannel_pool", 1)]) as made:
        yield made


@pytest.fixture(scope="module")
def others(node: NodeUnderTest) -> list[Wire]:
    """Open WebSockets of somebody whom nothing in this file is about."""
    token = node.log_in("other")
    return [chat(node, token) for _ in range(OTHERS)]


def cut_within(is_open: Callable[[], bool], seconds: float = WITHIN_SECONDS) -> float:
    """Waits until the stream has ended; gives the seconds. Fails when it takes longer."""
    return until(lambda: not is_open(), seconds, "the stream goes on")


def told(node: NodeUnderTest, *words: str) -> None:
    """Run a command that must work."""
    done = node.sumun(*words)
    assert done.returncode == 0, done.stderr


def revoke(node: NodeUnderTest, token: str) -> None:
    """As a client does (RFC 7009)."""
    assert node.form("/oauth/revoke", {"token": token, "client_id": "shop-app"}).status == 200


def all_live(others: list[Wire]) -> bool:
    return all(one.is_open() for one in others) and others[0].echoes() and others[-1].echoes()


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_revoked(node: NodeUnderTest, others: list[Wire], kind: str) -> None:
    """Revoking a token ends its WebSocket, event stream and gRPC stream within a second, and nobody else's."""
    asked = {"requested_token_type": JWT} if kind == "jwt" else {}
    token, spared = node.log_in("ann", **asked), node.log_in("ann", **asked)
    with channel(node) as one:
        streams: list[Wire | Count] = [chat(node, token), prices(node, token), Count(one, token)]
        stays = chat(node, spared)
        time.sleep(0.5)
        assert all(stream.is_open() for stream in streams)
        revoke(node, token)
        for stream in streams:
            cut_within(stream.is_open)
    assert stays.echoes()
    assert all_live(others)


def test_one_stream_of_a_connection(node: NodeUnderTest) -> None:
    """Two HTTP/2 streams with two tokens on one connection: the revoked one ends, the other goes on."""
    mine, revoked = node.log_in("ann"), node.log_in("ann")
    with channel(node) as shared:
        stays, goes = Count(shared, mine), Count(shared, revoked)
        revoke(node, revoked)
        cut_within(goes.is_open)
        while not stays.numbers.empty():
            stays.numbers.get()
        assert stays.numbers.get(timeout=2)
        assert stays.is_open()
        assert goes.call.code() is not grpc.StatusCode.OK


def test_expired(node: NodeUnderTest, others: list[Wire]) -> None:
    """A stream ends in the second in which its token ends, not before."""
    done = node.sumun("token", "issue", "--user", "bea", "--client", "shop-app", "--lifetime", "3s")
    assert done.returncode == 0, done.stderr
    token = done.stdout.split()[-1]
    began = time.monotonic()
    streams = [chat(node, token), prices(node, token)]
    time.sleep(1.0)
    assert all(stream.is_open() for stream in streams)
    for stream in streams:
        cut_within(stream.is_open, 3.5 - (time.monotonic() - began))
    assert time.monotonic() - began > 1.5
    assert all_live(others)


def test_rights_change(node: NodeUnderTest, others: list[Wire]) -> None:
    """More rights, or other ones less, end nothing; the loss of the permission ends what needs it, and only that."""
    token = node.log_in("cleo")
    talk, listen = chat(node, token), prices(node, token)
    told(node, "user", "grant", "cleo", "--permission", "product:read", "--permission", "order:create")
    told(node, "user", "revoke", "cleo", "--role", "user")
    time.sleep(WITHIN_SECONDS)
    assert talk.echoes()
    told(node, "user", "revoke", "cleo", "--permission", "product:read")
    cut_within(talk.is_open)
    time.sleep(0.2)
    assert listen.is_open()
    assert all_live(others)


def test_user_disabled(node: NodeUnderTest, others: list[Wire]) -> None:
    """A disabled person's streams end, whatever tokens they hang on."""
    first, second = node.log_in("dora"), node.log_in("dora", requested_token_type=JWT)
    streams = [chat(node, first), prices(node, second)]
    told(node, "user", "disable", "dora", "--yes")
    for stream in streams:
        cut_within(stream.is_open)
    assert all_live(others)


@pytest.mark.parametrize("killed", [("answer",), ("keeper",), ("keeper", "answer")], ids="+".join)
def test_killed_before_the_revocation(
    node: NodeUnderTest, others: list[Wire], killed: tuple[str, ...]
) -> None:
    """Who knew of the stream may be killed: it lives on, and ends with its token all the same."""
    token = node.log_in("ann")
    streams = [chat(node, token), prices(node, token)]
    again = node.log().count("runs again") + len(killed)
    for part in killed:
        node.kill(part)
    until(lambda: node.log().count("runs again") >= again)
    until(lambda: node.call("GET", "/products", token).status == 200)
    time.sleep(1.0)
    assert all(stream.is_open() for stream in streams)
    revoke(node, token)
    for stream in streams:
        cut_within(stream.is_open)
    assert all_live(others)


def test_in_an_old_worker(node: NodeUnderTest, others: list[Wire]) -> None:
    """A stream in the HAProxy worker of before a reload ends with its token too."""
    token = node.log_in("ann")
    stream = chat(node, token)
    node.config.write_text(node.config.read_text() + "\nlimits: {token_size: 7KiB}\n")
    told(node, "reload")
    time.sleep(0.3)
    assert stream.echoes()
    revoke(node, token)
    cut_within(stream.is_open)
    assert all_live(others)


def test_role_loses_a_permission_in_the_file(node: NodeUnderTest, others: list[Wire]) -> None:
    """After a reload a stream ends that the new configuration would not allow; what it still allows goes on."""
    text = node.config.read_text()
    permitted = 'user: ["product:read", "order:read"]'
    assert permitted in text
    token = node.log_in("ann")
    talk, listen = chat(node, token), prices(node, token)
    node.config.write_text(text.replace(permitted, 'user: ["order:read"]'))
    told(node, "reload")
    cut_within(talk.is_open)
    for one in others:
        cut_within(one.is_open)
    assert listen.is_open()
