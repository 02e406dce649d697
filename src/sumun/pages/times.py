"""Times as people say them. A page does not know its reader's time zone; how long ago something was is true in all."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = (
    (86_400 * 365, "years"),
    (86_400 * 30, "months"),
    (86_400, "days"),
    (3_600, "hours"),
    (60, "minutes"),
)


def ago(then: float, now: float) -> tuple[str, int]:
    """(unit, how many of it) since `then`, both in unix seconds: ("minutes", 3). Under a minute: ("now", 0)."""
    passed = now - then
    for seconds, unit in _STEPS:
        if passed >= seconds:
            return unit, int(passed // seconds)
    return "now", 0


def iso(then: float) -> str:
    """RFC 3339, in UTC, for the attribute `datetime`."""
    return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
