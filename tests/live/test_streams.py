"""Open streams end with the token they were opened with, and no others do. A whole node, everything from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from tests.live.node_under_test import (
    AT_ONCE_SECONDS,
    NodeUnderTest,
    node_folder,
    shop_services,
    until,
    write_config,
)
from tests.live.open_streams import Count, Wire, Wires, channel

OTHERS = 200
JWT = "urn:ietf:params:oauth:token-type:jwt"


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


@pytest.fixture(scope="module")
def wires(node: NodeUnderTest) -> Iterator[Wires]:
    """Somebody listens on every wire, and closes it in the end."""
    with Wires(node) as opened:
        yield opened


@pytest.fixture(scope="module")
def others(node: NodeUnderTest, wires: Wires) -> list[Wire]:
    """Open WebSockets of somebody whom nothing in this file is about."""
    token = node.log_in("other")
    return [wires.chat(token) for _ in range(OTHERS)]


def cut_within(is_open: Callable[[], bool], seconds: float = AT_ONCE_SECONDS) -> float:
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
def test_revoked(node: NodeUnderTest, wires: Wires, others: list[Wire], kind: str) -> None:
    """Revoking a token ends its WebSocket, event stream and gRPC stream within a second, and nobody else's."""
    asked = {"requested_token_type": JWT} if kind == "jwt" else {}
    token, spared = node.log_in("ann", **asked), node.log_in("ann", **asked)
    with channel(node) as one:
        streams: list[Wire | Count] = [wires.chat(token), wires.prices(token), Count(one, token)]
        stays = wires.chat(spared)
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
        assert stays.numbers.get(timeout=60)
        assert stays.is_open()
        assert goes.call.code() is not grpc.StatusCode.OK


def test_expired(node: NodeUnderTest, wires: Wires, others: list[Wire]) -> None:
    """A stream ends in the second in which its token ends, not before."""
    earliest = time.monotonic() + 10 - 1.5
    done = node.sumun("token", "issue", "--user", "bea", "--client", "shop-app", "--lifetime", "10s")
    assert done.returncode == 0, done.stderr
    token = done.stdout.split()[-1]
    began = time.monotonic()
    streams = [wires.chat(token), wires.prices(token)]
    for stream in streams:
        cut_within(stream.is_open, 10 + AT_ONCE_SECONDS - (time.monotonic() - began))
        assert time.monotonic() > earliest
    assert all_live(others)


def test_rights_change(node: NodeUnderTest, wires: Wires, others: list[Wire]) -> None:
    """More rights, or other ones less, end nothing; the loss of the permission ends what needs it, and only that."""
    token = node.log_in("cleo")
    talk, listen = wires.chat(token), wires.prices(token)
    told(node, "user", "grant", "cleo", "--permission", "product:read", "--permission", "order:create")
    told(node, "user", "revoke", "cleo", "--role", "user")
    time.sleep(1.0)
    assert talk.echoes()
    told(node, "user", "revoke", "cleo", "--permission", "product:read")
    cut_within(talk.is_open)
    time.sleep(0.2)
    assert listen.is_open()
    assert all_live(others)


def test_user_disabled(node: NodeUnderTest, wires: Wires, others: list[Wire]) -> None:
    """A disabled person's streams end, whatever tokens they hang on."""
    first, second = node.log_in("dora"), node.log_in("dora", requested_token_type=JWT)
    streams = [wires.chat(first), wires.prices(second)]
    told(node, "user", "disable", "dora", "--yes")
    for stream in streams:
        cut_within(stream.is_open)
    assert all_live(others)


@pytest.mark.parametrize("killed", [("answer",), ("keeper",), ("keeper", "answer")], ids="+".join)
def test_killed_before_the_revocation(
    node: NodeUnderTest, wires: Wires, others: list[Wire], killed: tuple[str, ...]
) -> None:
    """Who knew of the stream may be killed: it lives on, and ends with its token all the same."""
    token = node.log_in("ann")
    streams = [wires.chat(token), wires.prices(token)]
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


@pytest.mark.parametrize("killed", ["answer", "keeper"])
def test_killed_before_the_expiry(node: NodeUnderTest, wires: Wires, others: list[Wire], killed: str) -> None:
    """Who knew when the token ends may be killed: the stream ends in that second all the same."""
    earliest = time.monotonic() + 10 - 1.5
    done = node.sumun("token", "issue", "--user", "bea", "--client", "shop-app", "--lifetime", "10s")
    began = time.monotonic()
    streams = [wires.chat(done.stdout.split()[-1]), wires.prices(done.stdout.split()[-1])]
    again = node.log().count("runs again") + 1
    node.kill(killed)
    until(lambda: node.log().count("runs again") >= again)
    for stream in streams:
        assert stream.is_open() or time.monotonic() > earliest
    for stream in streams:
        cut_within(stream.is_open, 10 + AT_ONCE_SECONDS - (time.monotonic() - began))
        assert time.monotonic() > earliest
    assert all_live(others)


def test_in_an_old_worker(node: NodeUnderTest, wires: Wires, others: list[Wire]) -> None:
    """A stream in the HAProxy worker of before a reload ends with its token too."""
    token = node.log_in("ann")
    stream = wires.chat(token)
    node.config.write_text(node.config.read_text().replace("limits: {", "limits: {token_size: 7KiB, "))
    told(node, "reload")
    time.sleep(0.3)
    assert stream.echoes()
    revoke(node, token)
    cut_within(stream.is_open)
    assert all_live(others)


def test_role_loses_a_permission_in_the_file(node: NodeUnderTest, wires: Wires, others: list[Wire]) -> None:
    """After a reload a stream ends that the new configuration would not allow; what it still allows goes on."""
    text = node.config.read_text()
    permitted = 'user: ["product:read", "order:read"]'
    assert permitted in text
    token = node.log_in("ann")
    talk, listen = wires.chat(token), wires.prices(token)
    node.config.write_text(text.replace(permitted, 'user: ["order:read"]'))
    told(node, "reload")
    cut_within(talk.is_open)
    for one in others:
        cut_within(one.is_open)
    assert listen.is_open()
