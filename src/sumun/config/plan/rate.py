"""How often somebody may call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`calls` in `per_ms` milliseconds on average, and never more than `burst` in the time that so many take."""

    calls: int
    per_ms: int
    burst: int

    @property
    def window_ms(self) -> int:
        """The time in which at most `burst` calls pass, rounded up."""
        return -(-self.burst * self.per_ms // self.calls)
