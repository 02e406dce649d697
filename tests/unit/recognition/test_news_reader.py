"""src/sumun/recognition/news_reader.py: the rounds, in virtual time. What it must never allow: test_never_stale.py."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from prometheus_client import Counter

from sumun.recognition import steady_seconds
from sumun.telemetry.metrics import NEWS_APPLIED, NEWS_LOST
from sumun.tokens.feed import Change, ChangeKind
from tests.unit.recognition.world import OF_ALICE, SERVE_KNOWN_FOR_SECONDS, World

READER = "sumun.recognition.news_reader"


@pytest.fixture
def world():
    """Two processes that follow the news."""
    world = World()
    yield world
    world.loop.finish()


def trusted(world: World) -> list[bool]:
    """Which processes may be believed now."""
    return [process.memory.is_trusted(world.loop.time()) for process in world.processes]


def test_is_ready_when_it_knows(world: World) -> None:
    """A reader is ready once everything is loaded and confirmed, and stays trusted by its heartbeat."""
    for process in world.processes:
        world.do(asyncio.wait_for(process.reader.wait_ready(), 1))
    for _ in range(20):
        world.loop.pass_time(1.0)
        assert trusted(world) == [True, True]


def test_is_not_ready_without_the_directory() -> None:
    """While keys and denials cannot be loaded nobody is answered; as soon as they can, everybody is."""
    world = World()
    world.gates["news"].down = True
    world.crash(0)
    world.loop.pass_time(5)
    assert trusted(world) == [False, True]
    world.gates["news"].down = False
    world.loop.pass_time(0.6)
    assert trusted(world) == [True, True]
    world.loop.finish()


def test_confirms_quickly(world: World) -> None:
    """A change is confirmed by every process in the next turns of the loop, not at the next heartbeat."""
    n = world.feed.append([OF_ALICE])
    assert world.do(world.feed.unconfirmed(None, n)) == {"n/p0", "n/p1"}
    world.loop.pass_time(0.001)
    assert world.do(world.feed.unconfirmed(None, n)) == frozenset()


def test_news_are_counted(world: World) -> None:
    """Every process counts what it applied, and each time that it had to learn everything anew."""
    applied, lost = counted(NEWS_APPLIED), counted(NEWS_LOST)
    world.feed.append([OF_ALICE, OF_ALICE])
    world.loop.pass_time(0.001)
    assert (counted(NEWS_APPLIED), counted(NEWS_LOST)) == (applied + 4, lost)
    world.feed.begin_anew()
    world.loop.pass_time(1)
    assert (counted(NEWS_APPLIED), counted(NEWS_LOST)) == (applied + 4, lost + 2)


def counted(counter: Counter) -> float:
    """What it stands at."""
    (family,) = counter.collect()
    return next(sample.value for sample in family.samples if sample.name.endswith("_total"))


def test_contact_lost_for_too_long(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Cut off, a process goes on for `serve_known_for` and not longer; mended, it comes back and says both."""
    world.processes[0].wire.cut = True
    world.loop.pass_time(SERVE_KNOWN_FOR_SECONDS - 1.5)
    assert trusted(world) == [True, True]
    world.loop.pass_time(1.5)
    assert trusted(world) == [False, True]
    world.processes[0].wire.cut = False
    world.loop.pass_time(1)
    assert trusted(world) == [True, True]
    said = [record.message for record in caplog.records if record.name == READER]
    assert sum("cannot be followed" in line for line in said) == 1
    assert sum("followed again" in line for line in said) == 1


def test_the_feed_waits_longer_than_it_is_trusted(world: World) -> None:
    """A process that vanished is waited for until it surely answers nobody, and no second longer than needed."""
    world.processes[0].wire.cut = True
    n = world.feed.append([OF_ALICE])
    waited = 0.0
    while world.do(world.feed.unconfirmed(None, n)):
        world.loop.pass_time(0.01)
        waited += 0.01
        assert waited < 2 * SERVE_KNOWN_FOR_SECONDS
    assert trusted(world) == [False, True]
    assert waited < SERVE_KNOWN_FOR_SECONDS + 1


