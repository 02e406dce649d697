"""A reload, as the supervisor does it: the steps of `rollout`, with the parts of this node."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, fields

from sumun.config import Plan
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.master import MasterSocket
from sumun.node.control import ask
from sumun.node.errors import NodeError
from sumun.node.folders import DataFolder
from sumun.node.secret_refs import Secrets

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_RESTART_SETTINGS = ("issuer", "audience", "jwt_algorithm")


class RestartNeededError(NodeError):
    """The new configuration changes something that only a restart can change. Nothing was changed."""

    code = "restart_needed"
    exit_code = 2


def refuse_what_needs_a_restart(before: Plan, after: Plan) -> None:
    """Raises RestartNeededError, naming the settings."""
    names = [
        f"node/{one.name}"
        for one in fields(before.node)
        if getattr(before.node, one.name) != getattr(after.node, one.name)
    ]
    names += [
        f"tokens/{name}"
        for name in _RESTART_SETTINGS
        if getattr(before.tokens, name) != getattr(after.tokens, name)
    ]
    if names:
        raise RestartNeededError(
            f"these settings change with a restart only: {', '.join(names)}; nothing was changed. "
            "Put them back to reload, or restart the gateway"
        )


@dataclass(frozen=True, slots=True)
class Pupil:
    """A part of this node, reached through its control socket. Keeps the contract of `rollout.Learns`."""

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


async def wait_until_gone(sockets: MasterSocket, workers: frozenset[int]) -> None:
    """Return when none of these HAProxy workers is alive any more."""
    while workers:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            processes = await sockets.processes()
        except RuntimeSocketError:
            continue  # it is being started again; its old workers end with it
        workers &= frozenset((*processes.workers, *processes.old_workers))
