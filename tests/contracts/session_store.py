"""What every SessionStore keeps. A suite for one store: a class that says how to open it.

class TestMySessions(SessionStoreContract):
    def open(self): ...   # async context manager: (SessionStore, Feed) on an empty place
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import AbstractAsyncContextManager

import pytest
from msgspec.structs import replace

from sumun.sessions import Authentication, Session, SessionStore
from sumun.sessions.store import MOST_OF_USER
from sumun.tokens import format as token_format
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, Feed
from tests.contracts.in_loop import in_loop

Opened = tuple[SessionStore, Feed]


def now_ms() -> int:
    return int(time.time() * 1000)


def a_session(user: str = "alice", **changes: object) -> Session:
    session = Session(
        id=token_format.session_id(secrets.token_bytes(16)),
        who=Authentication(user, 1_700_000_000, 3, ("pwd", "otp"), "urn:strong"),
        created_at_ms=now_ms(),
        last_seen_ms=now_ms(),
        idle_ms=60_000,
        ends_at_ms=now_ms() + 600_000,
        user_agent="파이어폭스 / 1.0\n",
        source="192.0.2.7",
    )
    return replace(session, **changes)


def a_digest() -> bytes:
    return secrets.token_bytes(32)


class SessionStoreContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[Opened]:
        raise NotImplementedError

    @in_loop
    async def test_gives_back_what_began(self, opened: Opened) -> None:
        """Every field survives, by its cookie and by its id; another cookie or id, however strange, leads nowhere."""
        store, _ = opened
        digest, session = a_digest(), a_session()
        await store.begin(digest, session)
        assert await store.see(digest) == session
        assert await store.get(session.id) == session
        assert await store.see(a_digest()) is None
        for strange in ("", "sid_unknown", "*", "sid_\r\nDEL x", "수문"):
            assert await store.get(strange) is None

    @in_loop
    async def test_many_cookies(self, opened: Opened) -> None:
        """Each cookie that joined leads to the session; none joins what is over, and all end with it."""
        store, _ = opened
        one, two, late, session = a_digest(), a_digest(), a_digest(), a_session()
        await store.begin(one, session)
        assert await store.join(session.id, two)
        assert await store.see(two) == session
        assert await store.end(session.id) is not None
        assert not await store.join(session.id, late)
        assert [await store.see(cookie) for cookie in (one, two, late)] == [None] * 3
        assert await store.get(session.id) is None

    @in_loop
    async def test_end_is_news(self, opened: Opened) -> None:
        """An end is told with the number that it returned, once; ending what is not there tells nothing."""
        store, feed = opened
        session = a_session()
        await store.begin(a_digest(), session)
        before = await feed.head()
        n = await store.end(session.id)
        assert await store.end(session.id) is None
        [news] = await feed.read_after(before, 0)
        assert (news.n, news.change) == (n, Change(ChangeKind.TOKEN, session.id))

    @in_loop
    async def test_renew(self, opened: Opened) -> None:
        """The new cookie takes the place of the old one, which is void, and this is news; the others stay."""
        store, feed = opened
        old, other, new, session = a_digest(), a_digest(), a_digest(), a_session()
        await store.begin(old, session)
        assert await store.join(session.id, other)
        before = await feed.head()
        renewed = replace(session, ends_at_ms=session.ends_at_ms + 1000, source="192.0.2.8")
        n = await store.renew(old, new, renewed)
        assert [await store.see(cookie) for cookie in (old, new, other)] == [None, renewed, renewed]
        assert await store.renew(old, a_digest(), renewed) is None
        [news] = await feed.read_after(before, 0)
        assert (news.n, news.change) == (n, Change(ChangeKind.TOKEN, session.id))

    @in_loop
    async def test_nothing_is_renewed_that_is_over(self, opened: Opened) -> None:
        """A session that ended does not come back by being renewed, nor by the cookie of another."""
        store, _ = opened
        old, foreign, session, another = a_digest(), a_digest(), a_session(), a_session()
        await store.begin(old, session)
        await store.begin(foreign, another)
        assert await store.renew(foreign, a_digest(), session) is None
        assert await store.end(session.id) is not None
        assert await store.renew(old, a_digest(), session) is None
        assert await store.get(session.id) is None

    @in_loop
    async def test_idle(self, opened: Opened) -> None:
        """A session that nobody uses is gone after its idle time; one that is used goes on, and shows when."""
        store, _ = opened
        unused, used = a_session(idle_ms=600), a_session(idle_ms=600)
        for session in (unused, used):
            await store.begin(a_digest(), session)
        await asyncio.sleep(0.4)
        touched = now_ms()
        await store.touch(used.id, touched)
        await asyncio.sleep(0.35)
        assert await store.get(unused.id) is None
        assert await store.get(used.id) == replace(used, last_seen_ms=touched)
        await asyncio.sleep(0.35)
        assert await store.get(used.id) is None
        await store.touch(used.id, now_ms())
        assert await store.get(used.id) is None

    @in_loop
    async def test_absolute(self, opened: Opened) -> None:
        """However much it is used, a session is gone when its time is over, and its cookies with it."""
        store, _ = opened
        digest, session = a_digest(), a_session(ends_at_ms=now_ms() + 400)
        await store.begin(digest, session)
        await store.touch(session.id, now_ms() + 200)
        await asyncio.sleep(0.5)
        assert await store.see(digest) is None
        assert not await store.join(session.id, a_digest())

    @in_loop
    async def test_a_late_touch(self, opened: Opened) -> None:
        """The latest use counts, in whatever order they come."""
        store, _ = opened
        session = a_session()
        await store.begin(a_digest(), session)
        await store.touch(session.id, session.last_seen_ms + 500)
        await store.touch(session.id, session.last_seen_ms + 200)
        assert await store.get(session.id) == replace(session, last_seen_ms=session.last_seen_ms + 500)

    @in_loop
    async def test_of_user(self, opened: Opened) -> None:
        """All that are not over, the newest first; another person's are not among them."""
        store, _ = opened
        first, ended, last = a_session(), a_session(), a_session()
        for session in (first, ended, a_session("bob"), last):
            await store.begin(a_digest(), session)
        await store.end(ended.id)
        assert await store.of_user("alice") == [last, first]
        assert await store.ids_of_user("alice") == (last.id, first.id)
        assert await store.of_user("nobody") == []
        assert await store.ids_of_user("nobody") == ()

    @in_loop
    async def test_bounded(self, opened: Opened) -> None:
        """One person has so many sessions at a time; one more does not begin before the oldest, which is named, has ended."""
        store, _ = opened
        *sessions, more = [a_session() for _ in range(MOST_OF_USER + 1)]
        for session in sessions:
            assert await store.begin(a_digest(), session) == ()
        digest = a_digest()
        for _ in range(2):
            assert await store.begin(digest, more) == (sessions[0].id,)
            assert await store.see(digest) is None
        assert await store.of_user("alice") == sessions[::-1]
        assert await store.begin(a_digest(), a_session("bob")) == ()
        await store.end(sessions[0].id)
        assert await store.begin(digest, more) == ()
        assert await store.of_user("alice") == [more, *sessions[:0:-1]]

    @in_loop
    async def test_an_end_and_joins_that_meet(self, opened: Opened) -> None:
        """Whatever joined before, between or after: when the end has returned, no cookie leads to the session."""
        store, _ = opened
        session, cookies = a_session(), [a_digest() for _ in range(40)]
        await store.begin(a_digest(), session)
        joins = [store.join(session.id, cookie) for cookie in cookies]
        await asyncio.gather(*joins[:20], store.end(session.id), *joins[20:])
        assert [await store.see(cookie) for cookie in cookies] == [None] * 40

    @in_loop
    async def test_clients(self, opened: Opened) -> None:
        """The clients that were told of a session are known, each once, in their order, until it is ended."""
        store, _ = opened
        session = a_session()
        await store.begin(a_digest(), session)
        assert await store.clients_of(session.id) == ()
        for client_id in ("shop", "news", "shop"):
            await store.seen_by(session.id, client_id)
        assert await store.clients_of(session.id) == ("shop", "news")
        await store.end(session.id)
        await store.seen_by(session.id, "late")
        assert await store.clients_of(session.id) == ()
        await store.seen_by("sid_unknown", "shop")
        assert await store.clients_of("sid_unknown") == ()

    @in_loop
    async def test_clients_of_one_that_ran_out(self, opened: Opened) -> None:
        """A session that nobody used any more may still be ended: its clients are known as long as it may have lasted."""
        store, _ = opened
        session = a_session(idle_ms=200)
        await store.begin(a_digest(), session)
        await store.seen_by(session.id, "shop")
        await asyncio.sleep(0.3)
        assert await store.get(session.id) is None
        assert await store.clients_of(session.id) == ("shop",)
        assert await store.end(session.id) is None
        assert await store.clients_of(session.id) == ()

    @in_loop
    async def test_closed(self, opened: Opened) -> None:
        """A store that was closed is an outage, and no answer; closing twice does no harm."""
        store, _ = opened
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailableError):
            await store.see(a_digest())
        with pytest.raises(StoreUnavailableError):
            await store.begin(a_digest(), a_session())
        with pytest.raises(StoreUnavailableError):
            await store.end("sid_x")
