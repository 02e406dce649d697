"""A gate in front of real services: HAProxy as sumun runs it, on an event loop in a thread of its own.

So tests are plain functions that write to sockets (`gate_wire`) and look at what the neighbours heard.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sumun.config.plan import Plan
from sumun.haproxy import Master, RuntimePaths, find_program, install, make_current, render
from tests.live.gate_neighbours import Answerer, Echo
from tests.live.gate_wire import Response

T = TypeVar("T")


@dataclass(slots=True)
class World:
    """A running gate and what stands around it."""

    folder: Path
    loop: asyncio.AbstractEventLoop
    echo: Echo = field(default_factory=Echo)
    http: Echo = field(default_factory=Echo)
    questions: list[Mapping[str, Any]] = field(default_factory=list)
    mood: list[str] = field(default_factory=lambda: ["well"])
    plan: Plan | None = None
    master: Master | None = None
    generation: int = 0
    said: list[str] = field(default_factory=list)
    _servers: list[asyncio.AbstractServer] = field(default_factory=list)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def paths(self) -> RuntimePaths:
        return RuntimePaths(self.run, self.folder / "current")

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 40.0) -> T:
        """Run a coroutine on the world's loop."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(seconds)

    def log(self) -> list[dict[str, Any]]:
        """The access log's lines; each must be JSON."""
        return [json.loads(line) for line in (self.folder / "access.log").read_text().splitlines()]

    def logged(self, response: Response) -> dict[str, Any]:
        """The log line of a response; it is written when the response has ended."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for line in self.log():
                if [line["id"]] == response.get("X-Request-Id"):
                    return line
            time.sleep(0.02)
        raise AssertionError("a response has no line in the access log")

    async def listen(self, answerers: int = 1) -> None:
        """Start the answerers and the HTTP process's stand-in, a real HTTP server on the socket."""
        await self.echo.start()
        for number in range(answerers):
            self._servers.append(
                await self.loop.create_unix_server(
                    lambda: Answerer(self.questions, self.mood), str(self.paths.answerer(number))
                )
            )
        self._servers.append(await asyncio.start_unix_server(self.http._serve, str(self.paths.http)))

    async def stop_answering(self) -> None:
        """Close the answerers' sockets, as if they had crashed."""
        for server in self._servers[:-1]:
            server.close()
            if hasattr(server, "close_clients"):
                server.close_clients()
        for number in range(10):
            self.paths.answerer(number).unlink(missing_ok=True)

    def prepare(self, plan: Plan) -> None:
        """Render, install and make current a new generation."""
        self.generation += 1
        self.plan = plan
        files = render(plan, self.generation, self.paths)
        make_current(install(files, self.folder / "generations"), self.folder / "current")

    async def start(self, program: Path) -> None:
        assert self.plan is not None
        found = find_program({"HAPROXY": str(program)})
        log = os.open(self.folder / "access.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.master = Master(
            found, self.folder / "current", self.paths, access_log=log, hear=self.said.append
        )
        addresses = [a for a in (self.plan.listen, self.plan.internal, self.plan.operator) if a is not None]
        try:
            await self.master.start(addresses)
        finally:
            os.close(log)

    async def stop(self) -> None:
        if self.master is not None:
            await self.master.stop()
        await self.echo.stop()
        for server in self._servers:
            server.close()


@contextmanager
def gate_of(program: Path, make_plan: Callable[[World], Plan] | None) -> Iterator[World]:
    """A gate that runs until the block ends; without `make_plan` only what stands around it."""
    with tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder, world(Path(folder)) as here:
        if make_plan is not None:
            here.prepare(make_plan(here))
            here.do(here.start(program))
        yield here


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """What stands around a gate, and the gate if it was started, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="world", daemon=True)
    thread.start()
    here = World(folder, loop)
    here.run.mkdir(mode=0o700)
    try:
        here.do(here.listen())
        yield here
    finally:
        with suppress(Exception):
            here.do(here.stop())
        here.do(_cancel_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
