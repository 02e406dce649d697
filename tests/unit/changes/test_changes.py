"""Changes: made, announced, confirmed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
import sqlalchemy as sa

from sumun.changes import Applied, ChangeNotAnnouncedError, ChangeNotConfirmedError
from sumun.directory import Epochs
from sumun.directory.errors import DirectoryUnavailableError, UnknownUserError
from sumun.identity import Permission, Subject
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.store import Rights
from tests.contracts.occasions import NOW, NOW_MS, client, held, key, outsider, person
from tests.unit.changes.house import DIGEST, RECORD, House

ALICE = Change(ChangeKind.SUBJECT, "user:alice")


def test_a_change_is_stored_and_announced(talk, directory) -> None:
    """The call returns its number; the feed has told it, the outbox is empty, the record names the actor."""

    async def conversation(house: House) -> None:
        assert await house.changes.grant("alice", held("admin"), actor="cli:root") == Applied(1)
        assert await house.told() == [ALICE]

    talk(conversation)
    assert directory.outbox.oldest(10) == []
    assert directory.audit.newest()[0].actor == "cli:root"


def test_nothing_changed_nothing_told(talk) -> None:
    """No number, no news for what is so already; a refusal is no news either."""

    async def conversation(house: House) -> None:
        assert await house.changes.grant("alice", held("user"), actor="cli:root") == Applied(None)
        assert await house.changes.revoke_token(DIGEST, actor="cli:root") == Applied(None)
        assert await house.changes.revoke_token_id("tid_9", actor="cli:root") == Applied(None)
        assert await house.changes.edit_token(
            "tid_9", Rights(frozenset(), frozenset()), actor="x"
        ) == Applied(None)
        with pytest.raises(UnknownUserError):
            await house.changes.disable_user("zoe", actor="cli:root")
        assert await house.told() == []

    talk(conversation)


def test_it_waits_for_the_processes_of_this_node(talk) -> None:
    """The call returns as soon as every live process of the node has confirmed; another node is not waited for."""

    async def conversation(house: House) -> None:
        start = await house.feed.head()
        await house.feed.confirm("n1", "answer-0", start, 1)
        await house.feed.confirm("n2", "answer-0", start, 1)

        async def reader() -> None:
            news = await house.feed.read_after(start, 1)
            await asyncio.sleep(0.03)
            await house.feed.confirm("n1", "answer-0", replace(start, n=news[-1].n), 1)

        changes = house.another(wait_seconds=5)
        reading = asyncio.create_task(reader())
        applied = await changes.disable_user("alice", actor="cli:root")
        assert reading.done()
        assert applied == Applied(1, frozenset())

    talk(conversation)


def test_it_names_who_did_not_confirm(talk) -> None:
    """After the wait it returns the processes that have not applied the change: of the node, or of all."""

    async def conversation(house: House) -> None:
        start = await house.feed.head()
        for node in ("n1", "n2"):
            await house.feed.confirm(node, "answer-0", start, 1)
        own = await house.another(wait_seconds=0.02).disable_user("alice", actor="cli:root")
        assert own == Applied(1, frozenset({"n1/answer-0"}))
        every = await house.another(wait_seconds=0.02).for_all().enable_user("alice", actor="cli:root")
        assert every == Applied(2, frozenset({"n1/answer-0", "n2/answer-0"}))
        assert every.behind() == "n1 (answer-0), n2 (answer-0)"

    talk(conversation)


def test_who_asks_again_hears_again_who_is_behind(talk) -> None:
    """Done already is not "everybody acts on it": for a token, and for all when all are waited for."""

    async def conversation(house: House) -> None:
        start = await house.feed.head()
        await house.feed.confirm("n1", "answer-0", start, 1)
        await house.feed.confirm("n2", "http", start, 1)
        await house.store.put(DIGEST, RECORD)
        changes = house.another(wait_seconds=0.02)
        for expected in (1, None):
            assert await changes.revoke_token(DIGEST, actor="x") == Applied(
                expected, frozenset({"n1/answer-0"})
            )
        await changes.disable_user("alice", actor="cli:root")
        assert await changes.disable_user("alice", actor="cli:root") == Applied(None)
        both = Applied(None, frozenset({"n1/answer-0", "n2/http"}))
        assert await changes.for_all().disable_user("alice", actor="cli:root") == both
        assert both.behind() == "n1 (answer-0), n2 (http)"

    talk(conversation)


def test_done_and_not_announced_is_not_done_for_all(talk) -> None:
    """Who asks for everybody's confirmation of what is stored already announces it first, or hears that nobody can."""

    async def conversation(house: House) -> None:
        house.feed.away = True
        for changes in (house.changes, house.changes.for_all()):
            with pytest.raises(ChangeNotAnnouncedError):
                await changes.disable_user("alice", actor="cli:root")
        house.feed.away = False
        assert await house.changes.for_all().disable_user("alice", actor="cli:root") == Applied(None)
        assert await house.told() == [ALICE]

    talk(conversation)


