"""Start in order, wait until ready, stop in reverse.

    plan -> data folder, lock -> directory, keys -> generation
         -> store -> HTTP process -> answering processes -> HAProxy

Nothing listens to the world before everything behind it is ready, and HAProxy is the first to stop.
"""

from __future__ import annotations

import asyncio
import grp
import logging
import os
import resource
import secrets as random
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sumun.config import load
from sumun.config.plan import Address, Plan
from sumun.directory import Directory
from sumun.haproxy.before_start import refuse_too_many_connections, refuse_used_addresses
from sumun.haproxy.install import make_current, remove_old
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.program import Program, find_program
from sumun.haproxy.tls import PRIVATE_SUFFIX
from sumun.node.catalogue import catalogue
from sumun.node.directory.beginning import prepare_directory
from sumun.node.errors import PartFailedError
from sumun.node.machine.folders import DataFolder, FolderLock, clean_run_folder, open_data_folder, unusable
from sumun.node.machine.privileges import Account, choose_account, give, refuse_closed_way, share, show
from sumun.node.machine.secret_refs import Secrets
from sumun.node.processes.control import ControlServer
from sumun.node.processes.health import encode, supervised
from sumun.node.processes.part import Part, PartSpec
from sumun.node.store import embedded
from sumun.node.store.address import store_address
from sumun.node.store.reach import reach_store
from sumun.node.supervisor.access_log import keep_appending, open_access_log
from sumun.node.supervisor.haproxy_part import haproxy_part
from sumun.node.supervisor.master_relay import MasterRelay
from sumun.node.supervisor.reload import (
    HAProxySide,
    Pupil,
    refuse_what_needs_a_restart,
    wait_until_answered,
    wait_until_gone,
)
from sumun.node.supervisor.written import Written
from sumun.rollout.generation import Generation, prepare_generation
from sumun.rollout.rollout import Report, Rollout, UncertainError

log = logging.getLogger(__name__)

_GENERATIONS_KEPT = 5
_DESCRIPTORS = 65536


@dataclass
class _Running:
    """What a started node knows of itself."""

    program: Program
    account: Account | None
    folder: DataFolder
    plan: Plan
    generation: Generation
    sockets: MasterSocket
    haproxy: HAProxySide
    older: dict[int, Generation] = field(default_factory=dict)


