"""A clock that never jumps and does not stand still while the machine sleeps."""

from __future__ import annotations

import time

# CLOCK_MONOTONIC stops during a suspend, but the time others wait for us does not (clock_gettime(2)).
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_seconds() -> float:
    """Seconds since some moment in the past."""
    return time.clock_gettime(_CLOCK)
