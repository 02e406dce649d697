"""People in the directory, over SQLite and PostgreSQL."""

from __future__ import annotations

import dataclasses

import pytest

from sumun.directory import Denial, DenialKind, Directory, Entry, Epochs, NewsKind
from sumun.directory.errors import (
    HeldFromElsewhereError,
    InvalidNameError,
    NameTakenError,
    UnknownUserError,
    UserExistsError,
    UserFromElsewhereError,
)
from sumun.identity import Permission, Subject
from tests.contracts.occasions import (
    CONFIGURED,
    DENIED_UNTIL_MS,
    NOW,
    NOW_MS,
    at,
    client,
    held,
    outsider,
    person,
)

ALICE = Subject.user("alice")


@pytest.fixture
def alice(directory: Directory) -> Directory:
    """The directory with alice in it, and her news announced."""
    directory.users.add(person("alice", "admin", "product:create", shown="앨리스"), CONFIGURED, NOW)
    directory.outbox.delete([entry.id for entry in directory.outbox.oldest(10)])
    return directory


def news(directory: Directory) -> list[tuple[NewsKind, str]]:
    """What waits to be announced."""
    return [(entry.kind, entry.key) for entry in directory.outbox.oldest(100)]


def test_an_account_comes_back_whole(alice: Directory) -> None:
    """What was stored of a person is read back, Korean name and all."""
    user = alice.users.get("alice")
    assert user is not None
    assert (user.display_name, user.source, user.disabled, user.has_password) == (
        "앨리스",
        "local",
        False,
        True,
    )
    assert (user.roles, user.permissions) == (
        frozenset({"admin"}),
        frozenset({Permission("product", "create")}),
    )
    assert user.created_at_ms == NOW_MS


def test_a_display_name_is_stored_in_one_form(directory: Directory) -> None:
    """A name typed as conjoining jamo (NFD) is the same name (NFC)."""
    directory.users.add(person("bob", shown=" 밥 "), CONFIGURED, NOW)
    user = directory.users.get("bob")
    assert user is not None
    assert user.display_name == "밥"


def test_standing_says_what_is_held_now(alice: Directory) -> None:
    """One look gives name, rights, state and epochs."""
    standing = alice.standing(ALICE)
    assert standing is not None
    assert (standing.subject, standing.name, standing.disabled) == (ALICE, "앨리스", False)
    assert (standing.roles, standing.permissions) == ({"admin"}, {Permission("product", "create")})
    assert (standing.epoch, standing.login_epoch) == (0, 0)


def test_nobody_has_no_standing(alice: Directory) -> None:
    """A name that nobody has is None, not an empty standing; a client is not a user."""
    assert alice.standing(Subject.user("nobody")) is None
    assert alice.standing(Subject.client("alice")) is None
    assert alice.users.get("nobody") is None


def test_nothing_held_is_a_standing(directory: Directory) -> None:
    """A person without any right has a standing with nothing in it."""
    directory.users.add(person("bob"), CONFIGURED, NOW)
    standing = directory.standing(Subject.user("bob"))
    assert standing is not None
    assert (standing.roles, standing.permissions) == (frozenset(), frozenset())


def test_typed_names_are_looked_up_in_lower_case(alice: Directory) -> None:
    """`ALICE` logs in as alice, with hash and login epoch; a letter that only lower() makes ours does not."""
    account = alice.users.for_login("ALICE")
    assert account is not None
    assert (account.user.id, account.password_hash, account.login_epoch) == (
        "alice",
        "$argon2id$of-nobody",
        0,
    )
    assert "of-nobody" not in repr(account)
    alice.users.add(person("kim"), CONFIGURED, NOW)
    assert alice.users.for_login("\u212aim") is None  # KELVIN SIGN


@pytest.mark.parametrize("name", ["Alice", "", "al ice", "al:ice", "-alice", "앨리스", "a" * 129])
def test_names_that_cannot_be(directory: Directory, name: str) -> None:
    """An account name in upper case, or outside the alphabet, is refused, and nothing is written."""
    with pytest.raises(InvalidNameError, match="cannot be an account name"):
        directory.users.add(person(name), CONFIGURED, NOW)
    with pytest.raises(InvalidNameError):
        directory.users.link_outside(outsider(name, shown="x"), CONFIGURED, NOW)
    assert directory.users.list() == []
    assert directory.audit.newest() == []


def test_names_are_never_given_twice(alice: Directory) -> None:
    """A second alice is refused, also when the first one is disabled."""
    alice.users.disable("alice", NOW)
    with pytest.raises(UserExistsError, match="never given twice"):
        alice.users.add(person("alice"), CONFIGURED, NOW)


def test_people_and_clients_never_share_a_name(directory: Directory) -> None:
    """Not with a registered client, nor with one of the configuration file, whatever its case."""
    directory.clients.add(client("batch"), CONFIGURED, NOW)
    for name in ("batch", "shop-app"):
        with pytest.raises(NameTakenError):
            directory.users.add(person(name), CONFIGURED, NOW)
        with pytest.raises(NameTakenError):
            directory.users.link_outside(outsider(name), CONFIGURED, NOW)


