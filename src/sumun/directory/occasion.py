"""Occasion: who makes a change, and when."""

from __future__ import annotations

from dataclasses import dataclass

# Another machine's clock may be behind ours, so denials live a little longer than the tokens that they stop.
CLOCK_LEEWAY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Occasion:
    """Goes into every change.

    actor                `cli:root`, `user:alice`, `authenticator:staff`: for the audit record, never a secret
    at_ms                now, unix milliseconds
    claims_live_seconds  the longest life of a claims token that may be out there now: what is taken away is denied for
                         so long, because such tokens are believed without asking anybody
    """

    actor: str
    at_ms: int
    claims_live_seconds: int

    @property
    def denied_until_ms(self) -> int:
        """When the last claims token made before this change is surely dead, unix milliseconds."""
        return self.at_ms + self.claims_live_seconds * 1000 + CLOCK_LEEWAY_MS