def test_a_feed_that_is_away(talk, directory) -> None:
    """The change is stored, the error says so, and it is announced, in order, once the feed is back."""

    async def conversation(house: House) -> None:
        house.feed.away = True
        with pytest.raises(ChangeNotAnnouncedError, match="stored and cannot be announced now") as caught:
            await house.changes.disable_user("alice", actor="cli:root")
        assert isinstance(caught.value, StoreUnavailableError)
        user = directory.users.get("alice")
        assert user is not None
        assert user.disabled
        with pytest.raises(ChangeNotAnnouncedError):
            await house.changes.add_user(person("bob"), actor="cli:root")
        house.feed.away = False
        assert await house.another().relay_outbox() == 2
        assert await house.told() == [ALICE, Change(ChangeKind.SUBJECT, "user:bob")]
        assert directory.outbox.oldest(10) == []

    talk(conversation)


def test_a_feed_that_goes_away_after(talk) -> None:
    """Announced, and nobody can say who has applied it: an outage of its own."""

    async def conversation(house: House) -> None:
        house.feed.deaf = True
        with pytest.raises(ChangeNotConfirmedError, match=r"made and announced \(number 1\)"):
            await house.changes.disable_user("alice", actor="cli:root")

    talk(conversation)


def test_another_process_was_quicker(talk, directory) -> None:
    """When somebody else announced our entry, the number we wait for is not older than it."""

    async def conversation(house: House) -> None:
        entry = directory.users.grant("alice", held("admin"), NOW)
        assert await house.another().relay_outbox() == 1
        assert await house.changes._announced(entry) == Applied(1)

    talk(conversation)


def test_a_change_whose_directory_is_away(talk, directory) -> None:
    """Nothing was changed and nothing told when the directory fails."""
    with directory._database.write() as connection:
        connection.execute(sa.text("DROP TABLE audit"))

    async def conversation(house: House) -> None:
        with pytest.raises(DirectoryUnavailableError):
            await house.changes.disable_user("alice", actor="cli:root")
        assert await house.told() == []

    talk(conversation)
    user = directory.users.get("alice")
    assert user is not None
    assert not user.disabled


def test_an_opaque_token_is_revoked(talk, directory) -> None:
    """By digest and by handle: gone from the store, told, recorded by its handle."""

    async def conversation(house: House) -> None:
        await house.store.put(DIGEST, RECORD)
        assert (await house.changes.revoke_token(DIGEST, actor="client:shop")).n == 1
        await house.store.put(DIGEST, RECORD)
        assert (await house.changes.revoke_token_id("tid_1", actor="cli:root")).n == 2
        assert await house.store.get_many([DIGEST]) == [None]
        assert await house.told() == [Change(ChangeKind.TOKEN, "tid_1")] * 2

    talk(conversation)
    records = [(r.event, r.actor, r.about, r.detail) for r in directory.audit.newest(about="token:tid_1")]
    assert records == [
        ("token_revoked", actor, "token:tid_1", {"kind": "opaque"}) for actor in ("cli:root", "client:shop")
    ]


