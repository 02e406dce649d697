"""Which plan is in force: as it stands in a generation's folder, and as a process has it."""

from __future__ import annotations

from collections.abc import Collection

from sumun.config import wire
from sumun.config.plan import Plan, TokenSettings
from sumun.haproxy.install import folder_of
from sumun.node.machine.folders import DataFolder
from sumun.rollout.generation import PLAN_FILE


def load_plan(folder: DataFolder, generation: int) -> Plan:
    """The plan of an installed generation. Raises PlanFormatError, OSError."""
    return wire.load((folder_of(folder.generations, generation) / PLAN_FILE).read_bytes())


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
