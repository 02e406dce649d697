"""A gate in front of real services: HAProxy as sumun runs it, on an event loop in a thread of its own.

So tests are plain functions that write to sockets (`gate_wire`) and look at what the neighbours heard.
"""

from __future__ import annotations

import asyncio
import json
import os
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
from sumun.haproxy import MasterSocket, RuntimePaths, find_program, install, make_current, render
from sumun.node.processes.part import Part
from sumun.node.supervisor.haproxy_part import haproxy_part
from tests.live.demo_node import whole_lines
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
    haproxy: Part | None = None
    generation: int = 0
    _access_log: int | None = None
    _answerer: asyncio.AbstractServer | None = None
    _http: asyncio.AbstractServer | None = None
    _conversations: set[asyncio.Transport] = field(default_factory=set)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def paths(self) -> RuntimePaths:
        return RuntimePaths(self.run, self.folder / "current")

    @property
    def sockets(self) -> MasterSocket:
        return MasterSocket(self.paths)

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 60.0) -> T:
        """Run a coroutine on the world's loop."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(seconds)

    def later(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine on the world's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def log(self) -> list[dict[str, Any]]:
        """The access log's lines; each must be JSON, but for what HAProxy 2.6 says when a worker stops."""
        lines = whole_lines(self.folder / "access.log")
        return [json.loads(line) for line in lines if not line.startswith("Proxy ")]

    def logged(self, response: Response) -> dict[str, Any]:
        """The log line of a response; it is written when the response has ended."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in self.log():
                if [line["id"]] == response.get("X-Request-Id"):
                    return line
            time.sleep(0.02)
        raise AssertionError("a response has no line in the access log")

    async def listen(self) -> None:
        """Start the service, the answerer, and a real HTTP server in the HTTP process's place."""
        await self.echo.start()
        await self.start_answering()
        self._http = await asyncio.start_unix_server(self.http.serve, str(self.paths.http))

    async def start_answering(self) -> None:
        """Listen for questions."""
        self._answerer = await self.loop.create_unix_server(
            lambda: Answerer(self.questions, self.mood, self._conversations), str(self.paths.answerer(0))
        )

    async def stop_answering(self) -> None:
        """Close the answerer's socket and conversations, as if it had crashed."""
        if self._answerer is not None:
            self._answerer.close()
        for transport in tuple(self._conversations):
            transport.abort()
        self.paths.answerer(0).unlink(missing_ok=True)

    async def stop_http(self) -> None:
        """Close the HTTP server's socket, as if it had crashed."""
        if self._http is not None:
            self._http.close()
        self.paths.http.unlink(missing_ok=True)

    def prepare(self, plan: Plan) -> None:
        """Render, install and make current a new generation."""
        self.generation += 1
        self.plan = plan
        files = render(plan, self.generation, self.paths)
        make_current(install(files, self.folder / "generations"), self.folder / "current")

    async def start(self, program: Path) -> None:
        """Start HAProxy on the current generation, as a node does."""
        found = find_program({"HAPROXY": str(program)})
        self._access_log = os.open(self.folder / "access.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        spec = haproxy_part(found, self.folder / "current", self.paths, self.sockets, self._access_log)
        self.haproxy = Part(spec, None)
        await self.haproxy.start()

    async def stop_haproxy(self) -> None:
        """Stop it as a node does. May be called twice."""
        if self.haproxy is not None:
            await self.haproxy.stop()

    async def stop(self) -> None:
        """Stop everything. May be called twice."""
        await self.stop_haproxy()
        if self._access_log is not None:
            os.close(self._access_log)
            self._access_log = None
        await self.stop_answering()
        await self.stop_http()
        await self.echo.stop()


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
