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
import secrets as random
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from sumun.config import load
from sumun.config.plan import Plan
from sumun.directory import Directory
from sumun.haproxy.install import make_current, remove_old
from sumun.haproxy.master import MasterSocket, argv, refuse_used_addresses
from sumun.haproxy.program import find_program
from sumun.node import part_valkey
from sumun.node.assemble import catalogue, directory_location, ensure_key
from sumun.node.errors import NameClashError
from sumun.node.folders import DataFolder, FolderLock, clean_run_folder, open_data_folder
from sumun.node.privileges import Account, choose_account, give
from sumun.node.secret_refs import Secrets
from sumun.node.supervise import Part, PartSpec
from sumun.rollout.generation import Generation, prepare_generation

log = logging.getLogger(__name__)

_GENERATIONS_KEPT = 5
_GRACE_SECONDS = 1.0


class Node:
    """One node on one data folder. `start` and `stop` once each."""

    def __init__(self, source: Path, data: Path, output: int | None = None) -> None:
        """`source` is the YAML; `output` the file descriptor for the parts' logs, None: our standard error."""
        self._source = source
        self._data = data
        self._output = output
        self._lock: FolderLock | None = None
        self._access_log: int | None = None
        self._parts: list[Part] = []

    async def start(self, people: Callable[[Directory, Plan], None] | None = None) -> Plan:
        """Start everything. `people` may fill the directory first. Raises SumunError; then nothing is left running."""
        try:
            return await self._start(people)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop what was started, last first. May be called twice."""
        while self._parts:
            await self._parts.pop().stop()
        if self._access_log is not None:
            os.close(self._access_log)
            self._access_log = None
        if self._lock is not None:
            clean_run_folder(DataFolder(self._data.absolute()))
            self._lock.release()
            self._lock = None

    async def _start(self, people: Callable[[Directory, Plan], None] | None) -> Plan:
        program = find_program()
        plan = load(self._source, catalogue())
        for note in plan.notes:
            log.warning("%s: %s", note.where, note.text)
        secrets = Secrets(plan)
        account = choose_account(plan.node.run_as)
        folder = open_data_folder(self._data)
        self._lock = FolderLock(folder)
        clean_run_folder(folder)
        refuse_used_addresses(filter(None, (plan.listen, plan.internal, plan.operator)))
        _hand_over(folder, account)
        _prepare_directory(plan, folder, secrets, people)
        user, group = (account.name, grp.getgrgid(account.gid).gr_name) if account else ("", "")
        generation = prepare_generation(
            plan, self._source, folder.generations, folder.run, program, user, group
        )
        make_current(generation.folder, folder.current)
        remove_old(
            folder.generations, set(range(generation.number - _GENERATIONS_KEPT, generation.number + 1))
        )
        if plan.node.store is None:
            await self._add(part_valkey.prepare(folder, account))
        await self._add(_own_part("http", folder, generation))
        for index in range(plan.node.answerers):
            await self._add(_own_part("answer", folder, generation, index))
        self._access_log = _open_access_log(folder)
        sockets = MasterSocket(generation.paths)
        await self._add(
            PartSpec(
                name="haproxy",
                argv=argv(program, folder.current, generation.paths),
                wait_ready=_ready(sockets),
                # USR1 lets requests finish; TERM closes what is left.
                stop_steps=((signal.SIGUSR1, _GRACE_SECONDS), (signal.SIGTERM, 5.0)),
                foreign=True,
                stdout=self._access_log,
            )
        )
        log.info("ready on %s:%d, generation %d", plan.listen.host, plan.listen.port, generation.number)
        return plan

    async def _add(self, spec: PartSpec) -> None:
        part = Part(spec, self._output)
        self._parts.append(part)
        await part.start()


async def run_node(source: Path, data: Path, log_file: Path | None = None) -> None:
    """Run a node until SIGTERM, SIGINT or SIGHUP. Raises SumunError when it cannot start."""
    output = (
        None
        if log_file is None
        else os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    )
    node = Node(source, data, output)
    stop = stop_event()
    starting = asyncio.create_task(node.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await node.stop()
        log.info("stopped")


def stop_event() -> asyncio.Event:
    """An event that SIGINT, SIGTERM and SIGHUP (the terminal was closed) set. The second one changes nothing: the stop
    is under way. SIGHUP that was ignored from the start stays so: that is what nohup asks for.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    return stop


def _own_part(kind: str, folder: DataFolder, generation: Generation, index: int | None = None) -> PartSpec:
    name = kind if index is None else f"{kind}-{index}"
    arguments = ["--data", str(folder.root), "--generation", str(generation.number)]
    if index is not None:
        arguments += ["--index", str(index)]
    return PartSpec(
        name=name,
        argv=[sys.executable, "-m", f"sumun.node.part_{kind}", *arguments],
        environment={"PROMETHEUS_MULTIPROC_DIR": str(folder.metrics), "PYTHONUNBUFFERED": "1"},
    )


def _ready(sockets: MasterSocket) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        await sockets.wait_ready()

    return wait


def _hand_over(folder: DataFolder, account: Account | None) -> None:
    """The parts run as this account: what they use is theirs. Generations and the lock stay ours."""
    for path in (folder.root, folder.run, folder.metrics, folder.log, folder.valkey, folder.generations):
        give(path, account)
    node_id = folder.root / "node-id"
    if not node_id.exists():
        node_id.write_text(f"node-{random.token_hex(4)}\n")
    give(node_id, account)


def _prepare_directory(
    plan: Plan, folder: DataFolder, secrets: Secrets, people: Callable[[Directory, Plan], None] | None
) -> None:
    """Bring the schema up and make the first signing key. Raises NameClashError."""
    with Directory.open(directory_location(plan, folder, secrets)) as directory:
        _refuse_clashes(plan, directory)
        ensure_key(directory, plan)
        if people is not None:
            people(directory, plan)


def _refuse_clashes(plan: Plan, directory: Directory) -> None:
    """A name stands for one thing: a client of the file may be neither a person nor a registered client."""
    for client in plan.clients.values():
        if directory.users.get(client.id) is not None:
            taken = "a person's account"
        elif directory.clients.get(client.id) is not None:
            taken = "a client registered at run time"
        else:
            continue
        raise NameClashError(
            f"{client.where}: the client id {client.id!r} is {taken} already; give the client another id"
        )


def _open_access_log(folder: DataFolder) -> int:
    """HAProxy writes its lines straight into this file: no reader that could stop, no line lost. O_APPEND, so that it
    can be truncated by log rotation (copytruncate) while it is written.
    """
    path = folder.log / "access.log"
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
