"""Sessions begun, known again and ended; the store in memory, changes that only note what they are told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from functools import wraps

import pytest

from sumun.identity import Standing, Subject
from sumun.sessions import Authentication, Sessions
from sumun.sessions.store import MOST_OF_USER, TOUCHED_AFTER
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens import format as token_format
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.memory_feed import MemoryFeed

ALICE, BOB = Authentication("alice", 1_700_000_000, 1, ("pwd",)), Authentication("bob", 1_700_000_000, 1)


class World:
    """Sessions with a clock that stands still, and people with login epochs."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.login_epochs = {"alice": 1, "bob": 1}
        self.told: list[object] = []
        self.away = False
        self.store = MemorySessions(MemoryFeed(lambda: self.now), lambda: self.now)
        self.sessions = Sessions(
            self.store,
            self.standing,
            self,
            idle_seconds=1600,
            absolute_seconds=40_000,
            clock=lambda: self.now,
        )

    async def standing(self, subject: Subject) -> Standing | None:
        epoch = self.login_epochs.get(subject.id)
        if epoch is None:
            return None
        return Standing(
            subject, subject.id, frozenset(), frozenset(), disabled=False, epoch=1, login_epoch=epoch
        )

    async def end_session(self, session_id: str, *, actor: str) -> None:
        if self.away:
            raise StoreUnavailableError("away")
        self.told.append((session_id, actor))
        await self.store.end(session_id)

    async def confirmed(self, n: int) -> None:
        self.told.append(n)


def in_world(check: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
    @wraps(check)
    def run() -> None:
        async def whole() -> None:
            await check(World())

        asyncio.run(whole())

    del run.__wrapped__  # type: ignore[attr-defined]
    return run


@in_world
async def test_known_again(world: World) -> None:
    """The cookie leads to the session; another one, junk and nothing lead nowhere."""
    value, session = await world.sessions.begin(
        ALICE, source="192.0.2.1", user_agent="Browser\r\n" + "x" * 900
    )
    assert await world.sessions.find(value) == session
    assert (session.user_id, session.who.methods, session.source) == ("alice", ("pwd",), "192.0.2.1")
    assert session.user_agent == ("Browser" + "x" * 900)[:200]
    for other in (None, "", "junk", token_format.new(token_format.SESSION_PREFIX), token_format.new()):
        assert await world.sessions.find(other) is None


@in_world
async def test_junk_asks_no_store(world: World) -> None:
    """What is no cookie of ours by its shape is nobody's while the store is away; what may be one is an outage."""
    await world.store.close()
    assert await world.sessions.find("smn_se_junk") is None
    with pytest.raises(StoreUnavailableError):
        await world.sessions.find(token_format.new(token_format.SESSION_PREFIX))


@in_world
async def test_never_the_value_of_before(world: World) -> None:
    """A login makes a new value whatever the browser had: a planted value, one of somebody else, one of the same person.

    Session fixation: what was known before the login opens nothing after it.
    """
    planted = token_format.new(token_format.SESSION_PREFIX)
    value, _ = await world.sessions.begin(ALICE, cookie=planted)
    assert value != planted
    assert await world.sessions.find(planted) is None
    again, _ = await world.sessions.begin(ALICE, cookie=value)
    assert again != value
    assert await world.sessions.find(value) is None
    assert await world.sessions.find(again) is not None


@in_world
async def test_the_same_person_again(world: World) -> None:
    """Who proves again who they are goes on in their session, on its other hosts too; what was kept of it is stale."""
    value, session = await world.sessions.begin(ALICE)
    elsewhere = await world.sessions.join(session.id)
    world.now += 1000
    stronger = Authentication("alice", int(world.now), 1, ("pwd", "otp"))
    _, renewed = await world.sessions.begin(stronger, cookie=value)
    assert (renewed.id, renewed.created_at_ms, renewed.who) == (session.id, session.created_at_ms, stronger)
    assert await world.sessions.find(elsewhere) == renewed
    assert world.told == [1]


@in_world
async def test_somebody_else(world: World) -> None:
    """Who logs in where somebody else is logged in ends that session."""
    value, session = await world.sessions.begin(ALICE)
    _, bobs = await world.sessions.begin(BOB, cookie=value)
    assert bobs.id != session.id
    assert world.told == [(session.id, "user:bob")]
    assert await world.sessions.of_user("alice") == []


@in_world
async def test_uses_are_written_down_now_and_then(world: World) -> None:
    """A use is noted when a sixteenth of the idle limit has passed, and a used session outlives its idle limit."""
    value, session = await world.sessions.begin(ALICE)
    world.now += 1600 / TOUCHED_AFTER - 1
    await world.sessions.find(value)
    assert await world.store.get(session.id) == session
    for _ in range(20):
        world.now += 1000
        assert await world.sessions.find(value) is not None
    world.now += 1600
    assert await world.sessions.find(value) is None


@in_world
async def test_logins_ended(world: World) -> None:
    """A changed password, and a person who is gone, end every session of before, at every door."""
    value, session = await world.sessions.begin(ALICE)
    for epoch in (2, None):
        world.login_epochs = {} if epoch is None else {"alice": epoch}
        assert await world.sessions.find(value) is None
        assert await world.sessions.get(session.id) is None
        assert await world.sessions.join(session.id) is None
        assert await world.sessions.of_user("alice") == []


@in_world
async def test_all_others(world: World) -> None:
    """All sessions of a person but the one that is meant to stay; nobody else's."""
    ids = [(await world.sessions.begin(ALICE))[1].id for _ in range(3)]
    _, bobs = await world.sessions.begin(BOB)
    assert await world.sessions.end_of_user("alice", actor="user:alice", but=ids[1]) == 2
    assert [one.id for one in await world.sessions.of_user("alice")] == [ids[1]]
    assert [one.id for one in await world.sessions.of_user("bob")] == [bobs.id]


@in_world
async def test_the_oldest_ends(world: World) -> None:
    """With as many sessions as one may have, a login ends the oldest as a logout does: all that hangs on it, too."""
    ids = [(await world.sessions.begin(ALICE))[1].id for _ in range(MOST_OF_USER)]
    assert world.told == []
    _, session = await world.sessions.begin(ALICE)
    assert world.told == [(ids[0], "sumun")]
    assert [one.id for one in await world.sessions.of_user("alice")] == [session.id, *ids[:0:-1]]


@in_world
async def test_an_end_that_is_not_announced(world: World) -> None:
    """When the oldest cannot be ended there is no new session: nobody has more than as many as one may have."""
    for _ in range(MOST_OF_USER):
        await world.sessions.begin(ALICE)
    world.away = True
    with pytest.raises(StoreUnavailableError):
        await world.sessions.begin(ALICE)
    assert len(await world.sessions.of_user("alice")) == MOST_OF_USER


@in_world
async def test_values_are_random(world: World) -> None:
    """No two cookies and no two ids are alike."""
    made = [await world.sessions.begin(ALICE) for _ in range(20)]
    assert len({value for value, _ in made}) == len({session.id for _, session in made}) == 20
    assert secrets.compare_digest(made[0][0][:7], token_format.SESSION_PREFIX)
