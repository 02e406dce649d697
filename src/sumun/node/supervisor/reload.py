"""A reload, as the supervisor does it: the steps of `rollout`, with the parts of this node."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import fields, replace

from sumun.config import Plan
from sumun.haproxy.install import make_current
from sumun.node.errors import NodeError
from sumun.node.machine.folders import unusable
from sumun.node.machine.secret_refs import Secrets
from sumun.node.supervisor.crew import Crew
from sumun.node.supervisor.generation_folders import GenerationFolders
from sumun.node.supervisor.haproxy_side import HAProxySide, wait_until_answered
from sumun.node.supervisor.pupil import Pupil
from sumun.rollout.generation import Generation
from sumun.rollout.rollout import Report, Rollout, UncertainError

log = logging.getLogger(__name__)

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


class Reloads:
    """Which generation of a running node is in force, which are still asked under, and how the next takes over."""

    def __init__(
        self,
        read: Callable[[], Plan],
        folders: GenerationFolders,
        crew: Crew,
        haproxy: HAProxySide,
        begun: tuple[Plan, Generation],
    ) -> None:
        """`read` reads the configuration and raises SumunError; `begun` is what the node was started with."""
        self._read = read
        self._folders = folders
        self._crew = crew
        self._haproxy = haproxy
        self._plan, self.generation = begun
        self._older: dict[int, Generation] = {}
        self._reloading = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def reload(self) -> Report:
        """Read the configuration again and bring it to life. Raises SumunError; then nothing has changed."""
        try:
            async with self._reloading:
                return await self._reload()
        except OSError as error:
            raise unusable(self._crew.folder.root, error) from error

    def close(self) -> None:
        """Retire nothing any more."""
        for task in self._retiring:
            task.cancel()

    async def _reload(self) -> Report:
        plan, folder = self._read(), self._crew.folder
        refuse_what_needs_a_restart(self._plan, plan)
        secrets = Secrets.of(plan)
        old = self.generation
        new = self._folders.install(plan, {old.number, *self._older})
        before = await self._haproxy.processes()
        rollout = Rollout(
            lambda: [Pupil(part.spec.name, folder, secrets) for part in self._crew.ours()],
            lambda generation: make_current(generation.folder, folder.current),
            self._haproxy.serve,
        )
        try:
            report = await rollout.bring_up(replace(plan, notes=(*plan.notes, *new.notes)), new, old)
        except UncertainError:
            self._older[new.number] = new
            self._restart_under()
            self._retire_later(new, self._haproxy.wait_until_gone(before.workers))
            raise
        self._plan, self.generation = plan, new
        self._older[old.number] = old
        self._restart_under()
        for part in self._crew.ours():
            if part.spec.name in report.behind:
                part.end()
        if report.new_worker:
            workers = (*before.workers, *before.old_workers)
            self._retire_later(old, self._haproxy.wait_until_gone(workers))
        else:
            self._retire_later(old, wait_until_answered(plan.limits))
        log.info("reloaded: %s", report.sentence())
        return report

    def _restart_under(self) -> None:
        """A part that is started again from now on begins with what is in force now."""
        self._crew.begin_with(self.generation.number, self._older)

    def _retire_later(self, old: Generation, nobody_asks: Coroutine[None, None, None]) -> None:
        async def retire() -> None:
            await nobody_asks
            for part in self._crew.ours():
                await Pupil(part.spec.name, self._crew.folder, Secrets({})).retire(old.number)
            self._older.pop(old.number, None)
            self._restart_under()

        task = asyncio.create_task(retire(), name=f"retire generation {old.number}")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