def test_taking_away_raises_the_epoch(alice: Directory) -> None:
    """Lowering moves the epoch, denies older claims tokens for as long as they live, and is news; logins live on."""
    entry = alice.users.withdraw("alice", held("admin"), NOW)
    standing = alice.standing(ALICE)
    assert standing is not None
    assert (standing.roles, standing.epoch, standing.login_epoch) == (frozenset(), 1, 0)
    assert alice.denials.alive(NOW_MS) == [Denial(DenialKind.SUBJECT, "user:alice", 1, DENIED_UNTIL_MS)]
    assert alice.outbox.oldest(10) == [Entry(entry or 0, NewsKind.SUBJECT, "user:alice")]


def test_giving_raises_nothing(alice: Directory) -> None:
    """Raising rights is news, and no claims token is denied for it."""
    alice.users.grant("alice", held("user", "order:read"), NOW)
    standing = alice.standing(ALICE)
    assert standing is not None
    assert standing.roles == {"admin", "user"}
    assert (standing.epoch, standing.login_epoch) == (0, 0)
    assert alice.denials.alive(NOW_MS) == []
    assert news(alice) == [(NewsKind.SUBJECT, "user:alice")]


@pytest.mark.parametrize("change", ["disable", "set_password", "end_logins"])
def test_logins_end(alice: Directory, change: str) -> None:
    """A disabled person, a new password, a log-out everywhere end every earlier login and deny every claims token."""
    if change == "disable":
        alice.users.disable("alice", NOW)
    elif change == "set_password":
        alice.users.set_password("alice", "$argon2id$new", NOW)
    else:
        alice.subjects.end_logins(ALICE, NOW)
    assert alice.subjects.epochs(ALICE) == Epochs(1, 1)
    assert alice.denials.of(DenialKind.SUBJECT, "user:alice") is not None
    assert news(alice) == [(NewsKind.SUBJECT, "user:alice")]


def test_enabling_brings_nothing_back(alice: Directory) -> None:
    """Who is enabled again may log in; the epochs stay where they are."""
    alice.users.disable("alice", NOW)
    alice.users.enable("alice", NOW)
    standing = alice.standing(ALICE)
    assert standing is not None
    assert (standing.disabled, standing.epoch, standing.login_epoch) == (False, 1, 1)


def test_changes_that_change_nothing(alice: Directory) -> None:
    """No row, no record, no news, no epoch for what is so already."""
    before = alice.audit.newest()
    assert alice.users.grant("alice", held("admin"), NOW) is None
    assert alice.users.withdraw("alice", held("user", "order:read"), NOW) is None
    assert alice.users.enable("alice", NOW) is None
    assert alice.users.rename("alice", "앨리스", NOW) is None
    assert (alice.audit.newest(), news(alice), alice.subjects.epochs(ALICE)) == (before, [], Epochs())


def test_unknown_people(directory: Directory) -> None:
    """Every change of somebody who is not there is refused by name."""
    users = directory.users
    for change in (
        lambda: users.grant("zoe", held("user"), NOW),
        lambda: users.withdraw("zoe", held("user"), NOW),
        lambda: users.disable("zoe", NOW),
        lambda: users.enable("zoe", NOW),
        lambda: users.rename("zoe", "Z", NOW),
        lambda: users.set_password("zoe", "x", NOW),
        lambda: users.rehash("zoe", "x", "y", NOW),
    ):
        with pytest.raises(UnknownUserError, match="zoe"):
            change()


def test_a_rehash_is_no_change_of_password(alice: Directory) -> None:
    """A newer hash of the same password is no news, and loses to a password that was changed meanwhile."""
    assert alice.users.rehash("alice", "$argon2id$of-nobody", "$argon2id$better", NOW)
    assert not alice.users.rehash("alice", "$argon2id$of-nobody", "$argon2id$late", NOW)
    account = alice.users.for_login("alice")
    assert account is not None
    assert account.password_hash == "$argon2id$better"
    assert (news(alice), alice.subjects.epochs(ALICE)) == ([], Epochs())


def test_every_change_is_recorded_with_its_actor(alice: Directory) -> None:
    """The record says who did what to whom, newest first, and can be paged."""
    alice.users.withdraw("alice", held("admin"), at(1))
    alice.users.disable("alice", at(2))
    records = alice.audit.newest(about="user:alice")
    assert [(r.event, r.actor, r.at_ms - NOW_MS) for r in records] == [
        ("user_disabled", "cli:root", 2),
        ("rights_withdrawn", "cli:root", 1),
        ("user_added", "cli:root", 0),
    ]
    assert records[1].detail == {"origin": "local", "roles": ["admin"], "permissions": []}
    assert records[2].detail["display_name"] == "앨리스"
    assert alice.audit.newest(limit=1, before=records[0].number) == [records[1]]


