"""Did you mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config.closest import closest, distance

KEYS = ["listen", "routes", "services", "roles", "connect_timeout", "url", "urls"]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("lisen", "listen"),
        ("LISTEN", "listen"),
        ("route", "routes"),
        ("urll", "url"),
        ("role", "roles"),
        ("conect_timout", "connect_timeout"),
    ],
)
def test_a_slip_is_found(word: str, near: str) -> None:
    """A letter left out, added, wrong or swapped, or another case, leads to the known word."""
    assert closest(word, KEYS) == near


@pytest.mark.parametrize("word", ["", "x", "colour", "zz", "y" * 65])
def test_another_word_is_not_guessed(word: str) -> None:
    """A word that is not near any known one gets no suggestion."""
    assert closest(word, KEYS) is None


def test_the_limit_can_be_set() -> None:
    """The caller says how many slips are still a slip."""
    assert closest("product:raed", ["product:read"], at_most=1) == "product:read"
    assert closest("product:rd", ["product:read"], at_most=1) is None


def test_a_long_list_is_not_searched() -> None:
    """Thousands of known words cost nothing: there is no suggestion then."""
    assert closest("name5", (f"name{i}" for i in range(3000))) is None


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_distance_is_a_distance(one: str, two: str) -> None:
    """It is zero for the same word only, the same both ways, and at most the longer word."""
    slips = distance(one, two)
    assert (slips == 0) == (one == two)
    assert slips == distance(two, one)
    assert abs(len(one) - len(two)) <= slips <= max(len(one), len(two))


@given(st.text("abcd", min_size=2, max_size=8), st.integers(0, 6))
def test_swapped_neighbours_are_one_slip(word: str, at: int) -> None:
    """Two letters in the wrong order count once."""
    at %= len(word) - 1
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert distance(word, swapped) == (word != swapped)
