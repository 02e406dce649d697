"""Whose host is a request for? What found the route is what the service is told, however a host can be written twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumun.access import Access
from sumun.config.plan import Plan
from tests.live import http2
from tests.live.gate_wire import parse, send_raw
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import plan, route, service


def _plan(here: World) -> Plan:
    (listen,) = free_ports(1)
    routes = [
        route("open", "/x/**", "s", host="open.test", access=Access.PUBLIC),
        route("shut", "/x/**", "s", host="shut.test"),
        route("others", "/x/**", "s"),
    ]
    return plan(listen, [service("s", here.echo.port)], routes)


@pytest.fixture(scope="module")
def gate(haproxy: Path) -> Iterator[World]:
    """One gate for all tests of this file."""
    with gate_of(haproxy, _plan) as here:
        yield here


@pytest.fixture(autouse=True)
def _nothing_heard(gate: World) -> None:
    gate.echo.heard.clear()


def hosts_heard(gate: World) -> list[str]:
    """What the service was told of the host, by each request that reached it."""
    return [
        ",".join(value for name, value in heard.headers if name.lower() == "host")
        for heard in gate.echo.heard
    ]


def _over_http1(target: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", *lines, b"Connection: close"]) + b"\r\n\r\n"


OPEN, SHUT = b"Host: open.test", b"Host: shut.test"


@pytest.mark.parametrize(
    "request_",
    [
        _over_http1(b"http://open.test/x/y", SHUT),
        _over_http1(b"http://shut.test/x/y", OPEN),
        _over_http1(b"http://open.test@shut.test/x/y", OPEN),
        _over_http1(b"http://shut.test:80@open.test/x/y", SHUT),
        _over_http1(b"http:///x/y", OPEN),
        _over_http1(b"//shut.test/x/y", OPEN),
        _over_http1(b"HTTP://shut.test/x/y", OPEN),
        _over_http1(b"http://open.test/x/y", OPEN, SHUT),
        _over_http1(b"/x/y", OPEN, SHUT),
        _over_http1(b"/x/y", SHUT, OPEN),
        _over_http1(b"/x/y", b"Host: open.test, shut.test"),
        _over_http1(b"/x/y", b"Host: open.test shut.test"),
        _over_http1(b"/x/y", b"Host: open.test:shut.test"),
        _over_http1(b"/x/y", b"Host: open.test:80:shut.test"),
        _over_http1(b"/x/y", b"Host: open.test\x0bshut.test"),
        _over_http1(b"/x/y", b" Host: shut.test", OPEN),
        _over_http1(b"/x/y", OPEN, b" shut.test"),
        _over_http1(b"/x/y", b"Host : shut.test", OPEN),
        _over_http1(b"/x/y", b"Host: open.test#@shut.test"),
        _over_http1(b"/x/y", b"Host: open.test%00.shut.test"),
        _over_http1(b"http://open.test:80/x/y", OPEN),
        _over_http1(b"/x/y", b"Host: OPEN.test:8080"),
        _over_http1(
            b"/x/y", OPEN, b"X-Forwarded-Host: shut.test", b"X-Host: shut.test", b"Forwarded: host=shut.test"
        ),
    ],
    ids=map(str, itertools.count()),
)
def test_one_host_over_http1(gate: World, request_: bytes) -> None:
    """A request that reached the service by the open host's route is for that host alone, or nothing reached it."""
    assert gate.plan is not None
    answer = parse(send_raw(gate.plan.listen.port, request_))
    assert answer.status in (200, 400, 401), answer
    assert all(host.lower().partition(":")[0] == "open.test" for host in hosts_heard(gate))
    assert not [line for heard in gate.echo.heard for line in heard.headers if "shut" in line[1]]


def _over_http2(authority: bytes | None, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    named = [] if authority is None else [(b":authority", authority)]
    return [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/x/y"), *named, *more]


@pytest.mark.parametrize(
    "fields",
    [
        _over_http2(b"open.test", (b"host", b"shut.test")),
        _over_http2(b"shut.test", (b"host", b"open.test")),
        _over_http2(None, (b"host", b"open.test"), (b"host", b"shut.test")),
        _over_http2(None, (b"host", b"shut.test"), (b"host", b"open.test")),
        _over_http2(b"", (b"host", b"open.test")),
        _over_http2(b"shut.test@open.test"),
        _over_http2(b"open.test/x/y@shut.test"),
        _over_http2(b"open.test", (b":authority", b"shut.test")),
        _over_http2(b"open.test:80"),
        _over_http2(b"OPEN.TEST"),
        _over_http2(None, (b"host", b"open.test")),
        _over_http2(b"open.test?@shut.test"),
        _over_http2(b"open.test#@shut.test"),
        _over_http2(b"shut.test", (b":path", b"http://open.test/x/y")),
        [
            (b":method", b"CONNECT"),
            (b":protocol", b"websocket"),
            *_over_http2(b"open.test")[1:],
            (b"host", b"shut.test"),
        ],
        [(b":method", b"CONNECT"), (b":authority", b"open.test:80")],
    ],
    ids=map(str, itertools.count()),
)
def test_one_host_over_http2(gate: World, fields: list[tuple[bytes, bytes]]) -> None:
    """The same over HTTP/2, which names a host in `:authority`, in `host`, or in both (RFC 9113 8.3.1)."""
    assert gate.plan is not None
    answer = http2.call(gate.plan.listen.port, fields)
    # 502: the service takes up no WebSocket (RFC 8441), which it was asked for under the open host.
    assert answer.reset or answer.status in (200, 400, 401, 502), answer
    assert all(host.lower().partition(":")[0] == "open.test" for host in hosts_heard(gate))
    assert not [line for heard in gate.echo.heard for line in heard.headers if "shut" in line[1]]