def test_people_are_listed_in_order(directory: Directory) -> None:
    """A list is read page by page, in the order of the names."""
    for name in ("carol", "alice", "bob"):
        directory.users.add(person(name), CONFIGURED, NOW)
    assert [user.id for user in directory.users.list(limit=2)] == ["alice", "bob"]
    assert [user.id for user in directory.users.list(after="bob")] == ["carol"]


def test_an_outside_person_gets_an_account(directory: Directory) -> None:
    """The first login makes the account, without a password here."""
    linked = directory.users.link_outside(outsider("dave", "user", shown="데이브"), CONFIGURED, NOW)
    assert (linked.user.id, linked.user.source, linked.user.has_password) == ("dave", "staff", False)
    assert linked.user.roles == {"user"}
    assert linked.entry is not None
    with pytest.raises(UserFromElsewhereError, match="kept by 'staff'"):
        directory.users.set_password("dave", "x", NOW)


def test_the_same_login_again_writes_nothing(directory: Directory) -> None:
    """Nothing new: no write, no record, no news."""
    directory.users.link_outside(outsider("dave", "user"), CONFIGURED, NOW)
    before = (directory.audit.newest(), news(directory))
    again = directory.users.link_outside(outsider("dave", "user"), CONFIGURED, at(1))
    assert again.entry is None
    assert again.user.roles == {"user"}
    assert (directory.audit.newest(), news(directory)) == before


def test_an_outside_source_lowers_like_anybody(directory: Directory) -> None:
    """A role that the source does not name any more is gone, with epoch and denial; a new one is there; name too."""
    directory.users.link_outside(outsider("dave", "user", "clerk"), CONFIGURED, NOW)
    linked = directory.users.link_outside(outsider("dave", "user", "boss", shown="D."), CONFIGURED, NOW)
    assert (linked.user.roles, linked.user.display_name) == ({"user", "boss"}, "D.")
    assert directory.subjects.epochs(Subject.user("dave")) == Epochs(1, 0)
    denial = directory.denials.of(DenialKind.SUBJECT, "user:dave")
    assert denial is not None
    assert denial.min_epoch == 1


def test_operator_and_source_do_not_undo_each_other(directory: Directory) -> None:
    """What an operator granted stays when the source says nothing of it; what the source gave is taken away there."""
    directory.users.link_outside(outsider("dave", "user"), CONFIGURED, NOW)
    directory.users.grant("dave", held("auditor", "user"), NOW)
    linked = directory.users.link_outside(outsider("dave"), CONFIGURED, NOW)
    assert linked.user.roles == {"auditor", "user"}  # the operator gave `user` too: nothing was lost
    assert directory.subjects.epochs(Subject.user("dave")) == Epochs()
    directory.users.link_outside(outsider("dave", "user"), CONFIGURED, NOW)
    with pytest.raises(HeldFromElsewhereError, match="from 'staff'"):
        directory.users.withdraw("dave", held("user"), NOW)
    assert directory.users.withdraw("dave", held("auditor"), NOW) is not None


def test_nobody_speaks_for_an_account_of_another(alice: Directory) -> None:
    """An authenticator can take over neither a local account nor one of another authenticator."""
    with pytest.raises(UserFromElsewhereError, match="belongs to 'local'"):
        alice.users.link_outside(outsider("alice", "user"), CONFIGURED, NOW)
    alice.users.link_outside(outsider("dave"), CONFIGURED, NOW)
    with pytest.raises(UserFromElsewhereError, match="belongs to 'staff'"):
        alice.users.link_outside(outsider("dave", source="partner"), CONFIGURED, NOW)
    with pytest.raises(UserFromElsewhereError, match="names our own accounts"):
        alice.users.link_outside(outsider("eve", source="local"), CONFIGURED, NOW)


def test_a_disabled_outsider_stays_disabled(directory: Directory) -> None:
    """An operator's no is stronger than the source's yes."""
    directory.users.link_outside(outsider("dave", "user"), CONFIGURED, NOW)
    directory.users.disable("dave", NOW)
    assert directory.users.link_outside(outsider("dave", "boss"), CONFIGURED, NOW).user.disabled


@pytest.mark.parametrize("words", [("role:admin",), ("Admin",), ("*",), ("ad min",)])
def test_rights_that_nobody_can_hold(words: tuple[str, ...]) -> None:
    """A permission of the reserved resource `role`, and a role that no scope could name, are refused."""
    with pytest.raises(InvalidNameError):
        held(*words)


def test_values_cannot_be_written_to(alice: Directory) -> None:
    """What the directory gives out is frozen."""
    user = alice.users.get("alice")
    assert user is not None
    with pytest.raises(dataclasses.FrozenInstanceError):
        user.disabled = True  # type: ignore[misc]
