"""Frames that real HAProxys sent, byte for byte (folder captured/)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from sumun.spop import (
    AgentConnection,
    AgentHello,
    Disconnected,
    HaproxyDisconnect,
    HealthCheck,
    Hello,
    Notify,
    Value,
)
from sumun.spop.disconnect import encode_haproxy_disconnect
from sumun.spop.frames import encode_notify
from sumun.spop.hello import encode_haproxy_hello
from tests.unit.spop.feeding import fed_byte_by_byte, fed_in_pieces, fed_whole

OLD, NEW = "haproxy-2.6.12", "haproxy-3.4.0"
BOTH = pytest.mark.parametrize("version", [OLD, NEW])

QUESTION: dict[str, Value] = {
    "gen": "17",
    "route": "products_list",
    "lst": "public",
    "kind": "bearer",
    "cred": "smn_at_" + "k" * 49,
    "id": 0,
    "src": None,
    "grpc": False,
    "six": IPv6Address("2001:db8::"),
    "n": 70_000,
    "neg": -5,
    "none": None,
    "m": "GET",
    "bin": bytes.fromhex("11f6ad8ec52a2984abaafd7c3b516503785c2072"),
}
QUESTIONS: dict[str, dict[str, Value]] = {
    "question": QUESTION,
    "question-with-bytes-that-are-not-utf8": QUESTION | {"cred": "smn_at_김\udcff"},
    "question-with-900-byte-credential": QUESTION | {"cred": "j" * 900},
    "question-from-ipv4": QUESTION | {"cred": "x", "src": IPv4Address("127.0.0.1")},
    "question-from-ipv6": QUESTION | {"cred": "x", "src": IPv6Address("::1")},
}


def captured(version: str) -> dict[str, bytes]:
    """The frames of one version by name."""
    text = (Path(__file__).parent / "captured" / f"{version}.frames").read_text(encoding="ascii")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {name: bytes.fromhex(raw) for name, raw in lines}


@pytest.mark.parametrize(("version", "capabilities"), [(OLD, {"pipelining", "async"}), (NEW, {"pipelining"})])
def test_hello(version: str, capabilities: set[str]) -> None:
    """Both versions' HELLO is understood, and our encoder plays HAProxy's part to the byte."""
    frame = captured(version)["hello"]
    (hello,) = AgentConnection().receive(frame)
    assert isinstance(hello, Hello)
    assert hello.agreed == AgentHello("2.0", 32_764, frozenset(capabilities))
    assert len(hello.offer.engine_id) == 36
    assert encode_haproxy_hello(hello.offer) == frame


@pytest.mark.parametrize(("version", "size"), [(OLD, 32_764), (NEW, 16_380)])
def test_health_check(version: str, size: int) -> None:
    """Both versions' health check is understood as one."""
    assert AgentConnection().receive(captured(version)["health-check"]) == [
        HealthCheck(AgentHello("2.0", size, frozenset()))
    ]


@BOTH
@pytest.mark.parametrize("name", QUESTIONS)
def test_question(version: str, name: str) -> None:
    """Both versions' questions give the arguments the configuration asked for, and encode to the same bytes."""
    frames = captured(version)
    connection = AgentConnection()
    connection.receive(frames["hello"])
    (notify,) = connection.receive(frames[name])
    assert isinstance(notify, Notify)
    (message,) = notify.messages
    assert message.name == "ask"
    assert message.args == QUESTIONS[name]
    assert encode_notify(notify.stream_id, notify.frame_id, notify.messages) == frames[name]


def test_streams_begin_at_zero() -> None:
    """HAProxy 2.6 numbers its first stream 0, so 0 is a stream like any other."""
    connection = AgentConnection()
    frames = captured(OLD)
    _, first = connection.receive(frames["hello"] + frames["question"])
    assert isinstance(first, Notify)
    assert (first.stream_id, first.frame_id) == (0, 1)


def test_disconnect() -> None:
    """HAProxy 2.6 says goodbye to an idle connection with status 2."""
    frames = captured(OLD)
    connection = AgentConnection()
    connection.receive(frames["hello"])
    frame = HaproxyDisconnect(2, "a timeout occurred")
    assert connection.receive(frames["disconnect-after-idle"]) == [Disconnected(frame)]
    assert encode_haproxy_disconnect(frame) == frames["disconnect-after-idle"]


@BOTH
def test_a_whole_captured_stream(version: str) -> None:
    """All of it in one read, byte by byte and in odd pieces gives the same events."""
    frames = captured(version)
    stream = frames["hello"] + b"".join(frames[name] for name in QUESTIONS)
    events = fed_whole(AgentConnection(), stream)
    assert [type(event) for event in events] == [Hello, *[Notify] * 5]
    assert fed_byte_by_byte(AgentConnection(), stream) == events
    assert fed_in_pieces(AgentConnection(), stream, [1, 3, 5, 100, 333]) == events