class Node:
    """One node on one data folder. `start` and `stop` once each; `reload` in between."""

    def __init__(self, source: Path, data: Path, output: int | None = None) -> None:
        """`source` is the YAML; `output` the file descriptor for the parts' logs, None: our standard error."""
        self._source = source
        self.written = Written(source)
        self._data = data
        self._output = output
        self._lock: FolderLock | None = None
        self._access_log: int | None = None
        self._parts: list[Part] = []
        self._control: ControlServer | None = None
        self._relay: MasterRelay | None = None
        self._running: _Running | None = None
        self._reloading = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._appending: asyncio.Task[None] | None = None

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
        for task in (*self._retiring, *filter(None, (self._appending,))):
            task.cancel()
        if self._control is not None:
            await self._control.close()
        while self._parts:
            await self._parts.pop().stop()
        if self._relay is not None:
            await self._relay.close()
            self._relay = None
        if self._access_log is not None:
            os.close(self._access_log)
            self._access_log = None
        if self._lock is not None:
            try:
                clean_run_folder(DataFolder(self._data.absolute()))
            except OSError as error:
                log.error("the run folder could not be emptied: %s", error)
            self._lock.release()
            self._lock = None

    async def reload(self) -> Report:
        """Read the configuration again and bring it to life. Raises SumunError; then nothing has changed."""
        running = self._running
        if running is None:
            raise PartFailedError("the gateway is still starting; reload when it is ready")
        try:
            async with self._reloading:
                return await self._reload(running)
        except OSError as error:
            raise unusable(running.folder.root, error) from error

    async def _reload(self, running: _Running) -> Report:
        plan = self._load()
        refuse_what_needs_a_restart(running.plan, plan)
        secrets = Secrets.of(plan)
        kept = {running.generation.number, *running.older}
        new = _prepare(plan, self._source, running.folder, running.program, running.account, kept)
        before = await running.sockets.processes()
        rollout = Rollout(
            lambda: [Pupil(part.spec.name, running.folder, secrets) for part in self._own_parts()],
            lambda generation: make_current(generation.folder, running.folder.current),
            running.haproxy.serve,
        )
        old = running.generation
        try:
            report = await rollout.bring_up(replace(plan, notes=(*plan.notes, *new.notes)), new, old)
        except UncertainError:
            running.older[new.number] = new
            self._restart_under(running)
            self._retire_later(running, new, wait_until_gone(running.sockets, frozenset(before.workers)))
            raise
        running.plan, running.generation = plan, new
        running.older[old.number] = old
        self._restart_under(running)
        for part in self._own_parts():
            if part.spec.name in report.behind:
                part.end()
        if report.new_worker:
            workers = frozenset((*before.workers, *before.old_workers))
            self._retire_later(running, old, wait_until_gone(running.sockets, workers))
        else:
            self._retire_later(running, old, wait_until_answered(plan.limits))
        log.info("reloaded: %s", report.sentence())
        return report

    def _load(self) -> Plan:
        self.written.is_to_be_read()
        plan = load(self._source, catalogue())
        self.written.names(plan)
        return plan

    def _own_parts(self) -> list[Part]:
        return [part for part in self._parts if part.spec.name.startswith(("http", "answer", "keeper"))]

    def _restart_under(self, running: _Running) -> None:
        """A part that is started again from now on begins with what is in force now."""
        for part in self._own_parts():
            index = int(part.spec.name.partition("-")[2]) if "-" in part.spec.name else None
            kind = part.spec.name.partition("-")[0]
            part.spec = _own_part(kind, running.folder, running.generation, index, running.older)

    def _retire_later(
        self, running: _Running, old: Generation, nobody_asks: Coroutine[None, None, None]
    ) -> None:
        async def retire() -> None:
            await nobody_asks
            for part in self._own_parts():
                await Pupil(part.spec.name, running.folder, Secrets({})).retire(old.number)
            running.older.pop(old.number, None)
            self._restart_under(running)

        task = asyncio.create_task(retire(), name=f"retire generation {old.number}")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _start(self, people: Callable[[Directory, Plan], None] | None) -> Plan:
        program = find_program()
        plan = self._load()
        for note in plan.notes:
            log.warning("%s: %s", note.where, note.text)
        secrets = Secrets.of(plan)
        account = choose_account(plan.node.run_as)
        refuse_closed_way(self._data.absolute(), account)
        folder = open_data_folder(self._data)
        self._lock = FolderLock(folder)
        _claim(folder, account)
        refuse_used_addresses(_addresses(plan))
        refuse_too_many_connections(plan.limits.max_connections)
        _set_limits()
        if plan.node.store is not None:
            await reach_store(plan.node.store, store_address(plan, folder, secrets))
        _hand_over(folder, account)
        prepare_directory(plan, folder, secrets, people)
        generation = _prepare(plan, self._source, folder, program, account)
        for note in generation.notes:
            log.warning("%s: %s", note.where, note.text)
        make_current(generation.folder, folder.current)
        if plan.node.store is None:
            await self._add(embedded.prepare(folder, account))
        answers = [_own_part("answer", folder, generation, index) for index in range(plan.node.answerers)]
        await self._add(_own_part("http", folder, generation), *answers)
        self._relay = MasterRelay(folder.workers_socket, generation.paths.master, account)
        await self._relay.start()
        await self._add(_own_part("keeper", folder, generation))
        sockets = MasterSocket(generation.paths)
        self._access_log = open_access_log(folder)
        await self._add(haproxy_part(program, folder.current, generation.paths, sockets, self._access_log))
        self._appending = asyncio.create_task(keep_appending(self._access_log), name="access log")
        side = HAProxySide(sockets, program)
        self._running = _Running(program, account, folder, plan, generation, sockets, side)
        self._control = ControlServer(
            folder.control_socket("supervisor"),
            {"reload": self._answer_reload, "status": self._answer_status},
        )
        await self._control.start()
        return plan

    async def _answer_reload(self, _words: str) -> str:
        return (await self.reload()).sentence()

    async def _answer_status(self, _words: str) -> str:
        generation = self._running.generation.number if self._running else 0
        return encode(supervised(self._source, generation, self._parts, changed=self.written.is_new()))

    async def _add(self, *specs: PartSpec) -> None:
        """Start parts, all at once. Raises PartFailedError, when the others are told to stop starting."""
        parts = [Part(spec, self._output) for spec in specs]
        self._parts += parts
        starting = [asyncio.create_task(part.start(), name=f"start {part.spec.name}") for part in parts]
        try:
            await asyncio.gather(*starting)
        finally:
            for one in starting:
                one.cancel()
            await asyncio.gather(*starting, return_exceptions=True)


