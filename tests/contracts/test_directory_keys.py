"""Signing keys in the directory, over SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from sumun.directory import Directory, KeyState, NewsKind
from sumun.directory.errors import KeyStateError, UnknownKeyError
from tests.contracts.occasions import NOW, NOW_MS, at, key


def states(directory: Directory) -> dict[str, KeyState]:
    """Key id -> state."""
    return {stored.kid: stored.state for stored in directory.keys.list()}


def test_the_first_key_wins(directory: Directory) -> None:
    """Of the processes that start at once, each with a fresh key, one is first; another algorithm is apart."""
    assert directory.keys.add_first(key("k1"), NOW) is not None
    assert directory.keys.add_first(key("k2"), NOW) is None
    assert directory.keys.add_first(key("r1", "RS256"), NOW) is not None
    assert states(directory) == {"k1": KeyState.ACTIVE, "r1": KeyState.ACTIVE}


def test_a_rotation(directory: Directory) -> None:
    """Published, then active while the one before stays published until its tokens are dead, then retired."""
    directory.keys.add_first(key("k1"), NOW)
    directory.keys.add(key("k2"), at(1))
    assert states(directory) == {"k1": KeyState.ACTIVE, "k2": KeyState.PUBLISHED}
    directory.keys.activate("k2", NOW_MS + 1000, at(2))
    assert states(directory) == {"k1": KeyState.PUBLISHED, "k2": KeyState.ACTIVE}
    assert directory.keys.retire_due(at(999)) is None
    assert directory.keys.retire_due(at(1000)) is not None
    assert states(directory) == {"k1": KeyState.RETIRED, "k2": KeyState.ACTIVE}


def test_a_retired_key_has_no_private_part(directory: Directory) -> None:
    """What is retired is erased, and never shows in repr before."""
    directory.keys.add(key("k1"), NOW)
    before = directory.keys.list()[0]
    assert before.private_jwk == key("k1").private_jwk
    assert "secret of k1" not in repr(before) + repr(key("k1"))
    directory.keys.retire("k1", NOW)
    after = directory.keys.list()[0]
    assert (after.private_jwk, after.public_jwk) == (None, before.public_jwk)


def test_no_way_back(directory: Directory) -> None:
    """An active key is not retired, a retired one not activated, an id not used twice, an unknown one not changed."""
    directory.keys.add_first(key("k1"), NOW)
    with pytest.raises(KeyStateError, match="activate another one first"):
        directory.keys.retire("k1", NOW)
    directory.keys.add(key("k2"), NOW)
    directory.keys.retire("k2", NOW)
    assert directory.keys.retire("k2", NOW) is None
    with pytest.raises(KeyStateError, match="retired for good"):
        directory.keys.activate("k2", NOW_MS, NOW)
    with pytest.raises(KeyStateError, match="never used twice"):
        directory.keys.add(key("k2"), NOW)
    with pytest.raises(UnknownKeyError, match="zoe"):
        directory.keys.activate("zoe", NOW_MS, NOW)
    assert directory.keys.activate("k1", NOW_MS, NOW) is None


def test_keys_are_news(directory: Directory) -> None:
    """Every step is announced and recorded, without anything of the private part."""
    directory.keys.add_first(key("k1"), NOW)
    directory.keys.add(key("k2"), NOW)
    directory.keys.activate("k2", NOW_MS, NOW)
    directory.keys.retire("k1", NOW)
    assert {(entry.kind, entry.key) for entry in directory.outbox.oldest(10)} == {(NewsKind.KEYS, "")}
    records = directory.audit.newest()
    assert [record.event for record in records] == ["key_retired", "key_activated", "key_added", "key_added"]
    assert records[1].detail == {"before": ["k1"]}
    assert "secret" not in str(records)
