"""Durations and sizes have units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config.refused import RefusedError
from sumun.config.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0s", 0),
        ("500ms", 500),
        ("15m", 900_000),
        ("1h30m", 5_400_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("90s", 90_000),
    ],
)
def test_durations(text: str, milliseconds: int) -> None:
    """A duration is the sum of its parts."""
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "15",
        "1.5h",
        "-5s",
        "5 m",
        "1m1h",
        "1s1s",
        "15min",
        "1M",
        "15m ",
        "1e3s",
        "٣s",
        "9" * 13 + "s",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    """A number alone, another unit, another order or a fraction is no duration."""
    with pytest.raises(RefusedError):
        parse_duration(text)


def test_a_bare_number_is_told_its_missing_unit() -> None:
    """The problem of a bare number says what to write."""
    with pytest.raises(RefusedError) as caught:
        parse_duration("30")
    assert (caught.value.what, caught.value.mend) == (
        "has no unit",
        "write 30s for seconds or 30ms for milliseconds",
    )


@pytest.mark.parametrize(
    ("text", "size"), [("0B", 0), ("512B", 512), ("64KiB", 65536), ("4MiB", 4 << 20), ("1GiB", 1 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    """A size counts in powers of 1024."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KiB", "64", "64KB", "64k", "64kib", "1.5MiB", "-1B", "1TiB", "64 KiB"])
def test_what_is_no_size(text: str) -> None:
    """KB and KiB are not the same, so only one of them is a unit."""
    with pytest.raises(RefusedError):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "mend"), [("64kb", "write 64KiB"), ("8 M", "write 8MiB"), ("1g", "write 1GiB"), ("x", "")]
)
def test_a_loose_size_is_told_how_to_write_it(text: str, mend: str) -> None:
    """What was probably meant is said."""
    with pytest.raises(RefusedError) as caught:
        parse_size(text)
    assert caught.value.mend == mend


@given(st.integers(0, 10**12))
def test_formats_read_back(number: int) -> None:
    """What is shown reads back as the same number."""
    assert parse_duration(format_duration(number)) == number
    assert parse_size(format_size(number)) == number
