"""The generations of a data folder, as parts read them."""

from __future__ import annotations

from sumun.config import Plan, wire
from sumun.haproxy.install import folder_of
from sumun.node.machine.folders import DataFolder
from sumun.rollout.generation import PLAN_FILE


def load_plan(folder: DataFolder, generation: int) -> Plan:
    """The plan of an installed generation. Raises PlanFormatError, OSError."""
    return wire.load((folder_of(folder.generations, generation) / PLAN_FILE).read_bytes())
