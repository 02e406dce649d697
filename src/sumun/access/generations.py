"""Which policies are alive. Rollout writes it, answers reads it.

HAProxy asks with the number of the generation whose route it found, so a request that one generation routed is never
decided by another. Numbers are never used twice.
"""

from __future__ import annotations

from sumun.access.policy import Policy


class Generations:
    """The live policies by number. Not thread-safe: it lives on one event loop."""

    def __init__(self) -> None:
        """Start with none."""
        self._live: dict[int, Policy] = {}
        self._in_force: Policy | None = None

    def adopt(self, generation: int) -> None:
        """This one is in force. KeyError for a number that was not learned."""
        self._in_force = self._live[generation]

    def newer_than(self, generation: int) -> Policy | None:
        """The policy in force if it is newer than this one: what it refuses is refused under the old one too."""
        newest = self._in_force
        return newest if newest is not None and newest.generation > generation else None

    def learn(self, policy: Policy) -> None:
        """Add a generation before any worker asks under it. ValueError if the number is known already."""
        if policy.generation in self._live:
            raise ValueError(f"generation {policy.generation} is known already")
        self._live[policy.generation] = policy

    def retire(self, generation: int) -> None:
        """Forget a generation that nobody asks under any more."""
        self._live.pop(generation, None)

    def get(self, generation: int) -> Policy | None:
        """The policy, or None for a number that nobody taught us (the caller answers nothing: a refusal)."""
        return self._live.get(generation)
