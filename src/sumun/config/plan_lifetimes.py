"""How long a login lasts: a browser's, and one through a client that refreshes. Parts of the plan."""

from __future__ import annotations

from dataclasses import dataclass

KEPT_OF_IDLE = 4
"""What is kept of a session lives for this part of its idle limit."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How long a browser's login lasts: `idle` without any use, `absolute` in any case."""

    idle_seconds: int = 1800
    absolute_seconds: int = 43_200

    @property
    def kept_seconds(self) -> int:
        """What is kept of it without asking lives for so long at most: asking is what shows that it is in use."""
        return max(1, self.idle_seconds // KEPT_OF_IDLE)


@dataclass(frozen=True, slots=True)
class RefreshSettings:
    """How long one login may be gone on with: in all, without any use, and how long a used token may come again."""

    lifetime_seconds: int = 30 * 24 * 3600
    idle_seconds: int = 14 * 24 * 3600
    overlap_seconds: int = 10