def test_a_token_is_edited(talk, directory) -> None:
    """New rights in place, told and recorded."""

    async def conversation(house: House) -> None:
        await house.store.put(DIGEST, RECORD)
        rights = Rights(frozenset({"admin"}), frozenset({Permission("order", "read")}))
        assert (await house.changes.edit_token("tid_1", rights, actor="cli:root")).n == 1
        (record,) = await house.store.get_many([DIGEST])
        assert record is not None
        assert record.roles == {"admin"}

    talk(conversation)
    assert directory.audit.newest()[0].detail == {"roles": ["admin"], "permissions": ["order:read"]}


def test_revoking_does_not_wait_for_the_record(talk, directory, caplog: pytest.LogCaptureFixture) -> None:
    """With the directory away a token is revoked all the same, and the record goes to the log."""
    with directory._database.write() as connection:
        connection.execute(sa.text("DROP TABLE audit"))

    async def conversation(house: House) -> None:
        await house.store.put(DIGEST, RECORD)
        assert (await house.changes.revoke_token(DIGEST, actor="user:alice")).n == 1
        assert await house.store.get_many([DIGEST]) == [None]

    with caplog.at_level(logging.ERROR):
        talk(conversation)
    assert "token_revoked token:tid_1 by user:alice" in caplog.text


def test_a_jwt_is_revoked(talk, directory) -> None:
    """Denied durably until it has expired, told by its jti."""

    async def conversation(house: House) -> None:
        assert (await house.changes.revoke_claims_token("jti_1", NOW_MS + 1000, actor="client:shop")).n == 1
        assert await house.told() == [Change(ChangeKind.TOKEN, "jti_1")]

    talk(conversation)
    assert [denial.key for denial in directory.denials.alive(NOW_MS)] == ["jti_1"]


def test_an_outside_login(talk, directory) -> None:
    """The account is made and told once; the same login again tells nothing; lowering denies and tells."""

    async def conversation(house: House) -> None:
        dave = Change(ChangeKind.SUBJECT, "user:dave")
        assert (await house.changes.link_outside(outsider("dave", "user"))).roles == {"user"}
        assert await house.told() == [dave]
        await house.changes.link_outside(outsider("dave", "user"))
        assert await house.told() == [dave]
        await house.changes.link_outside(outsider("dave"))
        assert await house.told() == [dave, dave]

    talk(conversation)
    assert directory.subjects.epochs(Subject.user("dave")) == Epochs(1, 0)
    assert directory.audit.newest()[0].actor == "authenticator:staff"


def test_every_kind_of_change_is_told(talk) -> None:
    """Each method announces what it is about, with its outbox left empty."""

    async def conversation(house: House) -> None:
        changes, root = house.changes, "cli:root"
        about_alice = (
            lambda: changes.rename_user("alice", "A", actor=root),
            lambda: changes.grant("alice", held("admin"), actor=root),
            lambda: changes.withdraw("alice", held("admin"), actor=root),
            lambda: changes.set_password("alice", "x", actor=root),
            lambda: changes.disable_user("alice", actor=root),
            lambda: changes.enable_user("alice", actor=root),
            lambda: changes.end_logins(Subject.user("alice"), actor=root),
        )
        about_batch = (
            lambda: changes.register_client(client("batch"), actor=root),
            lambda: changes.change_client(client("batch", roles=frozenset()), actor=root),
            lambda: changes.rotate_client_secret("batch", bytes(32), actor=root),
            lambda: changes.disable_client("batch", actor=root),
            lambda: changes.enable_client("batch", actor=root),
        )
        about_keys = (
            lambda: changes.add_key(key("k1"), actor=root),
            lambda: changes.activate_key("k1", 0, actor=root),
            lambda: changes.add_key(key("k2"), actor=root),
            lambda: changes.activate_key("k2", 0, actor=root),
            changes.retire_due_keys,
            lambda: changes.add_key(key("k3"), actor=root),
            lambda: changes.retire_key("k3", actor=root),
        )
        for kind, subject, every in (
            (ChangeKind.SUBJECT, "user:alice", about_alice),
            (ChangeKind.CLIENT, "batch", about_batch),
            (ChangeKind.KEYS, "", about_keys),
        ):
            for change in every:
                before = len(await house.told())
                assert (await change()).n is not None
                assert Change(kind, subject) in (await house.told())[before:]
                assert house.directory.outbox.oldest(1) == []

    talk(conversation)
