"""`sumun demo`: the node with the shop's configuration, services and people, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from sumun.config.plan import Plan
from sumun.demo.settings import SERVICES, write_settings
from sumun.demo.words import speaks_korean, welcome
from sumun.directory import LOCAL, Directory, Held, NewUser, Occasion
from sumun.directory.passwords import PasswordHasher
from sumun.identity import Permission
from sumun.node.machine.folders import open_data_folder
from sumun.node.machine.privileges import RUN_AS, choose_account
from sumun.node.processes.part import Part, PartSpec
from sumun.node.supervisor.foreground import stop_event
from sumun.node.supervisor.node import Node
from sumun.telemetry.logging_setup import configure_logging

_STAFF_SECRET = "demo-staff-secret"
_BATCH_SECRET = "batch-demo-secret"
_PEOPLE = (
    ("alice", "Alice 앨리스", Held(roles=frozenset({"admin"}))),
    ("bob", "Bob 밥", Held(roles=frozenset({"user"}))),
    ("carol", "Carol 캐럴", Held(permissions=frozenset({Permission.parse("product:create")}))),
)


async def run_demo(port: int, data: Path | None) -> None:
    """Run on `port` and the next two until SIGINT or SIGTERM. Raises SumunError.

    `data` None: a fresh temporary folder, removed at the end.
    """
    fresh = data is None
    root = Path(tempfile.mkdtemp(prefix="sumun-demo-")) if data is None else data
    stop = stop_event()
    demo = Demo(port, root)
    try:
        starting = asyncio.create_task(demo.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            print(demo.welcome(removes=fresh), flush=True)  # noqa: T201 (what the visitor came for)
            await stopping
        else:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
    finally:
        await demo.stop()
        if fresh:
            shutil.rmtree(root, ignore_errors=True)


class Demo:
    """The shop's services, its authentication server, and the node in front of them."""

    def __init__(self, port: int, root: Path) -> None:
        self._port = port
        self._root = root
        self._settings = root / "demo" / "sumun.yaml"
        self._parts: list[Part] = []
        self._node: Node | None = None
        self._output = -1

    async def start(self) -> None:
        """Start all. Raises SumunError."""
        folder = open_data_folder(self._root)
        configure_logging("supervisor", file=folder.log / "sumun.log")
        self._output = os.open(
            folder.log / "sumun.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        sockets = {name: _listen() for name in (*SERVICES, "staff")}
        ports = {name: one.getsockname()[1] for name, one in sockets.items()}
        sockets.pop("echo").close()  # gRPC binds its own; the port stays free for this moment
        self._write_files(ports)
        self._node = Node(self._settings, self._root, self._output)
        await self._start_services(sockets, ports["echo"])
        await self._node.start(add_people)

    async def stop(self) -> None:
        """Stop all, the node first. May be called twice, and after a failed start."""
        if self._node is not None:
            await self._node.stop()
        while self._parts:
            await self._parts.pop().stop()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    def welcome(self, *, removes: bool) -> str:
        """What the visitor reads."""
        command = f"SUMUN_DATA={shlex.quote(str(self._root))} {shlex.quote(sys.executable)} -m sumun"
        return welcome(
            korean=speaks_korean(),
            port=self._port,
            settings=str(self._settings),
            log=str(self._root / "log"),
            sumun=command,
            removes=removes,
        )

    def _write_files(self, ports: dict[str, int]) -> None:
        place = self._settings.parent
        place.mkdir(mode=0o700, exist_ok=True)
        self._settings.write_text(write_settings(self._port, ports), encoding="utf-8")
        for name, secret in (("staff.secret", _STAFF_SECRET), ("batch.secret", _BATCH_SECRET)):
            path = place / name
            path.touch(mode=0o600)
            path.write_text(f"{secret}\n")

    async def _start_services(self, sockets: dict[str, socket.socket], echo_port: int) -> None:
        account = choose_account("")
        become = {RUN_AS: account.name} if account else {}
        staff = sockets.pop("staff")
        specs = (
            PartSpec(
                name="demo-services",
                argv=[
                    *(sys.executable, "-P", "-m", "sumun.demo.services"),
                    *(f"{name}={one.fileno()}" for name, one in sockets.items()),
                ],
                environment={"ISSUER": f"http://127.0.0.1:{self._port}", "ECHO_PORT": str(echo_port)}
                | become,
                pass_fds=tuple(one.fileno() for one in sockets.values()),
                foreign=True,
            ),
            PartSpec(
                name="demo-staff",
                argv=[sys.executable, "-P", "-m", "sumun.demo.authentication_server", str(staff.fileno())],
                environment={"SECRET": _STAFF_SECRET} | become,
                pass_fds=(staff.fileno(),),
                foreign=True,
            ),
        )
        for spec in specs:
            part = Part(spec, self._output)
            self._parts.append(part)
            await part.start()
        # They stay open here, so that a service that is started again listens on the same port.
        self._sockets = [staff, *sockets.values()]


def add_people(directory: Directory, plan: Plan) -> None:
    """alice, bob and carol, unless they are there already (a data folder that is used again)."""
    hasher = PasswordHasher()
    occasion = Occasion("demo", int(time.time() * 1000), 0)
    for name, shown, held in _PEOPLE:
        if directory.users.get(name) is None:
            password_hash = hasher.hash(f"{name}-demo-pass")
            directory.users.add(
                NewUser(name, shown, LOCAL, held, password_hash), plan.clients.keys(), occasion
            )


def _listen() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening
