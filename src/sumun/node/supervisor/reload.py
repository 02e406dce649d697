"""A reload, as the supervisor does it: the steps of `rollout`, with the parts of this node."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, fields

from sumun.config import Plan
from sumun.config.plan import Limits
from sumun.haproxy.errors import HalfSwitchedError, HAProxyError, RuntimeSocketError
from sumun.haproxy.install import installed_files
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.program import Program
from sumun.haproxy.route_switch import Switch, switches
from sumun.node.errors import NodeError
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets
from sumun.node.processes.control import ask
from sumun.rollout.generation import PLAN_FILE, Generation
from sumun.rollout.rollout import UncertainError

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_LATE_SECONDS = 2.0
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


class HAProxySide:
    """What a reload does to HAProxy: it switches routes in the worker that serves, where that is enough; else it has a
    new worker take over.
    """

    def __init__(self, sockets: MasterSocket, program: Program) -> None:
        self._sockets = sockets
        self._can_switch = program.can_switch_maps
        self._is_unclear = False
        """Which rows the worker has is not known: only a new one can be trusted to have the right ones."""

    async def serve(self, old: Generation, new: Generation) -> bool:
        """Let HAProxy serve the new generation; True when a new worker does. Raises UncertainError, HAProxyError."""
        maps = _switches(old, new) if self._can_switch and not self._is_unclear else None
        half_switched: HAProxyError | None = None
        if maps is not None:
            try:
                await self._sockets.switch(maps)
                return False
            except RuntimeSocketError as trouble:
                log.warning("routes could not be switched, a new worker takes over: %s", trouble)
            except HalfSwitchedError as trouble:
                log.error("%s; a new worker takes over", trouble)
                half_switched = trouble
        try:
            await self._sockets.reload()
        except HAProxyError as trouble:
            if half_switched is None:
                raise
            self._is_unclear = True
            raise UncertainError(f"{half_switched}; and no new worker took over: {trouble}") from trouble
        self._is_unclear = False
        return True


def _switches(old: Generation, new: Generation) -> tuple[Switch, ...] | None:
    """None when only a new worker can serve the new one."""
    try:
        before, after = installed_files(old.folder), installed_files(new.folder)
    except OSError as error:
        log.warning(
            "the files of a generation cannot be read, so routes are not switched: %s", error.strerror
        )
        return None
    return switches(before, after, frozenset({PLAN_FILE}))


async def wait_until_answered(limits: Limits) -> None:
    """Return when every question that was asked before has its answer, or is given up."""
    await asyncio.sleep(limits.decision_timeout_ms / 1000 + _LATE_SECONDS)


async def wait_until_gone(sockets: MasterSocket, workers: frozenset[int]) -> None:
    """Return when none of these HAProxy workers is alive any more."""
    while workers:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        try:
            processes = await sockets.processes()
        except RuntimeSocketError:
            continue  # it is being started again; its old workers end with it
        workers &= frozenset((*processes.workers, *processes.old_workers))
