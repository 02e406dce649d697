"""What every TokenStore keeps. A suite for one store: a class that says how to open it.

class TestMyStore(TokenStoreContract):
    def open(self): ...   # async context manager: (TokenStore, Feed) on an empty place
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from msgspec import structs

from sumun.identity import Permission, Subject
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, Feed
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import KEPT_AFTER_EXPIRY_MS, Found, Rights, TokenStore
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
    async def test_tells_who_looks(self, pair: Pair) -> None:
        """Who looks is told what an asker would get, each look its own; after the end, that nobody knows."""
        store, _ = pair
        digest, record = a_digest(), a_record()
        await store.put(digest, record)
        told: dict[str, Found] = {}
        store.look([digest, a_digest()], partial(told.__setitem__, "both"))
        store.look([], partial(told.__setitem__, "none"))
        store.look([digest], partial(told.__setitem__, "one"))
        while len(told) < 3:
            await asyncio.sleep(0.01)
        assert told == {"both": [record, None], "none": [], "one": [record]}
        await store.close()
        store.look([digest], partial(told.__setitem__, "closed"))
        assert isinstance(told["closed"], StoreUnavailableError)

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

    @in_loop
    async def test_what_is_under_an_ended_id_is_gone(self, pair: Pair) -> None:
        """Ending a session forgets its tokens, each with news, and no others; its JWTs are named, to be denied."""
        store, feed = pair
        mine = [a_record(session_id="sid_1"), a_record(session_id="sid_1", grant_id="grt_1")]
        other = a_record(session_id="sid_2", grant_id="grt_1")
        digests = [a_digest() for _ in range(3)]
        for digest, record in zip(digests, [*mine, other], strict=True):
            assert await store.put(digest, record)
        assert await store.put_claims("jti_1", other.expires_at_ms, ["sid_1", "grt_1"])
        before = await feed.head()
        swept = await store.end_under("sid_1")
        assert swept.claims == (("jti_1", other.expires_at_ms),)
        assert await store.get_many(digests) == [None, None, other]
        assert await store.find(mine[0].token_id) is None
        told = await feed.read_after(before, 0)
        assert {news.change for news in told} == {Change(ChangeKind.TOKEN, one.token_id) for one in mine}
        assert swept.n == told[-1].n

    @in_loop
    async def test_nothing_is_put_under_an_ended_id(self, pair: Pair) -> None:
        """Neither an opaque token nor a JWT, whether it was the session, the grant or the family that ended."""
        store, feed = pair
        for key in ("sid_1", "grt_1", "fam_1"):
            assert (await store.end_under(key)).n is None
            before = await feed.head()
            digest = a_digest()
            record = a_record(
                session_id=key if key == "sid_1" else "sid_2", grant_id=key if key == "grt_1" else "grt_2"
            )
            assert not await store.put(digest, record, key if key == "fam_1" else "fam_2")
            assert not await store.put_claims("jti_1", record.expires_at_ms, ["sid_2", key])
            assert await store.get_many([digest]) == [None]
            assert await store.find(record.token_id) is None
            assert await feed.head() == before
        assert (await store.end_under("sid_2")).claims == ()

    @in_loop
    async def test_an_end_and_what_is_put_beside_it(self, pair: Pair) -> None:
        """Whatever order they arrive in, no token lives on: it was refused, or it is gone."""
        store, _ = pair
        for i in range(20):
            digest = a_digest()
            await asyncio.gather(
                store.put(digest, a_record(session_id=f"sid_{i}")),
                store.end_under(f"sid_{i}"),
                store.put(a_digest(), a_record(grant_id=f"grt_{i}"), f"fam_{i}"),
            )
            assert await store.get_many([digest]) == [None]

    @in_loop
    async def test_many_are_under_one_id(self, pair: Pair) -> None:
        """All of a thousand go, the JWTs among them are all named, and asked again only they are left."""
        store, feed = pair
        records = [a_record(grant_id="grt_1") for _ in range(700)]
        digests = [a_digest() for _ in records]
        puts = [store.put(d, r) for d, r in zip(digests, records, strict=True)]
        claims = [store.put_claims(f"jti_{i}", now_ms() + 60_000, ["grt_1"]) for i in range(700)]
        everything = [*puts, *claims]
        for first in range(0, len(everything), 100):
            assert all(await asyncio.gather(*everything[first : first + 100]))
        before = await feed.head()
        swept = await store.end_under("grt_1")
        assert len(set(swept.claims)) == len(claims)
        assert (await feed.head()).n == swept.n == before.n + len(records)
        assert await store.get_many(digests) == [None] * len(records)
        again = await store.end_under("grt_1")
        assert (again.n, set(again.claims)) == (None, set(swept.claims))

    @in_loop
    async def test_narrows_in_place(self, pair: Pair) -> None:
        """Each token under a grant becomes what it shall be, the others stay as they are and are not told of."""
        store, feed = pair
        role = frozenset({Permission("role", "admin")})
        wide, narrow, gone = (a_record(grant_id="grt_1") for _ in range(3))
        narrow = structs.replace(narrow, scopes=role)
        gone = structs.replace(gone, scopes=frozenset({Permission("product", "*")}))
        digests = [a_digest() for _ in range(3)]
        for digest, record in zip(digests, (wide, narrow, gone), strict=True):
            await store.put(digest, record)
        await store.put_claims("jti_1", wide.expires_at_ms, ["grt_1"])
        before = await feed.head()

        def narrowed(record: TokenRecord) -> TokenRecord | None:
            left = record.scopes & role
            return structs.replace(record, scopes=left) if left else None

        swept = await store.narrow_under("grt_1", narrowed)
        assert swept.claims == (("jti_1", wide.expires_at_ms),)
        assert await store.get_many(digests) == [structs.replace(wide, scopes=role), narrow, None]
        told = {news.change.key for news in await feed.read_after(before, 0)}
        assert told == {wide.token_id, gone.token_id}
        assert await store.put(a_digest(), a_record(grant_id="grt_1"))
        assert (await store.narrow_under("grt_unknown", narrowed)).n is None

    @in_loop
    async def test_narrowing_and_editing_meet(self, pair: Pair) -> None:
        """An edit that was under way while a grant was narrowed does not bring the scopes back, nor is it lost."""
        store, _ = pair
        role = frozenset({Permission("role", "admin")})
        for i in range(20):
            digest, record = a_digest(), a_record(grant_id=f"grt_{i}")
            await store.put(digest, record)
            await asyncio.gather(
                store.edit(record.token_id, RIGHTS),
                store.narrow_under(f"grt_{i}", lambda one: structs.replace(one, scopes=role)),
                store.edit(record.token_id, RIGHTS),
            )
            [found] = await store.get_many([digest])
            assert found is not None
            assert (found.scopes, found.roles) == (role, RIGHTS.roles)
