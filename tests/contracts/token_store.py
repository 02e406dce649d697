"""What every TokenStore keeps. A suite for one store: a class that says how to open it.

class TestMyStore(TokenStoreContract):
    def open(self): ...   # async context manager: (TokenStore, Feed) on an empty place
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import AbstractAsyncContextManager

import pytest
from msgspec import structs

from sumun.identity import Permission, Subject
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, Feed
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import KEPT_AFTER_EXPIRY_MS, Rights, TokenStore
from tests.contracts.in_loop import in_loop

Pair = tuple[TokenStore, Feed]
RIGHTS = Rights(frozenset({"admin"}), frozenset({Permission("product", "*")}))


def now_ms() -> int:
    return int(time.time() * 1000)


def a_record(**changes: object) -> TokenRecord:
    record = TokenRecord(
        token_id=f"tid_{secrets.token_hex(8)}",
        subject=Subject.user("alice"),
        client_id="shop-app",
        scopes=frozenset({Permission("product", "*"), Permission("role", "admin")}),
        issued_at_ms=now_ms(),
        expires_at_ms=now_ms() + 60_000,
        login_epoch=3,
    )
    return structs.replace(record, **changes)


def a_digest() -> bytes:
    return secrets.token_bytes(32)


class TokenStoreContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[Pair]:
        raise NotImplementedError

    @in_loop
    async def test_gives_back_what_was_put(self, pair: Pair) -> None:
        """Every field of a record survives."""
        store, _ = pair
        records = [
            a_record(),
            a_record(
                own_rights=True,
                roles=frozenset({"user", "admin"}),
                permissions=frozenset({Permission("a", "b")}),
            ),
            a_record(
                subject=Subject.client("batch"),
                scopes=frozenset({Permission("*", "*")}),
                note='예약 작업 "x" \\ \n',
            ),
        ]
        digests = [a_digest() for _ in records]
        for digest, record in zip(digests, records, strict=True):
            await store.put(digest, record)
        assert await store.get_many(digests) == records

    @in_loop
    async def test_answers_in_the_order_of_the_question(self, pair: Pair) -> None:
        """Unknown digests are None in their place, and one asked twice is answered twice."""
        store, _ = pair
        one, two, unknown = a_digest(), a_digest(), a_digest()
        first, second = a_record(), a_record()
        await store.put(one, first)
        await store.put(two, second)
        assert await store.get_many([two, unknown, one, two]) == [second, None, first, second]
        assert await store.get_many([]) == []

    @in_loop
    async def test_forgets_what_has_expired(self, pair: Pair) -> None:
        """A record goes away by itself a minute after its expiry, and its handle with it."""
        store, _ = pair
        digest = a_digest()
        record = a_record(expires_at_ms=now_ms() - KEPT_AFTER_EXPIRY_MS + 300)
        await store.put(digest, record)
        assert await store.get_many([digest]) == [record]
        await asyncio.sleep(0.4)
        assert await store.get_many([digest]) == [None]
        assert await store.find(record.token_id) is None
        assert await store.revoke(digest) is None

    @in_loop
    async def test_finds_by_public_handle(self, pair: Pair) -> None:
        """The handle leads to digest and record; another handle, however strange, to nothing."""
        store, _ = pair
        digest, record = a_digest(), a_record()
        await store.put(digest, record)
        assert await store.find(record.token_id) == (digest, record)
        for strange in ("", "tid_unknown", "*", "tid_\r\nDEL x", "수문", "x" * 100_000, digest.hex()):
            assert await store.find(strange) is None

    @in_loop
    async def test_edits_in_place(self, pair: Pair) -> None:
        """The same token carries the new rights at once; everything else stays, its end too."""
        store, feed = pair
        digest, record = a_digest(), a_record(expires_at_ms=now_ms() - KEPT_AFTER_EXPIRY_MS + 500)
        await store.put(digest, record)
        before = await feed.head()
        n = await store.edit(record.token_id, RIGHTS)
        edited = structs.replace(record, own_rights=True, roles=RIGHTS.roles, permissions=RIGHTS.permissions)
        assert await store.get_many([digest]) == [edited]
        assert await store.find(record.token_id) == (digest, edited)
        [news] = await feed.read_after(before, 0)
        assert (news.n, news.change) == (n, Change(ChangeKind.TOKEN, record.token_id))
        await asyncio.sleep(0.6)
        assert await store.get_many([digest]) == [None]

    @in_loop
    async def test_edits_meet(self, pair: Pair) -> None:
        """Edits at the same time all happen, one after the other, each with news of its own."""
        store, feed = pair
        digest, record = a_digest(), a_record()
        await store.put(digest, record)
        before = await feed.head()
        wanted = [Rights(frozenset({f"r{i}"}), frozenset()) for i in range(4)]
        numbers = await asyncio.gather(*(store.edit(record.token_id, rights) for rights in wanted))
        [found] = await store.get_many([digest])
        assert found is not None
        assert found.roles in [rights.roles for rights in wanted]
        assert sorted(filter(None, numbers)) == [news.n for news in await feed.read_after(before, 0)]
        assert len(set(numbers)) == len(wanted)

    @in_loop
    async def test_does_not_edit_what_is_not_there(self, pair: Pair) -> None:
        """An unknown handle is None, and no news."""
        store, feed = pair
        before = await feed.head()
        assert await store.edit("tid_unknown", RIGHTS) is None
        assert await feed.head() == before

    @in_loop
    async def test_revokes(self, pair: Pair) -> None:
        """A revoked token is unknown from then on, by digest and by handle, and the news names its handle."""
        store, feed = pair
        digest, record = a_digest(), a_record()
        await store.put(digest, record)
        before = await feed.head()
        n = await store.revoke(digest)
        assert await store.get_many([digest]) == [None]
        assert await store.find(record.token_id) is None
        assert await store.edit(record.token_id, RIGHTS) is None
        [news] = await feed.read_after(before, 0)
        assert (news.n, news.change) == (n, Change(ChangeKind.TOKEN, record.token_id))

    @in_loop
    async def test_revokes_once(self, pair: Pair) -> None:
        """The second revocation finds nothing and tells nobody."""
        store, feed = pair
        digest = a_digest()
        await store.put(digest, a_record())
        results = await asyncio.gather(store.revoke(digest), store.revoke(digest))
        assert results.count(None) == 1
        assert await store.revoke(a_digest()) is None
        head = await feed.head()
        assert head.n == max(filter(None, results))

    @in_loop
    async def test_an_edit_never_brings_a_revoked_token_back(self, pair: Pair) -> None:
        """Whatever order edit and revocation arrive in, the token is gone."""
        store, _ = pair
        for _ in range(20):
            digest, record = a_digest(), a_record()
            await store.put(digest, record)
            await asyncio.gather(store.edit(record.token_id, RIGHTS), store.revoke(digest))
            assert await store.get_many([digest]) == [None]

    @in_loop
    async def test_closes_twice(self, pair: Pair) -> None:
        """Closing again is no mistake; what is asked after is an outage, not "no such token"."""
        store, _ = pair
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailableError):
            await store.get_many([a_digest()])
