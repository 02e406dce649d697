"""What people let clients do, over SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from sumun.directory import Directory, NewsKind, StoredGrant
from sumun.directory.errors import UnknownUserError
from sumun.identity import Permission
from tests.contracts.occasions import CONFIGURED, NOW, NOW_MS, at, held, person


def scopes(*texts: str) -> frozenset[Permission]:
    """Permissions by their texts."""
    return held(*texts).permissions


OPENID = frozenset({"openid", "profile"})


@pytest.fixture
def people(directory: Directory) -> Directory:
    """The directory with alice and bob in it, and their news announced."""
    for name in ("alice", "bob"):
        directory.users.add(person(name), CONFIGURED, NOW)
    directory.outbox.delete([entry.id for entry in directory.outbox.oldest(10)])
    return directory


def events(directory: Directory) -> list[str]:
    """The names of what was written down of grants, oldest first."""
    names = [record.event for record in directory.audit.newest()]
    return [name for name in reversed(names) if name.startswith("grant_")]


def news(directory: Directory) -> list[tuple[NewsKind, str]]:
    """What waits to be announced."""
    return [(entry.kind, entry.key) for entry in directory.outbox.oldest(100)]


def test_a_grant_comes_back_whole(people: Directory) -> None:
    """What was allowed is found by its id, by the pair, and among the person's own; nobody else's has it."""
    made = people.grants.allow("alice", "shop", scopes("product:read", "order:*"), OPENID, NOW)
    assert made == StoredGrant(
        made.id, "alice", "shop", scopes("product:read", "order:*"), OPENID, NOW_MS, NOW_MS
    )
    assert made.id.startswith("grt_")
    assert people.grants.get(made.id) == people.grants.of("alice", "shop") == made
    other = people.grants.allow("alice", "app", scopes("product:read"), frozenset(), NOW)
    assert people.grants.of_user("alice") == [other, made]
    assert people.grants.of_user("bob") == []
    assert people.grants.of("bob", "shop") is people.grants.get("grt_unknown") is None


def test_allowing_adds(people: Directory) -> None:
    """A second consent adds to the first under the same id, and one that adds nothing writes nothing."""
    first = people.grants.allow("alice", "shop", scopes("product:read"), frozenset(), NOW)
    second = people.grants.allow("alice", "shop", scopes("order:read"), OPENID, at(1000))
    assert (second.id, second.created_at_ms, second.changed_at_ms) == (first.id, NOW_MS, NOW_MS + 1000)
    assert (second.scopes, second.openid) == (scopes("product:read", "order:read"), OPENID)
    assert people.grants.allow("alice", "shop", scopes("order:read"), OPENID, at(2000)) == second
    assert people.grants.get(first.id) == second
    assert events(people) == ["grant_allowed", "grant_allowed"]
    assert news(people) == []


def test_refusals(people: Directory) -> None:
    """What was refused is remembered beside what is allowed, until it is allowed."""
    refused = frozenset({"order:read", "profile", "product:read"})
    grant = people.grants.allow("alice", "shop", scopes("price:read"), frozenset(), NOW, refused)
    assert people.grants.of("alice", "shop") == grant
    assert (grant.refused, grant.scopes) == (refused, scopes("price:read"))
    more = frozenset({"order:create"})
    grant = people.grants.allow("alice", "shop", scopes("order:read"), frozenset({"profile"}), at(1000), more)
    assert people.grants.of("alice", "shop") == grant
    assert grant.refused == {"product:read", "order:create"}
    assert grant.scopes == scopes("price:read", "order:read")
    unchanged = people.grants.allow("alice", "shop", frozenset(), frozenset(), at(2000), more)
    assert unchanged == grant


def test_narrowing_takes_back_and_never_gives(people: Directory) -> None:
    """What is left is what both the grant and the narrowing have, patterns too; the issued tokens are to follow."""
    grant = people.grants.allow("alice", "shop", scopes("product:*", "order:read"), OPENID, NOW)
    narrow = people.grants.narrow
    assert narrow(grant.id, scopes("product:read", "user:*"), frozenset({"openid", "email"}), at(1000))
    left = people.grants.get(grant.id)
    assert left is not None
    assert (left.scopes, left.openid) == (scopes("product:read"), frozenset({"openid"}))
    assert (left.created_at_ms, left.changed_at_ms) == (NOW_MS, NOW_MS + 1000)
    assert news(people) == [(NewsKind.ISSUED, grant.id)]
    assert narrow(grant.id, scopes("*:*"), OPENID, at(2000)) is None
    assert narrow("grt_unknown", scopes("*:*"), OPENID, at(2000)) is None
    assert news(people) == [(NewsKind.ISSUED, grant.id)]
    assert events(people) == ["grant_allowed", "grant_narrowed"]


def test_nothing_left_is_withdrawn(people: Directory) -> None:
    """Narrowing to nothing ends the grant as withdrawing does."""
    grant = people.grants.allow("alice", "shop", scopes("product:read"), OPENID, NOW)
    people.grants.narrow(grant.id, scopes("order:read"), frozenset(), NOW)
    assert people.grants.get(grant.id) is None
    assert events(people) == ["grant_allowed", "grant_withdrawn"]


def test_withdrawing_ends_it_for_good(people: Directory) -> None:
    """Once; what is allowed after it is another grant, so a token of the old one finds nothing that stands behind it."""
    grant = people.grants.allow("alice", "shop", scopes("product:read"), OPENID, NOW)
    assert people.grants.withdraw(grant.id, at(1000)) is not None
    assert people.grants.withdraw(grant.id, at(2000)) is None
    assert people.grants.of("alice", "shop") is None
    assert news(people) == [(NewsKind.ISSUED, grant.id)]
    assert people.audit.newest()[0].detail == {"client": "shop", "grant": grant.id}
    anew = people.grants.allow("alice", "shop", scopes("product:read"), OPENID, at(3000))
    assert anew.id != grant.id


def test_only_people_allow(people: Directory) -> None:
    """A grant of nobody is refused."""
    with pytest.raises(UnknownUserError):
        people.grants.allow("nobody", "shop", scopes("product:read"), OPENID, NOW)