def _prepare(
    plan: Plan,
    source: Path,
    folder: DataFolder,
    program: Program,
    account: Account | None,
    needed: Iterable[int] = (),
) -> Generation:
    user, group = (account.name, grp.getgrgid(account.gid).gr_name) if account else ("", "")
    generation = prepare_generation(plan, source, folder.generations, folder.run, program, user, group)
    kept = range(generation.number - _GENERATIONS_KEPT, generation.number + 1)
    remove_old(folder.generations, {*kept, *needed})
    for path in (generation.folder, *generation.folder.iterdir()):
        if not path.name.endswith(PRIVATE_SUFFIX):
            show(path, account)
    return generation


def _addresses(plan: Plan) -> Iterator[Address]:
    """All that HAProxy will listen on."""
    yield from filter(None, (plan.listen, plan.internal, plan.operator))
    for tls in plan.tls.values():
        yield from filter(None, (tls.redirect_from, tls.clients and tls.clients.listen))


def _own_part(
    kind: str,
    folder: DataFolder,
    generation: Generation,
    index: int | None = None,
    older: Iterable[int] = (),
) -> PartSpec:
    name = kind if index is None else f"{kind}-{index}"
    arguments = ["--data", str(folder.root), "--generation", str(generation.number)]
    for number in sorted(older):
        arguments += ["--older", str(number)]
    if index is not None:
        arguments += ["--index", str(index)]
    return PartSpec(
        name=name,
        # -P: nothing is imported from the folder that we happen to be started in.
        argv=[sys.executable, "-P", "-m", f"sumun.node.parts.{kind}", *arguments],
        environment={"PROMETHEUS_MULTIPROC_DIR": str(folder.metrics), "PYTHONUNBUFFERED": "1"},
    )


def _claim(folder: DataFolder, account: Account | None) -> None:
    """The folders are ours, the account may only make files in them, and the run folder is empty. The outer first."""
    try:
        for shared in (folder.root, folder.run, folder.valkey):
            share(shared, account)
        clean_run_folder(folder)
        show(folder.metrics, account)
    except OSError as error:
        raise unusable(folder.root, error) from error


def _hand_over(folder: DataFolder, account: Account | None) -> None:
    """The parts run as this account: what they write is theirs. What HAProxy's master reads stays ours."""
    node_id = folder.root / "node-id"
    if not node_id.exists():
        node_id.write_text(f"node-{random.token_hex(4)}\n")
    os.close(os.open(folder.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    life = os.open(folder.life, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(life, "w") as file:
        file.write(random.token_hex(4))
    for path in folder.root.glob(f"{folder.database.name}*"):
        give(path, account)
    show(folder.generations, account)


def _set_limits() -> None:
    """Our parts inherit this: a descriptor for each connection that HAProxy has with them, and no core dumps, for in
    memory are keys and passwords in clear.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _DESCRIPTORS)
    if usual not in (resource.RLIM_INFINITY, most) and usual < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
