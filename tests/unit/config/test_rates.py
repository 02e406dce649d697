"""A rate has a unit, and says exactly how many calls it lets through in which time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config.plan import Rate
from sumun.config.rates import LONGEST_MS, MOST_CALLS, SHORTEST_MS, parse_rate
from sumun.config.refused import RefusedError


@pytest.mark.parametrize(
    ("text", "burst", "window_ms"),
    [
        ("100/s", 100, 1000),
        ("100/s burst 200", 200, 2000),
        ("100/s burst 10", 10, 100),
        ("6000/min", 6000, 60_000),
        ("6000/min burst 100", 100, 1000),
        ("1000/hour", 1000, 3_600_000),
        ("7/s burst 10", 10, 1429),
        ("1/s", 1, 1000),
    ],
)
def test_what_a_rate_means(text: str, burst: int, window_ms: int) -> None:
    """At most `burst` calls in the time that so many take at the rate, rounded up; without a burst, in one unit."""
    rate = parse_rate(text)
    assert (rate.burst, rate.window_ms) == (burst, window_ms)


rates = st.builds(
    Rate, st.integers(1, MOST_CALLS), st.sampled_from([1000, 60_000, 3_600_000]), st.integers(1, MOST_CALLS)
).filter(lambda rate: SHORTEST_MS <= rate.window_ms <= LONGEST_MS)


@given(rates)
def test_what_is_shown_is_read_back(rate: Rate) -> None:
    """Every rate is shown as words that mean the same."""
    assert parse_rate(str(rate)) == rate


@given(rates)
def test_no_more_than_the_rate(rate: Rate) -> None:
    """The window is never so short that more than the rate would pass in the long run."""
    assert rate.burst * rate.per_ms <= rate.calls * rate.window_ms


@given(
    st.text(max_size=30) | st.from_regex(r"[0-9]{1,8} ?/? ?[a-z]{1,6}( burst [0-9]{1,8})?", fullmatch=True)
)
def test_anything_else_is_refused_in_words(text: str) -> None:
    """A text is a rate, or is refused with words that say what is."""
    refused = _refusal(text)
    assert refused is None or refused.allowed


@given(st.integers(1, 10_000), st.sampled_from(["sec", "second", "m", "minutes", "Min", "h", "hours", "hr"]))
def test_what_to_write_is_a_rate(calls: int, unit: str) -> None:
    """Where the refusal tells what to write, that is a rate."""
    for text in (f"{calls}/{unit}", f"{calls} per {unit}", f"{calls} / {unit} burst={calls}"):
        refused = _refusal(text)
        assert refused is not None
        assert parse_rate(refused.mend.removeprefix("write ")).calls == calls


def _refusal(text: str) -> RefusedError | None:
    try:
        parse_rate(text)
    except RefusedError as error:
        return error
    return None
