"""Daily quotas through the running gateway: counted by HAProxy, added up in the store, refused until midnight UTC."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sumun.keeper.quotas import DAY_SECONDS
from sumun.tokens.stores.valkey_link import ValkeyLink
from tests.live.kept_world import Caller, Reply, World, run, running_node
from tests.live.node_under_test import NodeUnderTest
from tests.live.tcp_relay import Cut
from tests.live.two_nodes import at_work_on_both, two_nodes
from tests.live.valkey_server import patience

QUOTA = 40
PAUSE_SECONDS = 0.05

_CONFIG = """\
listen: 127.0.0.1:{port}
limits: {{decision_timeout: 2s}}
services:
  shop: {{url: http://127.0.0.1:{service}}}
  signed: {{url: http://127.0.0.1:{service}, identity_token: always}}
roles:
  reader: ["item:read"]
routes:
  - {{path: /items, methods: [GET], service: shop, require: item:read}}
  - {{path: /signed, methods: [GET], service: signed, require: item:read}}
clients:
  - {{id: app, kind: public, first_party: true, grants: [password], lifetime: 1h, quota: {quota}/day}}
  - {{id: other, kind: public, first_party: true, grants: [password], lifetime: 1h}}
"""

Place = tuple[NodeUnderTest, int]


def config(port: int, service: int, *, quota: int = QUOTA) -> str:
    """The configuration's text."""
    return _CONFIG.format(port=port, service=service, quota=quota)


@contextmanager
def node(**settings: object) -> Iterator[Place]:
    """A running gateway and the port of its service."""
    with running_node(config, **settings) as running:
        yield running


@pytest.fixture
def place(haproxy: object) -> Iterator[Place]:
    """A running gateway for one test, whose counts are its own."""
    with node() as running:
        yield running


async def book(world: World) -> dict[str, Any]:
    """What the store keeps of the client."""
    link = ValkeyLink(world.shared.address, deadline=patience, steady=time.monotonic)
    text = await link.command("GET", "smn:quota:app")
    await link.close()
    assert text is None or isinstance(text, bytes)
    return {"used": 0} if text is None else dict(json.loads(text))


async def until_used(world: World, calls: int) -> None:
    """Wait until the store has counted so many."""
    async with asyncio.timeout(60):
        while (await book(world))["used"] < calls:
            await asyncio.sleep(0.05)


async def until_refused(caller: Caller, token: str) -> tuple[int, Reply]:
    """How many calls were let through, at a bounded rate, and the one that was not."""
    async with asyncio.timeout(60):
        for passed in range(100_000):
            reply = await caller.call(token)
            if reply.status != 200:
                return passed, reply
            await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("nothing was refused")


def assert_used_up(reply: Reply, quota: int = QUOTA) -> None:
    """Refused for the quota, until midnight."""
    assert reply.status == 429, reply
    assert json.loads(reply.body)["code"] == "quota_used_up"
    left = int(reply.fields["retry-after"])
    midnight = (time.time() // DAY_SECONDS + 1) * DAY_SECONDS
    assert 0 < left <= DAY_SECONDS
    assert abs(midnight - time.time() - left) < 10 or left > DAY_SECONDS - 10
    assert reply.fields["ratelimit-policy"] == f'"quota";q={quota};w={DAY_SECONDS}'
    assert reply.fields["ratelimit"] == f'"quota";r=0;t={left}'


def test_a_quota(place: Place) -> None:
    """All calls of the client's people count, kept and asked; then all of them are refused, and nobody else is.

    What passes beyond the quota is what came before the next turn of a second: with a caller at 20 calls a second, far
    less than another quota's worth even on a machine that is ten times too slow.
    """

    async def work(world: World) -> None:
        caller = world.caller()
        people = [await world.person("reader") for _ in range(2)]
        tokens = [await world.token(user) for user in people]
        beside = await world.token(people[0], client="other")
        assert (await caller.call(tokens[1], "GET", "/signed")).status == 200
        passed, refused = await until_refused(caller, tokens[0])
        assert passed >= QUOTA - 1
        assert passed <= QUOTA + 10 / PAUSE_SECONDS
        assert_used_up(refused)
        assert await world.log.backend(refused) == "known.shop"
        for path in ("/items", "/signed"):
            assert_used_up(await caller.call(tokens[1], "GET", path))
            assert (await caller.call(beside, "GET", path)).status == 200
        done = await asyncio.to_thread(
            world.node.sumun, "explain", refused.id, "--data", str(world.node.data)
        )
        shown = await asyncio.to_thread(
            world.node.sumun, "client", "show", "app", "--json", "--data", str(world.node.data)
        )
        assert json.loads(shown.stdout)["quota"] == f"{QUOTA}/day"
        assert int(json.loads(shown.stdout)["used_today"]) >= QUOTA
        assert "429 quota_used_up: the client had made as many calls that day as its `quota`" in done.stdout

    run(*place, work)


def test_a_restart_loses_nothing(place: Place) -> None:
    """What was counted before the node was stopped counts after it, and who had used it up is refused soon again."""
    running, service = place
    made = 0
    token = ""

    async def before(world: World) -> None:
        nonlocal made, token
        token = await world.token(await world.person("reader"))
        caller = world.caller()
        for _ in range(QUOTA // 2):
            assert (await caller.call(token)).status == 200
        made = QUOTA // 2
        await until_used(world, made)
        assert (await book(world))["used"] == made

    run(running, service, before)
    assert running.stop() == 0
    shown = running.sumun("client", "show", "app", "--data", str(running.data))
    assert "not known: the store is away" in shown.stdout, shown.stderr
    running.start()

    async def after(world: World) -> None:
        passed, refused = await until_refused(world.caller(), token)
        assert_used_up(refused)
        assert QUOTA - made <= passed <= QUOTA - made + 10 / PAUSE_SECONDS

    run(running, service, after)
    assert running.stop() == 0
    running.start()

    async def at_last(world: World) -> None:
        passed, refused = await until_refused(world.caller(), token)
        assert_used_up(refused)
        assert passed <= 10 / PAUSE_SECONDS

    run(running, service, at_last)


def test_parts_that_die_lose_nothing_that_was_told(place: Place) -> None:
    """The keeper or a worker is killed in between: what the store had counted stays, and nothing is counted twice."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person("reader"))
        for made, victim in ((5, "keeper"), (10, "worker"), (15, "keeper")):
            async with asyncio.timeout(60):
                passed = 0
                while passed < 5:
                    try:
                        reply = await caller.call(token)
                    except (OSError, asyncio.IncompleteReadError):
                        # Not at once: who tries the ports of a machine for long enough is connected with itself.
                        await asyncio.sleep(PAUSE_SECONDS)
                        continue
                    passed += reply.status == 200
            await until_used(world, made)
            assert (await book(world))["used"] == made
            world.kill(victim)
        await until_used(world, 15)
        assert (await book(world))["used"] == 15

    run(*place, work)


def test_a_reload_and_another_quota(place: Place) -> None:
    """Calls of workers before and after a reload add up; a larger quota opens again, a smaller one closes, by a reload."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person("reader"))
        for quota in (QUOTA, 5 * QUOTA):  # more than what passes beyond the first
            world.node.config.write_text(config(world.node.port, world.service, quota=quota))
            code, said = await world.reload()
            assert code == 0, said
            async with asyncio.timeout(60):
                while (await caller.call(token)).status != 200:
                    await asyncio.sleep(0.05)
            _, refused = await until_refused(caller, token)
            assert_used_up(refused, quota)
            assert (await book(world))["used"] >= quota
        world.node.config.write_text(config(world.node.port, world.service, quota=1))
        assert (await world.reload())[0] == 0
        async with asyncio.timeout(60):
            while '"quota";q=1;' not in (refused := await caller.call(token)).fields.get(
                "ratelimit-policy", ""
            ):
                await asyncio.sleep(0.05)
        assert_used_up(refused, 1)

    run(*place, work)


def test_a_new_day(place: Place) -> None:
    """When the day is over, the client may call again, and its calls count from nothing."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person("reader"))
        _, refused = await until_refused(caller, token)
        assert_used_up(refused)
        link = ValkeyLink(world.shared.address, deadline=patience, steady=time.monotonic)
        yesterday = await book(world)
        yesterday["day"] -= 1
        assert await link.command("SET", "smn:quota:app", json.dumps(yesterday))
        await link.close()
        async with asyncio.timeout(60):
            while (await caller.call(token)).status == 429:
                await asyncio.sleep(0.05)
        assert (await book(world))["used"] <= 2
        _, refused = await until_refused(caller, token)
        assert_used_up(refused)

    run(*place, work)


def test_without_the_store_nobody_is_refused_for_a_quota(place: Place) -> None:
    """While the store is away what was used up stays so, and what is called then is counted when it is back."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person("reader"))
        for _ in range(10):
            assert (await caller.call(token)).status == 200
        await until_used(world, 10)
        world.kill("valkey")
        passed, tried = 0, 0
        async with asyncio.timeout(40):
            while passed < 5:
                reply = await caller.call(token)
                assert reply.status in (200, 503)
                passed += reply.status == 200
                tried += 1
                await asyncio.sleep(0.05)
        await until_used(world, 10 + passed)
        assert (await book(world))["used"] == 10 + passed

    run(*place, work)


def test_two_nodes_share_a_quota(haproxy: object) -> None:
    """What is called at one node counts at the other; both refuse, also the one that is cut off from the store then."""
    with two_nodes(app=f", quota: {QUOTA}/day") as pair:

        async def work() -> None:
            async with at_work_on_both(pair) as (a, b):
                token = await a.token(await a.person("reader"))
                callers = (a.caller(), b.caller())
                for caller in callers:
                    for _ in range(QUOTA // 4):
                        assert (await caller.call(token)).status == 200
                await until_used(b, QUOTA // 2)
                assert (await book(b))["used"] == (await book(a))["used"] == QUOTA // 2
                passed, refused = await until_refused(callers[0], token)
                assert_used_up(refused)
                assert passed >= QUOTA // 2
                _, refused = await until_refused(callers[1], token)
                assert_used_up(refused)
                pair.to_valkey.cut(Cut.CLOSED)
                assert_used_up(await callers[1].call(token))

        asyncio.run(work())
