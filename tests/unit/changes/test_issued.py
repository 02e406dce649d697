"""What was issued under a session, a grant or a refresh family ends with it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sumun.changes import ChangeNotAnnouncedError
from sumun.directory import DenialKind, Directory, StoredGrant
from sumun.identity import Permission
from sumun.sessions import Authentication, Session
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, Position
from sumun.tokens.store import Swept
from tests.contracts.occasions import NOW, NOW_MS, held
from tests.unit.changes.house import DIGEST, RECORD, House, Talk

LATER_MS = NOW_MS + 300_000
SID = "sid_" + "1" * 22
SESSION = Session(SID, Authentication("alice", NOW_MS // 1000, 0), NOW_MS, NOW_MS, 900_000, NOW_MS + 900_000)
OTHER = bytes(reversed(range(32)))


def permissions(*texts: str) -> frozenset[Permission]:
    """Permissions by their texts."""
    return held(*texts).permissions


async def granted(house: House, *texts: str) -> StoredGrant:
    """Alice lets the shop do this."""
    return await house.changes.allow_grant(
        "alice", "shop", permissions(*texts), frozenset({"openid"}), actor="user:alice"
    )


def denied(directory: Directory) -> dict[str, int]:
    """Which JWTs are denied, until when."""
    alive = directory.denials.alive(NOW_MS)
    return {denial.key: denial.expires_at_ms for denial in alive if denial.kind is DenialKind.TOKEN}


def test_a_session_ends_with_what_was_issued_in_it(talk: Talk, directory: Directory) -> None:
    """It and its opaque tokens are gone, its JWTs denied while they live, and all is news when the call returns."""

    async def conversation(house: House) -> None:
        await house.sessions.begin(DIGEST, SESSION)
        await house.store.put(DIGEST, replace(RECORD, session_id=SID))
        await house.store.put(OTHER, replace(RECORD, token_id="tid_2", session_id="sid_" + "2" * 22))
        await house.store.put_claims("jti_1", LATER_MS, [SID])
        applied = await house.changes.end_session(SID, actor="user:alice")
        assert (applied.n, applied.unconfirmed) == (3, frozenset())
        assert await house.told() == [Change(ChangeKind.TOKEN, key) for key in (SID, "tid_1", "jti_1")]
        assert await house.sessions.get(SID) is None
        assert [one is None for one in await house.store.get_many([DIGEST, OTHER])] == [True, False]
        assert not await house.store.put(DIGEST, replace(RECORD, session_id=SID))

    talk(conversation)
    assert denied(directory) == {"jti_1": LATER_MS + 60_000}
    assert directory.outbox.oldest(10) == []
    assert [(r.event, r.about, r.actor) for r in directory.audit.newest(1)] == [
        ("session_ended", "session:" + SID, "user:alice")
    ]


def test_who_has_not_heard_is_named(talk: Talk) -> None:
    """A process of this node that is behind is named, as for any other change; of all nodes with for_all."""

    async def conversation(house: House) -> None:
        start = await house.feed.head()
        await house.feed.confirm("n1", "answer-0", Position(start.incarnation, 10**9), 60)
        await house.feed.confirm("n2", "answer-0", start, 60)
        await house.store.put(DIGEST, replace(RECORD, session_id=SID))
        assert (await house.changes.end_session(SID, actor="x")).unconfirmed == frozenset()
        applied = await house.changes.for_all().end_session(SID, actor="x")
        assert applied.unconfirmed == {"n2/answer-0"}

    talk(conversation)


def test_a_narrowed_grant_narrows_its_tokens(talk: Talk, directory: Directory) -> None:
    """An opaque token loses the scope in place, one that nothing is left of goes, a JWT is denied; others stay."""

    async def conversation(house: House) -> None:
        grant = await granted(house, "product:*", "order:read")
        mine = replace(RECORD, grant_id=grant.id)
        only_orders = replace(mine, token_id="tid_2", scopes=permissions("order:read"))
        await house.store.put(DIGEST, mine)
        await house.store.put(OTHER, only_orders)
        await house.store.put_claims("jti_1", LATER_MS, [grant.id])
        left = permissions("product:read")
        await house.changes.narrow_grant(grant.id, left, frozenset(), actor="user:alice")
        assert await house.store.get_many([DIGEST, OTHER]) == [replace(mine, scopes=left), None]
        assert {change.key for change in await house.told()} == {"tid_1", "tid_2", "jti_1"}
        again = await house.changes.narrow_grant(grant.id, left, frozenset(), actor="user:alice")
        assert again.n is None
        assert await house.store.put(OTHER, only_orders)

    talk(conversation)
    assert set(denied(directory)) == {"jti_1"}


def test_a_withdrawn_grant_ends_its_tokens(talk: Talk, directory: Directory) -> None:
    """All of them, and nothing is put under it any more; withdrawing it again changes nothing."""

    async def conversation(house: House) -> None:
        grant = await granted(house, "product:*")
        await house.store.put(DIGEST, replace(RECORD, grant_id=grant.id))
        assert (await house.changes.withdraw_grant(grant.id, actor="user:alice")).n == 1
        assert await house.store.get_many([DIGEST]) == [None]
        assert not await house.store.put(DIGEST, replace(RECORD, grant_id=grant.id))
        assert (await house.changes.withdraw_grant(grant.id, actor="user:alice")).n is None

    talk(conversation)
    assert directory.grants.of_user("alice") == []


def test_a_family_ends(talk: Talk) -> None:
    """Also one that was never begun: what was issued for an authorization code names it all the same."""

    async def conversation(house: House) -> None:
        await house.store.put(DIGEST, RECORD, "fam_1")
        await house.changes.end_family("fam_1", "replayed", actor="client:shop")
        assert await house.store.get_many([DIGEST]) == [None]
        assert not await house.store.put(DIGEST, RECORD, "fam_1")

    talk(conversation)


def test_what_a_crash_left_behind_is_done_by_the_next_relay(talk: Talk, directory: Directory) -> None:
    """A withdrawal that was stored and went no further is made whole by whoever relays, and nothing is lost of it."""

    async def conversation(house: House) -> None:
        grant = await granted(house, "product:*")
        await house.store.put(DIGEST, replace(RECORD, grant_id=grant.id))
        await house.store.put_claims("jti_1", LATER_MS, [grant.id])
        await house.threads.change(directory.grants.withdraw, grant.id, NOW)
        assert await house.store.get_many([DIGEST]) != [None]
        assert await house.another().relay_outbox() == 2
        assert await house.store.get_many([DIGEST]) == [None]

    talk(conversation)
    assert set(denied(directory)) == {"jti_1"}
    assert directory.outbox.oldest(10) == []


def test_while_the_store_is_away(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call says that it is stored and not announced; when the store is back, the tokens go without another call."""

    async def conversation(house: House) -> None:
        await house.store.put(DIGEST, replace(RECORD, session_id=SID))
        there = house.store.end_under

        async def away(key: str) -> Swept:
            raise StoreUnavailableError("away")

        monkeypatch.setattr(house.store, "end_under", away)
        with pytest.raises(ChangeNotAnnouncedError):
            await house.changes.end_session(SID, actor="user:alice")
        monkeypatch.setattr(house.store, "end_under", there)
        await house.changes.relay_outbox()
        assert await house.store.get_many([DIGEST]) == [None]

    talk(conversation)


def test_what_cannot_be_brought_in_line_keeps_nothing_else_back(
    talk: Talk, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one session cannot be ended, other changes are announced as ever, and its own call says what is wrong."""

    async def conversation(house: House) -> None:
        await house.store.put(DIGEST, replace(RECORD, session_id=SID))
        there = house.store.end_under

        async def broken(key: str) -> Swept:
            if key == SID:
                raise StoreUnavailableError("what is there cannot be read")
            return await there(key)

        monkeypatch.setattr(house.store, "end_under", broken)
        with pytest.raises(ChangeNotAnnouncedError):
            await house.changes.end_session(SID, actor="user:alice")
        assert (await house.changes.grant("alice", held("admin"), actor="cli:root")).n == 1
        await house.store.put(OTHER, replace(RECORD, token_id="tid_2"), "fam_1")
        assert (await house.changes.end_family("fam_1", "revoked", actor="client:shop")).n == 2
        assert [entry.key for entry in directory.outbox.oldest(10)] == [SID]
        monkeypatch.setattr(house.store, "end_under", there)
        assert await house.changes.relay_outbox() == 3
        assert await house.store.get_many([DIGEST, OTHER]) == [None, None]

    talk(conversation)
    assert directory.outbox.oldest(10) == []
