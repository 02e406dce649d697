"""Which plan is in force in a process."""

from __future__ import annotations

from collections.abc import Collection

from sumun.config.plan import Plan, TokenSettings


class InForce:
    """The plan in force in this process. A reload adopts another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def adopt(self, plan: Plan) -> None:
        """From now on this one counts."""
        self.plan = plan

    def tokens(self) -> TokenSettings:
        """How tokens are made and judged."""
        return self.plan.tokens

    def store_deadline_seconds(self) -> float:
        """For one command to the store."""
        return self.plan.limits.store_deadline_seconds

    def configured_clients(self) -> Collection[str]:
        """The client ids of the configuration."""
        return self.plan.clients.keys()
