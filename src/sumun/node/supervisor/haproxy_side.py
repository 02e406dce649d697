"""What a reload does to HAProxy, and when nobody asks under the generation before any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from sumun.config.plan import Limits
from sumun.haproxy.errors import HalfSwitchedError, HAProxyError, RuntimeSocketError
from sumun.haproxy.install import installed_files
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.program import Program
from sumun.haproxy.route_switch import Switch, switches
from sumun.haproxy.runtime_commands import Processes
from sumun.rollout.generation import PLAN_FILE, Generation
from sumun.rollout.rollout import UncertainError

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_LATE_SECONDS = 2.0


class HAProxySide:
    """Routes are switched in the worker that serves, where that is enough; else a new worker takes over."""

    def __init__(self, sockets: MasterSocket, program: Program) -> None:
        self._sockets = sockets
        self._can_switch = program.can_switch_maps
        self._is_unclear = False
        """Which rows the worker has is not known: only a new one can be trusted to have the right ones."""

    async def processes(self) -> Processes:
        """The master, its worker and the old ones. Raises RuntimeSocketError."""
        return await self._sockets.processes()

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

    async def wait_until_gone(self, workers: Iterable[int]) -> None:
        """Return when none of these workers is alive any more."""
        waited_for = frozenset(workers)
        while waited_for:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            try:
                processes = await self._sockets.processes()
            except RuntimeSocketError:
                continue  # it is being started again; its old workers end with it
            waited_for &= frozenset((*processes.workers, *processes.old_workers))


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