def test_an_outage_of_the_directory_confirms_nothing(world: World) -> None:
    """News whose denials cannot be loaded is not applied and not confirmed, and trust runs out."""
    world.gates["news"].down = True
    n = world.feed.append([OF_ALICE])
    world.loop.pass_time(1)
    assert world.do(world.feed.unconfirmed(None, n)) == {"n/p0", "n/p1"}
    world.loop.pass_time(SERVE_KNOWN_FOR_SECONDS)
    assert trusted(world) == [False, False]
    world.gates["news"].down = False
    world.loop.pass_time(1)
    assert trusted(world) == [True, True]
    assert world.do(world.feed.unconfirmed(None, n)) == frozenset()


def test_opaque_tokens_need_no_denials(world: World) -> None:
    """A revoked opaque token is confirmed without any question to the directory."""
    world.gates["news"].down = True
    n = world.feed.append([Change(ChangeKind.TOKEN, "tid_x")])
    world.loop.pass_time(0.001)
    assert world.do(world.feed.unconfirmed(None, n)) == frozenset()
    n = world.feed.append([Change(ChangeKind.TOKEN, "jti_x")])
    world.loop.pass_time(0.001)
    assert world.do(world.feed.unconfirmed(None, n))


def test_a_clock_that_jumps(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Another hour on the wall: everything is learned anew, and the log says why."""
    era = world.processes[0].memory.ticket().era
    world.wall_ahead += 3600
    world.loop.pass_time(1)
    assert world.processes[0].memory.ticket().era > era
    assert trusted(world) == [True, True]
    assert any("clock jumped by 3600.0 seconds" in record.message for record in caplog.records)


def test_a_clock_that_is_slewed(world: World) -> None:
    """A clock that is set right slowly is no jump."""
    era = world.processes[0].memory.ticket().era
    for _ in range(100):
        world.wall_ahead += 0.01
        world.loop.pass_time(0.5)
    assert world.processes[0].memory.ticket().era == era


def test_says_goodbye(world: World) -> None:
    """A process that stops answers nobody, and nobody waits for it."""
    process = world.processes[0]
    assert process.following is not None
    process.following.cancel()
    world.loop.pass_time(0.01)
    assert trusted(world) == [False, True]
    n = world.feed.append([OF_ALICE])
    assert world.do(world.feed.unconfirmed(None, n)) == {"n/p1"}


def test_a_mistake_in_the_reader_is_an_outage(world: World) -> None:
    """Whatever unforeseen ends the reader, its memory is believed no more."""
    process = world.processes[0]

    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    process.wire.read_after = broken
    world.loop.pass_time(1)
    assert process.following is not None
    with pytest.raises(RuntimeError, match="a bug"):
        process.following.result()
    assert trusted(world) == [False, True]


def test_everything_is_a_new_start_without_a_break(world: World) -> None:
    """News about everything loads keys and denials again, and is confirmed like any other."""
    world.truth.denied_below = 1
    n = world.feed.append([Change(ChangeKind.EVERYTHING)])
    world.loop.pass_time(0.001)
    assert world.do(world.feed.unconfirmed(None, n)) == frozenset()
    assert trusted(world) == [True, True]
    assert len(world.processes[0].memory.denials) == 1


def test_the_steady_clock_runs() -> None:
    """It goes forward at the pace of time."""
    began, wall = steady_seconds(), time.monotonic()
    time.sleep(0.02)
    assert abs((steady_seconds() - began) - (time.monotonic() - wall)) < 0.01


@pytest.fixture(autouse=True)
def _listen(caplog: pytest.LogCaptureFixture) -> None:
    """Hear what the reader says."""
    caplog.set_level(logging.INFO, READER)
