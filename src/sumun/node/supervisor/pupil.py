"""A part of ours as the one that learns generations, reached through its control socket."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from sumun.node.errors import NodeError
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets
from sumun.node.processes.control import ask

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pupil:
    """Keeps the contract of `rollout.Learns`."""

    name: str
    folder: DataFolder
    secrets: Secrets

    async def learn(self, generation: int) -> None:
        texts = json.dumps(self.secrets.texts(), ensure_ascii=False)
        await ask(self.folder.control_socket(self.name), f"learn {generation} {texts}")

    async def adopt(self, generation: int) -> None:
        await ask(self.folder.control_socket(self.name), f"adopt {generation}")

    async def retire(self, generation: int) -> None:
        try:
            await ask(self.folder.control_socket(self.name), f"retire {generation}")
        except NodeError as error:
            log.warning("part %s was not told that generation %d is over: %s", self.name, generation, error)
