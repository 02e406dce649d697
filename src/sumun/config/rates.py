"""Rates as people write them: `100/s`, `6000/min`, `100/s burst 200`.

`N/UNIT` is at most N calls in one UNIT. `N/UNIT burst B` is the same N on average, counted in another window: at most B
calls in the time that B calls take at this rate. So `100/s burst 200` is at most 200 in two seconds. A quota is
`10000/day`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sumun.config.plan import Rate
from sumun.config.plan.rate import UNITS
from sumun.config.refused import RefusedError
from sumun.config.scalars import Ambiguous
from sumun.config.units import format_duration
from sumun.config.values import Marker, Reading, text_of

RATES = "a rate such as 100/s, 6000/min or 100/s burst 200 (units: s min hour)"
QUOTAS = "a quota such as 10000/day"
MOST_CALLS = 1_000_000
MOST_CALLS_A_DAY = 1_000_000_000
SHORTEST_MS = 100
LONGEST_MS = 86_400_000

_RATE = re.compile(r"([0-9]{1,12})/(s|min|hour)(?: burst ([0-9]{1,12}))?")
_BURST = r"(?:[ ,]*burst[ =:]*([0-9]{1,12}))?"
_LOOSE = re.compile(
    rf"([0-9]{{1,12}})\s*(?:/|per)\s*(s|m|h|secs?|seconds?|mins?|minutes?|hrs?|hours?)\s*{_BURST}",
    re.IGNORECASE,
)
_MEANT = {"s": "s", "m": "min", "h": "hour"}


def parse_rate(text: str) -> Rate:
    """The rate that a text means. Raises RefusedError."""
    if re.fullmatch(r"[0-9]+", text):
        raise RefusedError("has no unit", RATES, f"write {text}/s or {text}/min")
    match = _RATE.fullmatch(text)
    if match is None:
        loose = _LOOSE.fullmatch(text)
        mend = ""
        if loose is not None:
            mend = f"write {loose[1]}/{_MEANT[loose[2][0].lower()]}" + (
                f" burst {loose[3]}" if loose[3] else ""
            )
        raise RefusedError("is not a rate", RATES, mend)
    calls = int(match[1])
    burst = int(match[3] or calls)
    for number in (calls, burst):
        if not 1 <= number <= MOST_CALLS:
            raise RefusedError(f"has {number} calls in it", f"1 to {MOST_CALLS} calls")
    rate = Rate(calls, UNITS[match[2]], burst)
    if not SHORTEST_MS <= rate.window_ms <= LONGEST_MS:
        window = format_duration(rate.window_ms)
        bounds = f"{format_duration(SHORTEST_MS)} to {format_duration(LONGEST_MS)}"
        mend = "give it a larger burst" if rate.window_ms < SHORTEST_MS else "give it a smaller burst"
        raise RefusedError(f"counts {burst} calls in {window}", f"windows of {bounds}", mend)
    return rate


@dataclass(frozen=True, eq=False)
class RateOf(Marker[Rate]):
    """So many calls in such a time."""

    word: str = "rate"

    def read(self, raw: object, reading: Reading) -> Rate:
        """The rate; a bare number is handed on, for its own problem is the missing unit."""
        if isinstance(raw, int) and not isinstance(raw, bool):
            return parse_rate(str(raw))
        if isinstance(raw, Ambiguous) and raw.is_number:
            raise RefusedError("has no unit", RATES, "write a plain number with its unit")
        return parse_rate(text_of(raw, RATES))

    def show(self, value: Rate) -> str:
        """As it is written."""
        return str(value)


def parse_quota(text: str) -> int:
    """Calls a day. Raises RefusedError."""
    if re.fullmatch(r"[0-9]+", text):
        raise RefusedError("has no unit", QUOTAS, f"write {text}/day")
    match = re.fullmatch(r"([0-9]{1,12})/day", text)
    if match is None:
        loose = re.fullmatch(r"([0-9]{1,12})\s*(?:/|per)\s*(?:d|days?|24h)", text, re.IGNORECASE)
        raise RefusedError("is not a quota", QUOTAS, "" if loose is None else f"write {loose[1]}/day")
    calls = int(match[1])
    if not 1 <= calls <= MOST_CALLS_A_DAY:
        raise RefusedError(f"has {calls} calls in it", f"1 to {MOST_CALLS_A_DAY} calls")
    return calls


@dataclass(frozen=True, eq=False)
class QuotaOf(Marker[int]):
    """So many calls a day."""

    word: str = "quota"

    def read(self, raw: object, reading: Reading) -> int:
        """The number of calls; a bare number is handed on, for its own problem is the missing unit."""
        if isinstance(raw, int) and not isinstance(raw, bool):
            return parse_quota(str(raw))
        return parse_quota(text_of(raw, QUOTAS))

    def show(self, value: int) -> str:
        """As it is written."""
        return f"{value}/day"
