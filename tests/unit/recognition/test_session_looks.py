"""Cookies of browser sessions become evidence; the store in memory, the person's standing as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps

import pytest

from sumun.access import Evidence, Invalid, InvalidBecause, Proven, TokenKind
from sumun.errors import OutageError
from sumun.identity import Credential, CredentialKind, Standing, Subject
from sumun.recognition import Memory, Recogniser
from sumun.recognition.handle import SessionHandle
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions import Authentication, Session
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens import format as token_format
from sumun.tokens.batching import BatchingReader
from sumun.tokens.feed import Change, ChangeKind, News
from sumun.tokens.signing_keys import NO_KEYS
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_feed import MemoryFeed

NOW = 1_700_000_000.0
COOKIE = token_format.make(token_format.SESSION_PREFIX, bytes(32))
ASKED = Credential(CredentialKind.SESSION, COOKIE)
SESSION = Session(
    "sid_a", Authentication("alice", int(NOW), 2), 0, int(NOW * 1000), 1_600_000, int(NOW * 1000) + 36_000_000
)


class Sessions(MemorySessions):
    """Says how often it was asked, and lets something happen just before it answers."""

    looks = 0
    meanwhile: Callable[[], None] | None = None

    async def see(self, digest: bytes) -> Session | None:
        self.looks += 1
        found = await super().see(digest)
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return found


class World:
    """A recogniser that knows alice's session."""

    def __init__(self) -> None:
        self.now = NOW
        self.login_epoch = 2
        feed = MemoryFeed(lambda: self.now)
        self.sessions = Sessions(feed, lambda: self.now)
        self.memory = Memory()
        self.memory.begin(0, NO_KEYS, [])
        self.memory.trust_until(10.0)
        self.numbers = 0
        self.recogniser = Recogniser(
            self.memory,
            BatchingReader(MemoryStore(feed, lambda: self.now).look),
            ConfiguredFirst(self, {}),  # type: ignore[arg-type]
            self.sessions,
            issuer="i",
            audience="a",
            steady=lambda: 0.0,
        )

    async def standing(self, subject: Subject) -> Standing | None:
        return Standing(
            subject,
            "Alice",
            frozenset({"user"}),
            frozenset(),
            disabled=False,
            epoch=1,
            login_epoch=self.login_epoch,
        )

    def news(self, kind: ChangeKind, key: str) -> None:
        self.numbers += 1
        self.memory.apply([News(self.numbers, Change(kind, key))], None, [])

    async def asked(self, credential: Credential = ASKED) -> Evidence:
        return await self.recogniser.recognise(credential, self.now)


def in_world(check: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
    @wraps(check)
    def run() -> None:
        async def whole() -> None:
            world = World()
            await world.sessions.begin(token_format.digest(COOKIE), SESSION)
            await check(world)

        asyncio.run(whole())

    del run.__wrapped__  # type: ignore[attr-defined]
    return run


@in_world
async def test_proves_its_person(world: World) -> None:
    """A cookie proves its person; what it contains has a number, so that what is kept of it can be marked."""
    world.news(ChangeKind.SUBJECT, "user:bob")
    found = await world.asked()
    assert isinstance(found, Proven)
    assert (found.kind, found.as_of, found.principal.token_id) == (TokenKind.SESSION, 1, "sid_a")


@in_world
async def test_each_has_its_place(world: World) -> None:
    """A cookie's value is no bearer token, a token is no cookie, and junk asks no store."""
    bearer = Credential(CredentialKind.BEARER, COOKIE)
    assert await world.asked(bearer) == Invalid(InvalidBecause.MALFORMED)
    for junk in (token_format.new(), "smn_se_x", "", "a.b.c"):
        assert await world.asked(Credential(CredentialKind.SESSION, junk)) == Invalid(
            InvalidBecause.MALFORMED
        )
    assert world.sessions.looks == 0
    other = Credential(CredentialKind.SESSION, token_format.new(token_format.SESSION_PREFIX))
    assert await world.asked(other) == Invalid(InvalidBecause.SESSION_OVER)


@in_world
async def test_a_call_is_a_use_and_a_stream_is_none(world: World) -> None:
    """Asking for a call moves the end of the idle time; judging an open stream again does not."""
    world.now += 1000
    handle = world.recogniser.handle_of(ASKED)
    assert handle == SessionHandle(token_format.digest(COOKIE))
    assert isinstance(await world.recogniser.recognise_again(handle, world.now), Proven)
    found = await world.sessions.get("sid_a")
    assert found is not None
    assert found.last_seen_ms == SESSION.last_seen_ms
    await world.asked()
    found = await world.sessions.get("sid_a")
    assert found is not None
    assert found.last_seen_ms == int(world.now * 1000)
    world.now += 1600
    assert await world.recogniser.recognise_again(handle, world.now) == Invalid(InvalidBecause.SESSION_OVER)


@in_world
async def test_an_end_that_overtakes_the_look(world: World) -> None:
    """A session that ends, or whose person changes, while it is looked up is looked up again."""

    def ends() -> None:
        world.sessions._sessions.clear()
        world.news(ChangeKind.TOKEN, "sid_a")

    def changes_password() -> None:
        world.login_epoch = 3
        world.news(ChangeKind.SUBJECT, "user:alice")

    world.sessions.meanwhile = changes_password
    assert await world.asked() == Invalid(InvalidBecause.SESSION_OVER)
    assert world.sessions.looks == 2
    world.login_epoch = 2
    world.news(ChangeKind.SUBJECT, "user:alice")
    world.sessions.meanwhile = ends
    assert await world.asked() == Invalid(InvalidBecause.SESSION_OVER)
    assert world.sessions.looks == 4


@in_world
async def test_questions_that_meet(world: World) -> None:
    """The twenty things of one page are one look."""
    found = await asyncio.gather(*(world.asked() for _ in range(20)))
    assert len({one.as_of for one in found if isinstance(one, Proven)}) == 1
    assert world.sessions.looks == 1


@in_world
async def test_outages(world: World) -> None:
    """A store that is away, and a process that has lost touch, say nothing: never "logged out"."""
    world.memory.trust_until(-1.0)
    with pytest.raises(OutageError):
        await world.asked()
    world.memory.trust_until(10.0)
    await world.sessions.close()
    with pytest.raises(OutageError):
        await world.asked()
