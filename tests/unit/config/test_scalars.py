"""What a bare word means, and which ones have two meanings."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sumun.config.scalars import Ambiguous, Empty, bare


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-7", -7),
        ("8080", 8080),
        ("1.5", 1.5),
        ("listen", "listen"),
    ]
    + [
        (text, text)
        for text in ("127.0.0.1:8080", "15m", "64KiB", "product:read", "/a", "1.2.3", "08x", "GET", "e1")
    ],
)
def test_plain_words(text: str, value: object) -> None:
    """Small true and false, decimal numbers, and text."""
    assert bare(text) == value
    assert type(bare(text)) is type(value)


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text: str) -> None:
    """Nothing is nothing, in every spelling."""
    assert bare(text) == Empty()


@pytest.mark.parametrize(
    ("text", "truth"),
    [(t, "true") for t in ("yes", "Yes", "YES", "on", "On", "y", "Y", "True", "TRUE")]
    + [(t, "false") for t in ("no", "No", "NO", "off", "Off", "n", "N", "False", "FALSE")],
)
def test_truth_values_of_yaml_1_1(text: str, truth: str) -> None:
    """They are neither text nor a truth value here."""
    found = bare(text)
    assert isinstance(found, Ambiguous)
    assert found.truth == truth
    assert not found.is_number


@pytest.mark.parametrize(
    "text",
    [
        "0755",
        "010",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "+5",
        "12:30",
        "12:30:45",
        "1e3",
        "1.",
        ".5",
        ".inf",
        "-.INF",
        ".nan",
        "9" * 19,
        "9" * 70,
        "1:59.9",
        "00",
    ],
)
def test_numbers_of_yaml_1_1(text: str) -> None:
    """They are neither text nor a number here."""
    found = bare(text)
    assert isinstance(found, Ambiguous)
    assert found.is_number
    assert found.truth is None


@pytest.mark.parametrize(
    "text", ["2026-11-23", "2026-1-2", "2026-11-23T12:30:00Z", "2026-11-23 12:30:00", "=", "<<"]
)
def test_dates_and_signs_of_yaml_1_1(text: str) -> None:
    """They are not text here."""
    assert isinstance(bare(text), Ambiguous)


@given(st.text("0123456789:_-+.eExXobBtTzZ yYnNofsulTRUEFLSN~=<", max_size=12))
@example("190:20:30.15")
@example("0b_")
@example("2001-12-14t21:59:43.10-05:00")
def test_whatever_a_yaml_1_1_reader_does_not_read_as_text_is_no_text(text: str) -> None:
    """PyYAML's own resolver is the witness: what it would turn into something else never becomes text here."""
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))
    if tag != "tag:yaml.org,2002:str":
        assert not isinstance(bare(text), str)


@given(st.integers(-(10**17), 10**17))
def test_decimal_numbers(number: int) -> None:
    """A whole number is read as itself."""
    assert bare(str(number)) == number
