"""Two nodes that share a store: a ticket of one opens one WebSocket at whichever is asked first, and no second anywhere; a
login at one is known at the other, and so is its end.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sumun.identity import Standing, Subject
from sumun.node.issue_by_hand import revoke_by_hand
from sumun.sessions import Authentication, Sessions
from tests.live.demo_node import call
from tests.live.kept_world import ACTOR, Reply, World, confirmed
from tests.live.node_under_test import NodeUnderTest, until
from tests.live.two_nodes import Pair, at_work_on_both, two_nodes

HEAD = (
    "GET /events?{query} HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def pair(haproxy: Path) -> Iterator[Pair]:
    """Two nodes, started at once on nothing."""
    with two_nodes(lease=4, routes=("path: /page, require: item:read, session: true",)) as running:
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


async def page(world: World, cookie: str) -> tuple[int, str]:
    """The status of a page, and the backend that it came from."""
    sent = {"Cookie": f"__Host-sumun_session={cookie}", "Host": "shop.test"}
    answer = await asyncio.to_thread(call, world.node.port, "GET", "/page", sent)
    backend = await world.log.backend(Reply(answer.status, answer.headers["x-request-id"], answer.body))
    return answer.status, backend


def test_a_session_of_the_other_node(pair: Pair) -> None:
    """Begun at A, known at B; kept by HAProxy at both; ended at B, it is refused at A as soon as the call has returned."""

    async def whole() -> None:
        async with at_work_on_both(pair) as (a, b):
            reader = Subject.user(await a.person("reader"))

            async def standing(subject: Subject) -> Standing | None:
                return a.shared.directory.standing(subject)

            sessions = Sessions(
                a.shared.sessions,
                standing,
                a.shared.changes,
                idle_seconds=600,
                absolute_seconds=3600,
                clock=time.time,
            )
            who = Authentication(reader.id, int(time.time()), 0, ("pwd",))
            cookie, session = await sessions.begin(who)
            spared, _ = await sessions.begin(who)
            for world in (a, b):
                for one in (cookie, spared):
                    async with asyncio.timeout(20):
                        while await page(world, one) != (200, "known.shop"):
                            await asyncio.sleep(0.01)
            applied = await b.shared.changes.for_all().end_session(session.id, actor=ACTOR)
            assert not applied.unconfirmed
            for world in (a, b):
                assert (await page(world, cookie))[0] == 401
                assert (await page(world, spared))[0] == 200

    asyncio.run(whole())
