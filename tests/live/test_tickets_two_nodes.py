"""Two nodes that share a store: a ticket of one opens one WebSocket at whichever is asked first, and no second anywhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sumun.node.issue_by_hand import revoke_by_hand
from tests.live.kept_world import ACTOR, World, confirmed
from tests.live.node_under_test import NodeUnderTest, until
from tests.live.two_nodes import Pair, at_work_on_both, two_nodes

HEAD = (
    "GET /events?{query} HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def pair(haproxy: Path) -> Iterator[Pair]:
    """Two nodes, started at once on nothing."""
    with two_nodes(lease=4) as running:
        yield running


def opened(node: NodeUnderTest, ticket: str) -> tuple[int, socket.socket]:
    """The status of a handshake, and its connection."""
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=10)
    connection.sendall(HEAD.format(query=f"ticket={ticket}").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(4096)
        assert part, head
        head += part
    return int(head[9:12]), connection


def used(node: NodeUnderTest, ticket: str) -> int:
    """The status alone."""
    status, connection = opened(node, ticket)
    connection.close()
    return status


def ticket_at(node: NodeUnderTest, token: str) -> str:
    """A ticket for a token."""
    answer = node.call("POST", "/oauth/ws-ticket", token)
    assert answer.status == 200, answer
    return str(answer.json["ticket"])


async def tokens_of(a: World) -> list[str]:
    user = await a.person("reader")
    return [await a.token(user, kind) for kind in ("opaque", "jwt")]


@pytest.fixture(scope="module")
def tokens(pair: Pair) -> list[str]:
    """An opaque token and a JWT, issued at A."""

    async def whole() -> list[str]:
        async with at_work_on_both(pair) as (a, _):
            return await tokens_of(a)

    return asyncio.run(whole())


def test_a_ticket_of_the_other_node(pair: Pair, tokens: list[str]) -> None:
    """Issued at A, good at B, once; then at neither."""
    for token in tokens:
        ticket = ticket_at(pair.a, token)
        assert [used(node, ticket) for node in (pair.b, pair.a, pair.b)] == [101, 401, 401]


def test_a_hundred_at_both(pair: Pair, tokens: list[str]) -> None:
    """A hundred who use one ticket at the same moment, half of them at each node: one gets in."""
    ticket = ticket_at(pair.b, tokens[0])
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda number: used((pair.a, pair.b)[number % 2], ticket), range(100)))
    assert sorted(outcomes) == [101] + [401] * 99


def test_what_it_opened_ends_with_the_token(pair: Pair, tokens: list[str]) -> None:
    """A WebSocket at B, by a ticket of A, ends when the token is revoked at A."""
    connections = []
    for token in tokens:
        status, connection = opened(pair.b, ticket_at(pair.a, token))
        assert status == 101
        connection.setblocking(False)
        connections.append(connection)

    async def whole() -> None:
        async with at_work_on_both(pair) as (a, _):
            for token in tokens:
                plan = a.shared.in_force.plan
                confirmed(await revoke_by_hand(plan, a.directory, a.changes, "-", token, ACTOR))

    asyncio.run(whole())
    for connection in connections:
        until(lambda one=connection: ended(one), 5, "the stream goes on")
        connection.close()


def ended(connection: socket.socket) -> bool:
    """The other side has hung up."""
    try:
        return connection.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
