"""Passwords: spelling, hashing, checking."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.directory.errors import InvalidPasswordError
from sumun.directory.passwords import OWASP, PasswordHasher, Profile, prepare

QUICK = Profile(
    memory_kib=8, passes=1, lanes=1
)  # the least that Argon2 allows: tests of everything but the cost


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    """One that is quick."""
    return PasswordHasher(QUICK)


def test_the_right_password_and_no_other(hasher: PasswordHasher) -> None:
    """Two hashes of one password differ (salt), both are right for it and for nothing else."""
    one, two = hasher.hash("alice-demo-pass"), hasher.hash("alice-demo-pass")
    assert one != two
    assert hasher.verify(one, "alice-demo-pass")
    assert hasher.verify(two, "alice-demo-pass")
    for wrong in ("alice-demo-pas", "Alice-demo-pass", "alice-demo-pass ", "", "\x00", "x" * 5000, "\udcff"):
        assert not hasher.verify(one, wrong)


def test_the_shipped_profile() -> None:
    """OWASP's: 19 MiB, 2 passes, 1 lane, written into every hash (RFC 9106 PHC string)."""
    hasher = PasswordHasher()
    assert hasher.profile == OWASP
    made = hasher.hash("alice-demo-pass")
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not hasher.needs_rehash(made)
    assert hasher.verify(made, "alice-demo-pass")


def test_a_known_hash() -> None:
    """Hashes of other Argon2 programs are understood: phc-winner-argon2's test vector (t=2, m=64 MiB, p=1)."""
    made_elsewhere = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    hasher = PasswordHasher(QUICK)
    assert hasher.verify(made_elsewhere, "password")
    assert not hasher.verify(made_elsewhere, "passwore")
    assert hasher.needs_rehash(made_elsewhere)


def test_the_profile_moves(hasher: PasswordHasher) -> None:
    """A hash of an older profile is still right, and says that it wants to be made anew."""
    old = hasher.hash("secret")
    newer = PasswordHasher(Profile(16, 2, 1))
    assert newer.verify(old, "secret")
    assert newer.needs_rehash(old)
    assert not newer.needs_rehash(newer.hash("secret"))


@pytest.mark.parametrize(
    "broken", [None, "", "x", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA"]
)
def test_no_hash_is_never_right(hasher: PasswordHasher, broken: str | None) -> None:
    """Nobody's account, and a hash that cannot be read, are wrong for every password, and never an error."""
    assert not hasher.verify(broken, "")
    assert not hasher.verify(broken, "secret")
    assert hasher.needs_rehash(broken or "")


def test_an_unknown_account_takes_as_long() -> None:
    """Nobody's account, and a text that cannot be a password, cost the work of a wrong password."""
    hasher = PasswordHasher(Profile(memory_kib=4096, passes=2, lanes=1))
    made = hasher.hash("secret")

    def costs(password_hash: str | None, typed: str) -> float:
        best = []
        for _ in range(5):
            begun = time.thread_time()
            hasher.verify(password_hash, typed)
            best.append(time.thread_time() - begun)
        return min(best)

    wrong = costs(made, "wrong")
    for other in (
        costs(None, "wrong"),
        costs("unreadable", "wrong"),
        costs(made, "\x00"),
        costs(made, "x" * 9999),
    ):
        assert 0.5 * wrong < other < 2 * wrong


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("비밀번호", unicodedata.normalize("NFD", "비밀번호")),
        ("café", "cafe\u0301"),
        ("a b", "a\u3000b"),
        ("a b", "a\u00a0b"),
    ],
)
def test_the_same_password_typed_differently(one: str, two: str) -> None:
    """RFC 8265 4.2: composed and decomposed letters, and every kind of space, are the same password."""
    assert prepare(one) == prepare(two)


@pytest.mark.parametrize(("one", "two"), [("Pass", "pass"), ("ｐａｓｓ", "pass"), ("ﬁ", "fi"), (" a", "a")])
def test_what_stays_different(one: str, two: str) -> None:
    """RFC 8265 4.2: no case mapping, no width mapping, no compatibility mapping, no trimming."""
    assert prepare(one) != prepare(two)


@pytest.mark.parametrize(
    "typed", ["", "a\nb", "a\x7f", "\ud800", "\ue000", "\u0378", "x" * 1025, "가" * 342, "x" * 10**6]
)
def test_texts_that_cannot_be_passwords(typed: str) -> None:
    """Refused, with a sentence that quotes nothing of it."""
    with pytest.raises(InvalidPasswordError) as caught:
        prepare(typed)
    assert typed == "" or typed not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("typed", ["x", "x" * 1024, "가" * 341, "👩‍🚀 ok", "\u1100\u1161"])
def test_texts_that_can(typed: str) -> None:
    """One to 1024 bytes of anything that people type, emoji and conjoining jamo too."""
    assert 1 <= len(prepare(typed)) <= 1024


@given(st.text(max_size=200))
def test_preparing_again_changes_nothing(typed: str) -> None:
    """A prepared password is prepared."""
    try:
        once = prepare(typed)
    except InvalidPasswordError:
        return
    assert prepare(once.decode()) == once
