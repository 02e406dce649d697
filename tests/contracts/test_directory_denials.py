"""Denials, outbox and wholeness of changes, over SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sumun.directory import Denial, DenialKind, Directory, NewsKind
from sumun.directory.errors import DirectoryUnavailableError
from sumun.identity import Subject
from tests.contracts.occasions import (
    CONFIGURED,
    LEEWAY_MS,
    NOW,
    NOW_MS,
    at,
    client,
    held,
    key,
    outsider,
    person,
)
from tests.contracts.refusing import refuse_inserts

DAY_MS = 24 * 3600 * 1000


def test_one_token_is_denied_until_it_has_expired(directory: Directory) -> None:
    """A revoked JWT stays denied a little longer than it lives, is news by its jti, and recorded."""
    directory.denials.deny_token("jti-1", NOW_MS + 5000, NOW)
    denial = Denial(DenialKind.TOKEN, "jti-1", None, NOW_MS + 5000 + LEEWAY_MS)
    assert directory.denials.alive(NOW_MS) == [denial]
    assert directory.denials.alive(denial.expires_at_ms + 1) == []
    assert [(e.kind, e.key) for e in directory.outbox.oldest(9)] == [(NewsKind.TOKEN, "jti-1")]
    assert directory.audit.newest()[0].about == "token:jti-1"


def test_a_denial_only_grows(directory: Directory) -> None:
    """A later lowering, even by a clock that is behind, neither lowers the epoch nor ends the denial earlier."""
    directory.users.add(person("alice", "a", "b"), CONFIGURED, NOW)
    directory.users.withdraw("alice", held("a"), at(10_000))
    directory.users.withdraw("alice", held("b"), at(-50_000))
    denial = directory.denials.of(DenialKind.SUBJECT, "user:alice")
    assert denial is not None
    assert (denial.min_epoch, denial.expires_at_ms) == (2, at(10_000).denied_until_ms)


def test_expired_denials_go_a_day_later(directory: Directory) -> None:
    """The table does not grow for ever, and a clock that was ahead for an hour takes nothing away."""
    directory.denials.deny_token("old", NOW_MS, NOW)
    directory.denials.deny_token("other", NOW_MS, at(3_600_000))
    assert directory.denials.of(DenialKind.TOKEN, "old") is not None
    directory.denials.deny_token("new", NOW_MS + DAY_MS * 2, at(DAY_MS + LEEWAY_MS + 1))
    assert directory.denials.of(DenialKind.TOKEN, "old") is None


def test_the_outbox_is_in_order_and_numbers_are_never_used_again(directory: Directory) -> None:
    """Deleted entries leave no number behind for a later one; deleting twice does no harm."""
    first = [directory.denials.deny_token(f"jti-{i}", NOW_MS, NOW) for i in range(3)]
    assert first == sorted(first)
    directory.outbox.delete(first)
    directory.outbox.delete(first)
    later = directory.denials.deny_token("jti-9", NOW_MS, NOW)
    assert later > max(first)
    assert [entry.id for entry in directory.outbox.oldest(10)] == [later]


def everything(directory: Directory) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with directory._database.read() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        return {
            name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for name, table in tables.tables.items()
        }


@pytest.mark.parametrize("table", ["outbox", "audit"])
def test_no_change_without_its_news_and_its_record(directory: Directory, table: str) -> None:
    """When the outbox entry or the audit record cannot be written, nothing of the change is there: of any change."""
    directory.users.add(person("alice", "user"), CONFIGURED, NOW)
    directory.users.add(person("bob"), CONFIGURED, NOW)
    directory.users.disable("bob", NOW)
    directory.clients.add(client("batch"), CONFIGURED, NOW)
    directory.clients.add(client("stopped"), CONFIGURED, NOW)
    directory.clients.disable("stopped", NOW)
    directory.users.link_outside(outsider("dave", "user"), CONFIGURED, NOW)
    directory.keys.add_first(key("k1"), NOW)
    directory.keys.add(key("k2"), NOW)
    both = held("a:b", "c:d").permissions
    grant = directory.grants.allow("alice", "shop", both, frozenset(), NOW)
    refuse_inserts(directory, table)
    before = everything(directory)
    changes = {
        "add": lambda: directory.users.add(person("carol", "user"), CONFIGURED, NOW),
        "link": lambda: directory.users.link_outside(outsider("erin"), CONFIGURED, NOW),
        "relink": lambda: directory.users.link_outside(outsider("dave", shown="D"), CONFIGURED, NOW),
        "rename": lambda: directory.users.rename("alice", "A", NOW),
        "grant": lambda: directory.users.grant("alice", held("admin"), NOW),
        "withdraw": lambda: directory.users.withdraw("alice", held("user"), NOW),
        "disable": lambda: directory.users.disable("alice", NOW),
        "enable": lambda: directory.users.enable("bob", NOW),
        "set_password": lambda: directory.users.set_password("alice", "x", NOW),
        "end_logins": lambda: directory.subjects.end_logins(Subject.user("alice"), NOW),
        "register": lambda: directory.clients.add(client("new"), CONFIGURED, NOW),
        "change_client": lambda: directory.clients.change(client("batch", roles=frozenset()), NOW),
        "disable_client": lambda: directory.clients.disable("batch", NOW),
        "enable_client": lambda: directory.clients.enable("stopped", NOW),
        "rotate_secret": lambda: directory.clients.rotate_secret("batch", bytes(32), NOW),
        "add_first_key": lambda: directory.keys.add_first(key("r1", "RS256"), NOW),
        "add_key": lambda: directory.keys.add(key("k3"), NOW),
        "activate": lambda: directory.keys.activate("k2", NOW_MS, NOW),
        "retire": lambda: directory.keys.retire("k2", NOW),
        "narrow": lambda: directory.grants.narrow(grant.id, held("a:b").permissions, frozenset(), NOW),
        "withdraw_grant": lambda: directory.grants.withdraw(grant.id, NOW),
        "deny": lambda: directory.denials.deny_token("jti", NOW_MS, NOW),
    }
    for name, change in changes.items():
        with pytest.raises(DirectoryUnavailableError):
            change()
        assert everything(directory) == before, name
