"""Rows of HAProxy's maps: every value that may be kept comes out as it went in, every other one is not kept."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sumun.haproxy.kept import LONGEST_VALUE, Fact, Verdict

FACT = Fact("ab" * 32, 2_000_000_000, 7, "profile", "user:alice", "tid_1", "app", "alice", "Alice")
SEPARATORS = ("|", ";", " ", "\t", "\n", "\r", "\0", "\x7f")
TEXTS = ("profile", "subject", "token", "client", "user_id", "user_name")


@given(st.text(max_size=60), st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1))
def test_a_fact_comes_out_as_it_went_in(name: str, expires: int, as_of: int) -> None:
    """HAProxy's field(n,|) finds each field again, whatever a person's name is."""
    fact = structs.replace(FACT, expires=expires, as_of=as_of, user_name=quote(name, safe=""))
    value = fact.value()
    assert value is not None
    told = (expires, as_of, "profile", "user:alice", "tid_1", "app", "alice", quote(name, safe=""))
    assert value.split("|") == [str(one) for one in told]


@pytest.mark.parametrize("text", SEPARATORS)
@pytest.mark.parametrize("field", TEXTS)
def test_what_would_break_a_row_is_not_kept(field: str, text: str) -> None:
    """A separator in any field: such a caller is asked about every time."""
    assert structs.replace(FACT, **{field: f"a{text}b"}).value() is None  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [-1, 2**53, 2**63])
@pytest.mark.parametrize("field", ["expires", "as_of"])
def test_numbers_are_bounded(field: str, number: int) -> None:
    """HAProxy saturates silently; a number beyond the bound is not kept."""
    assert structs.replace(FACT, **{field: number}).value() is None  # type: ignore[arg-type]


def test_a_value_has_a_longest_length() -> None:
    """To the byte."""
    value = FACT.value()
    assert value is not None
    room = LONGEST_VALUE - len(value) + len("Alice")
    assert structs.replace(FACT, user_name="x" * room).value() is not None
    assert structs.replace(FACT, user_name="x" * (room + 1)).value() is None


def test_a_verdict_names_profile_generation_and_rule() -> None:
    """Its key; and its value begins with the backend that nobody is asked behind."""
    verdict = Verdict("p", 7, "r3", "shop", "reader", "item:read")
    assert (verdict.key, verdict.value()) == ("p@7.r3", "known.shop|reader|item:read")
