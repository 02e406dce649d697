"""Start in order, wait until ready, stop in reverse.

    plan -> data folder, lock -> directory, keys -> generation
         -> store -> HTTP process -> answering processes -> HAProxy

Nothing listens to the world before everything behind it is ready, and HAProxy is the first to stop.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from sumun.config import load
from sumun.config.plan import Note, Plan
from sumun.directory import Directory
from sumun.haproxy.before_start import refuse_too_many_connections, refuse_unusable_addresses
from sumun.haproxy.install import make_current
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.program import Program, find_program
from sumun.node.catalogue import catalogue
from sumun.node.directory.beginning import prepare_directory
from sumun.node.errors import PartFailedError
from sumun.node.machine.folders import DataFolder, FolderLock, clean_run_folder, open_data_folder, unusable
from sumun.node.machine.ownership import claim, hand_over
from sumun.node.machine.privileges import Account, choose_account, refuse_closed_way
from sumun.node.machine.process_limits import set_limits
from sumun.node.machine.secret_refs import Secrets
from sumun.node.processes.control import ControlServer
from sumun.node.processes.health import encode, supervised
from sumun.node.store import embedded
from sumun.node.store.address import store_address
from sumun.node.store.reach import reach_store
from sumun.node.supervisor.access_log import keep_appending, open_access_log
from sumun.node.supervisor.crew import Crew, own_part
from sumun.node.supervisor.generation_folders import GenerationFolders
from sumun.node.supervisor.haproxy_part import haproxy_part
from sumun.node.supervisor.haproxy_side import HAProxySide
from sumun.node.supervisor.master_relay import MasterRelay
from sumun.node.supervisor.reload import Reloads
from sumun.node.supervisor.written import Written
from sumun.rollout.generation import Generation
from sumun.rollout.rollout import Report

log = logging.getLogger(__name__)


class Node:
    """One node on one data folder. `start` and `stop` once each; `reload` in between."""

    def __init__(self, source: Path, data: Path, output: int | None = None) -> None:
        """`source` is the YAML; `output` the file descriptor for the parts' logs, None: our standard error."""
        self._source = source
        self.written = Written(source)
        self._data = data
        self._output = output
        self._started = AsyncExitStack()
        self._reloads: Reloads | None = None

    async def start(self, people: Callable[[Directory, Plan], None] | None = None) -> Plan:
        """Start everything. `people` may fill the directory first. Raises SumunError; then nothing is left running."""
        try:
            plan = await self._start(people)
        except OSError as error:
            await self.stop()
            raise unusable(self._data.absolute(), error) from error
        except BaseException:
            await self.stop()
            raise
        log.info("ready on %s:%d", plan.listen.host, plan.listen.port)
        return plan

    async def stop(self) -> None:
        """Stop what was started, last first. May be called twice."""
        await self._started.aclose()

    async def reload(self) -> Report:
        """Read the configuration again and bring it to life. Raises SumunError; then nothing has changed."""
        if self._reloads is None:
            raise PartFailedError("the gateway is still starting; reload when it is ready")
        return await self._reloads.reload()

    def _read(self) -> Plan:
        self.written.is_to_be_read()
        plan = load(self._source, catalogue())
        self.written.names(plan)
        return plan

    async def _start(self, people: Callable[[Directory, Plan], None] | None) -> Plan:
        program = find_program()
        plan = self._read()
        _say(plan.notes)
        secrets = Secrets.of(plan)
        account = choose_account(plan.node.run_as)
        folder = self._take_folder(account)
        refuse_unusable_addresses(plan)
        refuse_too_many_connections(plan.limits.max_connections)
        set_limits()
        if plan.node.store is not None:
            await reach_store(plan.node.store, store_address(plan, folder, secrets))
        hand_over(folder, account)
        prepare_directory(plan, folder, secrets, people)
        folders = GenerationFolders(self._source, folder, program, account)
        generation = folders.install(plan)
        _say(generation.notes)
        make_current(generation.folder, folder.current)
        sockets = MasterSocket(generation.paths)
        crew = Crew(folder, self._output)
        await self._start_parts(crew, plan, generation, account)
        await self._start_haproxy(crew, program, generation, sockets)
        haproxy = HAProxySide(sockets, program)
        self._reloads = Reloads(self._read, folders, crew, haproxy, (plan, generation))
        await self._start_control(crew, self._reloads)
        return plan

    def _take_folder(self, account: Account | None) -> DataFolder:
        """The data folder, ours alone until we stop."""
        refuse_closed_way(self._data.absolute(), account)
        folder = open_data_folder(self._data)
        self._started.callback(_leave, folder, FolderLock(folder))
        claim(folder, account)
        return folder

    async def _start_parts(
        self, crew: Crew, plan: Plan, generation: Generation, account: Account | None
    ) -> None:
        """All that stand behind HAProxy."""
        folder, number = crew.folder, generation.number
        if plan.node.store is None:
            await crew.start(self._started, embedded.prepare(folder, account))
        answers = [own_part("answer", folder, number, index) for index in range(plan.node.answerers)]
        await crew.start(self._started, own_part("http", folder, number), *answers)
        relay = MasterRelay(folder.workers_socket, generation.paths.master, account)
        self._started.push_async_callback(relay.close)
        await relay.start()
        await crew.start(self._started, own_part("keeper", folder, number))

    async def _start_haproxy(
        self, crew: Crew, program: Program, generation: Generation, sockets: MasterSocket
    ) -> None:
        access_log = open_access_log(crew.folder)
        self._started.callback(os.close, access_log)
        part = haproxy_part(program, crew.folder.current, generation.paths, sockets, access_log)
        await crew.start(self._started, part)
        appending = asyncio.create_task(keep_appending(access_log), name="access log")
        self._started.callback(appending.cancel)

    async def _start_control(self, crew: Crew, reloads: Reloads) -> None:
        """Take orders."""

        async def reload(_words: str) -> str:
            return (await reloads.reload()).sentence()

        async def status(_words: str) -> str:
            changed = self.written.is_new()
            return encode(supervised(self._source, reloads.generation.number, crew.parts, changed=changed))

        control = ControlServer(
            crew.folder.control_socket("supervisor"), {"reload": reload, "status": status}
        )
        self._started.push_async_callback(control.close)
        self._started.callback(reloads.close)
        await control.start()


def _leave(folder: DataFolder, lock: FolderLock) -> None:
    try:
        clean_run_folder(folder)
    except OSError as error:
        log.error("the run folder could not be emptied: %s", error)
    lock.release()


def _say(notes: Iterable[Note]) -> None:
    for note in notes:
        log.warning("%s: %s", note.where, note.text)
