"""Durations and sizes as people write them. A number without a unit is an error: nobody knows what it counts.

A duration is a row of whole numbers with units, from large to small: `15m`, `500ms`, `1h30m`. A size is one whole
number with a unit: `512B`, `64KiB`. The functions that format give the shortest form; reading it gives the number back.
"""

from __future__ import annotations

import re

from sumun.config.refused import RefusedError

_DURATION_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_SIZE_UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1}

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DURATION = re.compile(
    r"(?:[0-9]{1,12}d)?(?:[0-9]{1,12}h)?(?:[0-9]{1,12}m)?(?:[0-9]{1,12}s)?(?:[0-9]{1,12}ms)?"
)
_PART = re.compile(r"([0-9]+)(ms|[dhms])")
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)")
_LOOSE_SIZE = re.compile(r"([0-9]{1,12}) ?([kmg])(?:i?b?)", re.IGNORECASE)

DURATIONS = "a duration such as 500ms, 15m or 1h30m (units: d h m s ms)"
SIZES = "a size such as 512B, 64KiB or 4MiB (units: B KiB MiB GiB)"


def parse_duration(text: str) -> int:
    """Milliseconds. Raises RefusedError."""
    if _NUMBER.fullmatch(text):
        raise RefusedError(
            "has no unit", DURATIONS, f"write {text}s for seconds or {text}ms for milliseconds"
        )
    if not text or _DURATION.fullmatch(text) is None:
        raise RefusedError("is not a duration", DURATIONS)
    return sum(int(number) * _DURATION_UNITS[unit] for number, unit in _PART.findall(text))


def format_duration(milliseconds: int) -> str:
    """The shortest text that parse_duration reads back as this number."""
    parts = []
    for unit, length in _DURATION_UNITS.items():
        count, milliseconds = divmod(milliseconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Bytes. Raises RefusedError."""
    if _NUMBER.fullmatch(text):
        raise RefusedError(
            "has no unit", SIZES, f"write {text}B for bytes or {text}KiB for 1024 times as many"
        )
    match = _SIZE.fullmatch(text)
    if match is not None:
        return int(match[1]) * _SIZE_UNITS[match[2]]
    loose = _LOOSE_SIZE.fullmatch(text)
    mend = "" if loose is None else f"write {loose[1]}{loose[2].upper()}iB"
    raise RefusedError("is not a size", SIZES, mend)


def format_size(size: int) -> str:
    """The shortest text that parse_size reads back as this number."""
    for unit, length in _SIZE_UNITS.items():
        if size and size % length == 0:
            return f"{size // length}{unit}"
    return "0B"
