"""Two nodes that share a store: a ticket of one opens one WebSocket at whichever is asked first, and no second anywhere; a
login at one is known at the other, and so is its end. What is guessed or registered at both counts once.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sumun.config import wire
from sumun.identity import Standing, Subject
from sumun.node.operator.issue_by_hand import revoke_by_hand
from sumun.sessions import Authentication, Sessions
from tests.live.demo_node import call
from tests.live.kept_world import ACTOR, Reply, World, confirmed
from tests.live.node_under_test import NodeUnderTest, until
from tests.live.two_nodes import Pair, at_work_on_both, two_nodes

HEAD = (
    "GET /events?{query} HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


REGISTRATIONS = 5
WAITING = 10


@pytest.fixture(scope="module")
def pair(haproxy: Path) -> Iterator[Pair]:
    """Two nodes, started at once on nothing."""
    routes = ("path: /page, require: item:read, session: true",)
    with two_nodes(
        f"registration: {{open: true, per_source: {REGISTRATIONS}}}\n",
        limits=f", waiting_per_source: {WAITING}",
        lease=4,
        routes=routes,
    ) as running:
        yield running


def opened(node: NodeUnderTest, ticket: str) -> tuple[int, socket.socket]:
    """The status of a handshake, and its connection."""
    connection = socket.create_connection(("127.0.0.1", node.port), timeout=60)
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


def sessions_of(world: World) -> Sessions:
    """Sessions, as the login page of this node has them."""

    async def standing(subject: Subject) -> Standing | None:
        return world.shared.directory.standing(subject)

    changes = world.shared.changes
    return Sessions(
        world.shared.stores.sessions,
        standing,
        changes,
        idle_seconds=600,
        absolute_seconds=3600,
        clock=time.time,
    )


def at_both_at_once(pair: Pair, ask: Callable[[NodeUnderTest], int], times: int) -> list[int]:
    """The statuses of so many calls at the same time, half of them at each node, sorted."""
    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(ask, [pair.a, pair.b] * (times // 2)))


def test_codes_of_devices_that_are_guessed(pair: Pair) -> None:
    """A person who guesses at both nodes at once has no more tries than at one, and then waits at both."""

    async def begun() -> str:
        async with at_work_on_both(pair) as (a, _):
            who = Authentication(await a.person("reader"), int(time.time()), 0, ("pwd",))
            return (await sessions_of(a).begin(who))[0]

    sent = {"Cookie": f"__Host-sumun_session={asyncio.run(begun())}", "Host": "shop.test"}

    def guess(node: NodeUnderTest) -> int:
        return call(node.port, "GET", "/oauth/device?user_code=WDJB-MJHT", sent).status

    most = wire.load((pair.a.data / "current" / "plan.json").read_bytes()).limits
    tries = most.login_failures_per_account_and_source
    statuses = at_both_at_once(pair, guess, 2 * tries)
    assert statuses == [404] * tries + [429] * tries
    assert [guess(node) for node in (pair.a, pair.b)] == [429, 429]


def test_clients_that_register_themselves(pair: Pair) -> None:
    """Of more than may register from one address in an hour, at both nodes at once, no more do."""
    wanted = json.dumps(
        {"redirect_uris": ["https://shop.example/back"], "token_endpoint_auth_method": "none"}
    )

    def register(node: NodeUnderTest) -> int:
        sent = {"Content-Type": "application/json"}
        return call(node.port, "POST", "/oauth/register", sent, wanted).status

    statuses = at_both_at_once(pair, register, 2 * REGISTRATIONS)
    assert statuses == [201] * REGISTRATIONS + [429] * REGISTRATIONS


def test_logins_that_nobody_finishes(pair: Pair) -> None:
    """Of more than may wait from one address, begun at both nodes at once, no more do: they wait in one store."""

    def begin(node: NodeUnderTest) -> int:
        return call(node.port, "GET", "/login").status

    statuses = at_both_at_once(pair, begin, 2 * WAITING)
    assert statuses == [303] * WAITING + [429] * WAITING


def test_a_session_of_the_other_node(pair: Pair) -> None:
    """Begun at A, known at B; kept by HAProxy at both; ended at B, it is refused at A as soon as the call has returned."""

    async def whole() -> None:
        async with at_work_on_both(pair) as (a, b):
            sessions = sessions_of(a)
            who = Authentication(await a.person("reader"), int(time.time()), 0, ("pwd",))
            cookie, session = await sessions.begin(who)
            spared, _ = await sessions.begin(who)
            for world in (a, b):
                for one in (cookie, spared):
                    async with asyncio.timeout(60):
                        while await page(world, one) != (200, "known.shop"):
                            await asyncio.sleep(0.01)
            applied = await b.shared.changes.for_all().end_session(session.id, actor=ACTOR)
            assert not applied.unconfirmed
            for world in (a, b):
                assert (await page(world, cookie))[0] == 401
                assert (await page(world, spared))[0] == 200

    asyncio.run(whole())
