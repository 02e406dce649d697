"""Refresh tokens and what they are issued under, over SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from sumun.directory import DenialKind, Directory, LastingLogin, NewsKind
from sumun.directory.refresh_tokens import Beginning, RefreshFamily, StoredRefreshToken, Use
from sumun.identity import Permission, Subject
from tests.contracts.occasions import CONFIGURED, LEEWAY_MS, NOW, NOW_MS, at, held, person

DAY_MS = 24 * 3600 * 1000
TOKEN, NEXT, THIRD = (hashlib.sha256(name).digest() for name in (b"one", b"two", b"three"))
FAMILY = RefreshFamily(
    id="fam_1",
    subject=Subject.user("alice"),
    client_id="shop",
    session_id="sid_1",
    grant_id="",
    scopes=frozenset({Permission("product", "*"), Permission("order", "read")}),
    openid=frozenset({"openid", "profile"}),
    audience=frozenset({"https://shop.example"}),
    bound_to="jkt:" + "x" * 43,
    login_epoch=3,
    auth_time=NOW_MS // 1000,
    amr=("pwd", "otp"),
    acr="urn:example:high",
    secret=bytes(range(32)),
    expires_at_ms=NOW_MS + 30 * DAY_MS,
)


@pytest.fixture
def people(directory: Directory) -> Directory:
    """The directory with alice in it, announced."""
    directory.users.add(person("alice"), CONFIGURED, NOW)
    directory.outbox.delete([entry.id for entry in directory.outbox.oldest(10)])
    return directory


def begin(directory: Directory, family: RefreshFamily = FAMILY, sha256: bytes = TOKEN) -> bool:
    """The family with a first token, good for a day."""
    return directory.refresh_tokens.begin([Beginning(family, sha256, NOW_MS + DAY_MS, NOW_MS)]) == [True]


def use(sha256: bytes, following: bytes, at_ms: int = NOW_MS) -> Use:
    """A use of this token."""
    return Use(sha256, following, at_ms + DAY_MS, at_ms)


def news(directory: Directory) -> list[tuple[NewsKind, str]]:
    """What waits to be announced."""
    return [(entry.kind, entry.key) for entry in directory.outbox.oldest(100)]


def test_a_family_comes_back_whole(people: Directory) -> None:
    """Every field of it, by its token's digest; an unknown digest is nobody's; nothing of it is news."""
    assert begin(people)
    assert people.refresh_tokens.look(TOKEN) == StoredRefreshToken(FAMILY, NOW_MS + DAY_MS, None)
    assert people.refresh_tokens.look(NEXT) is None
    assert news(people) == []
    assert FAMILY.secret.hex() not in repr(FAMILY)


def test_a_token_is_used_once(people: Directory) -> None:
    """The first use makes the next token and is remembered; a later one is told of it and changes nothing."""
    begin(people)
    tokens = people.refresh_tokens
    assert tokens.use([use(TOKEN, NEXT)]) == [NOW_MS]
    assert tokens.use([use(TOKEN, NEXT, NOW_MS + 5000)]) == [NOW_MS]
    assert tokens.look(TOKEN) == StoredRefreshToken(FAMILY, NOW_MS + DAY_MS, NOW_MS)
    assert tokens.look(NEXT) == StoredRefreshToken(FAMILY, NOW_MS + DAY_MS, None)


def test_the_logins_that_go_on(people: Directory) -> None:
    """A person's families by the last use: not another's, under no grant, not over, not idle for too long, not ended."""
    mine, later = replace(FAMILY, login_epoch=0), NOW_MS + 5000
    begin(people, mine)
    begin(people, replace(mine, id="fam_2", client_id="till"), NEXT)
    begin(people, replace(mine, id="fam_3", subject=Subject.user("bob")), THIRD)
    begin(people, replace(mine, id="fam_4", expires_at_ms=NOW_MS - 1), b"4" * 32)
    of_user = people.lasting_logins.of_user
    people.refresh_tokens.use([use(NEXT, b"5" * 32, later)])
    assert of_user("alice", later) == [
        LastingLogin("fam_2", "till", NOW_MS, later),
        LastingLogin("fam_1", "shop", NOW_MS, NOW_MS),
    ]
    assert [one.family_id for one in of_user("alice", NOW_MS + DAY_MS + 1)] == ["fam_2"]
    people.subjects.end_logins(Subject.user("alice"), NOW)
    assert of_user("alice", later) == []
    assert of_user("nobody", later) == []


def test_many_uses_at_once(people: Directory) -> None:
    """Of one token and of several, in one transaction: each is answered in its place, unknown ones with None."""
    begin(people)
    begin(people, replace(FAMILY, id="fam_2"), THIRD)
    other = hashlib.sha256(b"four").digest()
    uses = [use(TOKEN, NEXT), use(bytes(32), bytes(32)), use(TOKEN, NEXT, NOW_MS + 7), use(THIRD, other)]
    assert people.refresh_tokens.use(uses) == [NOW_MS, None, NOW_MS, NOW_MS]
    assert people.refresh_tokens.look(bytes(32)) is None
    assert people.refresh_tokens.look(other) is not None
    assert people.refresh_tokens.use([]) == []


def test_a_family_ends_with_all_its_tokens(people: Directory) -> None:
    """Used ones and the next one, and no use brings any back; another family lives on."""
    begin(people)
    begin(people, replace(FAMILY, id="fam_2"), THIRD)
    people.refresh_tokens.use([use(TOKEN, NEXT)])
    people.issued.end_family("fam_1", "replayed", NOW)
    assert people.refresh_tokens.look(TOKEN) is people.refresh_tokens.look(NEXT) is None
    assert people.refresh_tokens.use([use(NEXT, bytes(32))]) == [None]
    assert people.refresh_tokens.look(THIRD) is not None
    assert news(people) == [(NewsKind.ISSUED, "fam_1")]
    told = people.audit.newest()[0]
    assert (told.event, told.about) == ("refresh_ended", "user:alice")
    assert told.detail == {"family": "fam_1", "client": "shop", "reason": "replayed"}


def test_a_family_that_never_began_ends_too(people: Directory) -> None:
    """What was issued for an authorization code names a family that may have no refresh token: that is to go as well."""
    people.issued.end_family("fam_9", "replayed", NOW)
    assert news(people) == [(NewsKind.ISSUED, "fam_9")]
    assert people.audit.newest()[0].event != "refresh_ended"


def test_a_session_ends_its_families(people: Directory) -> None:
    """Also one that was begun between the end and its settling; those of other sessions, and of none, live on."""
    begin(people)
    begin(people, replace(FAMILY, id="fam_2", session_id=""), NEXT)
    people.issued.end_session("sid_1", NOW)
    assert people.refresh_tokens.look(TOKEN) is None
    begin(people, replace(FAMILY, id="fam_3"), THIRD)
    people.issued.settle("sid_1", [("jti_1", NOW_MS + 5000), ("jti_2", NOW_MS + 9000)], NOW)
    assert people.refresh_tokens.look(THIRD) is None
    assert people.refresh_tokens.look(NEXT) is not None
    denied = {denial.key: denial.expires_at_ms for denial in people.denials.alive(NOW_MS)}
    assert denied == {"jti_1": NOW_MS + 5000 + LEEWAY_MS, "jti_2": NOW_MS + 9000 + LEEWAY_MS}
    assert people.denials.of(DenialKind.TOKEN, "jti_1") is not None
    issued, token = NewsKind.ISSUED, NewsKind.TOKEN
    assert news(people) == [(issued, "sid_1"), (token, "jti_1"), (token, "jti_2")]


def test_a_grant_bounds_its_families(people: Directory) -> None:
    """Narrowed, they are narrower; withdrawn, they are gone; and none begins that has more than is allowed."""
    grant = people.grants.allow("alice", "shop", FAMILY.scopes, FAMILY.openid, NOW)
    family = replace(FAMILY, grant_id=grant.id)
    assert begin(people, family)
    orders = replace(family, id="fam_2", scopes=held("order:read").permissions, openid=frozenset())
    assert begin(people, orders, NEXT)
    assert not begin(people, replace(family, id="fam_3", scopes=held("user:*").permissions), THIRD)
    people.grants.narrow(grant.id, held("product:read").permissions, frozenset({"openid"}), at(1000))
    found = people.refresh_tokens.look(TOKEN)
    assert found is not None
    narrow = replace(family, scopes=held("product:read").permissions, openid=frozenset({"openid"}))
    assert found.family == narrow
    assert people.refresh_tokens.look(NEXT) is None
    assert not begin(people, family, THIRD)
    people.grants.withdraw(grant.id, at(2000))
    assert people.refresh_tokens.look(TOKEN) is None
    assert not begin(people, narrow, THIRD)


def test_many_begin_at_once(people: Directory) -> None:
    """In one transaction: each is answered in its place, and what was taken back begins nothing."""
    families = [replace(FAMILY, id=f"fam_{n}", grant_id="grt_gone" if n == 1 else "") for n in range(3)]
    several = [
        Beginning(family, sha256, NOW_MS + n, NOW_MS)
        for n, (family, sha256) in enumerate(zip(families, (TOKEN, NEXT, THIRD), strict=True))
    ]
    assert people.refresh_tokens.begin(several) == [True, False, True]
    assert people.refresh_tokens.look(TOKEN) == StoredRefreshToken(families[0], NOW_MS, None)
    assert people.refresh_tokens.look(NEXT) is None
    assert people.refresh_tokens.look(THIRD) == StoredRefreshToken(families[2], NOW_MS + 2, None)
    assert people.refresh_tokens.begin([several[1]]) == [False]


def test_old_families_go_a_day_after_their_end(people: Directory) -> None:
    """The tables do not grow for ever: the next family that begins sweeps them out."""
    begin(people, replace(FAMILY, expires_at_ms=NOW_MS))
    begin(people, replace(FAMILY, id="fam_2"), NEXT)
    assert people.refresh_tokens.look(TOKEN) is not None
    later = NOW_MS + DAY_MS + 1
    people.refresh_tokens.begin([Beginning(replace(FAMILY, id="fam_3"), THIRD, later, later)])
    assert people.refresh_tokens.look(TOKEN) is None
    assert people.refresh_tokens.look(NEXT) is not None
