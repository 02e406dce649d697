"""The clock of a whole node is set, forward and back, while it works: nothing that was taken away is let in for it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.kept_world import ACTOR, Caller, World, confirmed, run, running_node
from tests.live.load import SETTLED_SECONDS, Load, Looped, change
from tests.live.node_under_test import NodeUnderTest, gone
from tests.live.shifted_clock import Clock, shifted_clock
from tests.live.test_never_stale import KINDS, READER, revoke, until_kept

Place = tuple[NodeUnderTest, int]
HOUR = 3600
STEPS = (-20, 0, -20, -HOUR, 0)
"""Seconds that the node's clock is off after each step. A JWT is not good an hour before it was issued, so none is there then."""


@pytest.fixture(scope="module")
def clock(haproxy: Path) -> Iterator[Clock]:
    """It begins right."""
    with shifted_clock(haproxy) as made:
        yield made


@pytest.fixture(autouse=True)
def right_again(clock: Clock) -> Iterator[None]:
    """Each test finds it right."""
    yield
    clock.set(0)


@pytest.fixture(scope="module")
def place(clock: Clock) -> Iterator[Place]:
    """A running gateway that reads this clock."""
    with running_node(environment=clock.environment) as running:
        yield running


def test_set_while_things_change(place: Place, clock: Clock) -> None:
    """Set back and forward under load, by seconds and by an hour: what is known is changed and bites as ever, up and down."""

    async def work(world: World) -> None:
        user, other = await world.person("reader"), await world.person("reader")
        stable = [Looped(await world.token(await world.person("reader"))) for _ in range(3)]
        looped, caller = [*stable], world.caller()
        async with Load(world, lambda: looped, outage=frozenset({503})) as load:
            for before, step in itertools.pairwise((0, *STEPS)):
                kinds = KINDS[:1] if -HOUR in (before, step) else KINDS
                doomed = [Looped(await world.token(user, kind)) for kind in kinds]
                taken = Looped(await world.token(other))
                looped[:] = [*stable, *doomed, taken]
                await until_kept(world, [*doomed, taken])
                clock.set(step)
                for one in doomed:
                    await change(one, lambda one=one: revoke(world, one.token), 401)
                    await until_refused(caller, one.token)
                for what, expected in ((world.changes.withdraw, 403), (world.changes.grant, 200)):
                    await change(taken, lambda what=what: what(other, READER, actor=ACTOR), expected)
        assert load.wrong == []
        assert load.seen[200] > 100, load.seen
        clock.set(0)
        await until_kept(world, stable)

    run(*place, work)


async def until_refused(caller: Caller, token: str) -> None:
    """Whoever sees that the clock was set begins anew, and says nothing (503) until that is done; never yes."""
    async with asyncio.timeout(10):
        while (status := (await caller.call(token)).status) != 401:
            assert status == 503
            await asyncio.sleep(0.02)


def test_set_back_behind_a_worker_that_hangs(place: Place, clock: Clock) -> None:
    """A worker was not waited for, its lease being over, and then the clock opens it again: it is stopped, unheard."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        token, other = await world.token(user), await world.token(await world.person("reader"))
        waiting = [world.caller() for _ in range(3)]
        await until_kept(world, [Looped(token)])  # the clock may just have been put right, and all begin anew
        for caller in waiting:
            await world.keep(token, caller)
        worker = world.workers()[-1]
        os.kill(worker, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            calls = [asyncio.create_task(caller.call(token)) for caller in waiting]
            while (await revoke(world, token)).unconfirmed:
                assert time.monotonic() < stopped + 2 * SETTLED_SECONDS
            clock.set(-HOUR)
            assert not await asyncio.to_thread(gone, {worker}, 20), "it may go on"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
            clock.set(0)
        assert all(
            isinstance(one, OSError | EOFError)
            for one in await asyncio.gather(*calls, return_exceptions=True)
        )
        await until_kept(world, [Looped(other)])
        assert (await world.caller().call(token)).status == 401

    run(*place, work)


def test_set_back_while_the_keeper_hangs(place: Place, clock: Clock) -> None:
    """Nobody can see it then (docs/freshness.md, "Clocks"): the call says that the keeper has not confirmed; it sees it when it wakes."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        token, caller = await world.token(user), world.caller()
        await until_kept(world, [Looped(token)])  # the clock may just have been put right, and all begin anew
        await world.keep(token, caller)
        keeper = world.part("keeper")
        os.kill(keeper, signal.SIGSTOP)
        try:
            clock.set(-HOUR)
            applied = await world.changes.withdraw(user, READER, actor=ACTOR)
            assert {name.rpartition("/")[2] for name in applied.unconfirmed} == {"keeper"}, applied
        finally:
            os.kill(keeper, signal.SIGCONT)
        async with asyncio.timeout(20):
            while (await world.changes.disable_user(user, actor=ACTOR)).unconfirmed:
                await asyncio.sleep(0.05)
        assert (await caller.call(token)).status == 401
        clock.set(0)
        confirmed(await world.changes.enable_user(user, actor=ACTOR))
        await until_kept(world, [Looped(await world.token(await world.person("reader")))])

    run(*place, work)
