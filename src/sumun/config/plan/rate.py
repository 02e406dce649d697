"""How often somebody may call."""

from __future__ import annotations

from dataclasses import dataclass

UNITS = {"s": 1000, "min": 60_000, "hour": 3_600_000}
"""How a time is written -> milliseconds."""


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

    def __str__(self) -> str:
        """The shortest text that is read back as this rate: `10/hour`, `100/s burst 200`."""
        unit = next(unit for unit, length in UNITS.items() if length == self.per_ms)
        return f"{self.calls}/{unit}" + ("" if self.burst == self.calls else f" burst {self.burst}")
