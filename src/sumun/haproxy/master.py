"""HAProxy's master process: start, ready, reload and its verdict, stop.

HAProxy runs as master and worker (`-W`): a reload starts a new worker beside the old one, the sockets pass
through the master, and a configuration that does not load changes nothing. The access log is HAProxy's standard
output.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sumun.config.plan import Address
from sumun.haproxy.before_start import refuse_used_addresses
from sumun.haproxy.errors import (
    AddressInUseError,
    HAProxyDidNotStartError,
    ReloadRefusedError,
    RuntimeSocketError,
)
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.program import Program
from sumun.haproxy.render import CONFIGURATION
from sumun.haproxy.route_switch import Switch
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import (
    RELOAD,
    SHOW_INFO,
    SHOW_PROC,
    Processes,
    parse_info,
    parse_processes,
    parse_reload,
    verdict,
)
from sumun.haproxy.switching import switch

READY_SECONDS: Final = 20.0
RELOAD_SECONDS: Final = 60.0
_LOOK_AGAIN_SECONDS: Final = 0.02
_LINES_KEPT: Final = 40


ENVIRONMENT: Final[Mapping[str, str]] = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.tcache_max=65536:glibc.malloc.tcache_count=256"
}
"""Huge pages for HAProxy's memory, and its buffers at hand (glibc 2.35 and later; others ignore it).

Its maps are spread over megabytes, and a look-up in ten thousand routes costs a third less when the processor finds
them without walking page tables. HAProxy 2.6 keeps 512 KiB of free memory a thread, which is thirty buffers: with a few
dozen requests at a time, each asks the allocator for more and gives them back.
"""


def argv(program: Program, current: Path, paths: RuntimePaths) -> list[str]:
    """The command line. `current` is the link to the live generation: HAProxy reads it anew at each reload."""
    # For who started it alone: its holder can read and write the master's memory, which may be root's.
    master = f"{paths.master},mode,600"
    return [str(program.path), "-W", "-S", master, "-C", str(current), "-f", CONFIGURATION]


@dataclass(slots=True)
class Voice:
    """What HAProxy said lately on its standard error; `hear` may be told each line too."""

    hear: Callable[[str], None] | None = None
    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Remember one line."""
        self.lines = [*self.lines[-_LINES_KEPT + 1 :], line]
        if self.hear is not None:
            self.hear(line)

    def complaints(self) -> str:
        """The alerts among the remembered lines, as one sentence's end."""
        alerts = [line.split(" : ", 1)[-1] for line in self.lines if line.startswith("[ALERT]")]
        return "; ".join(alerts[-5:]) or "it said nothing"


class MasterSocket:
    """What can be asked of a running master, whoever started it."""

    def __init__(self, paths: RuntimePaths, master: Path | None = None) -> None:
        """`paths` are those that its configuration was rendered with; `master`: another way to its socket."""
        self._master = RuntimeSocket(master or paths.master)
        self._worker = RuntimeSocket(paths.runtime)

    async def processes(self) -> Processes:
        """The master, its worker and the old ones. Raises RuntimeSocketError."""
        return parse_processes(await self._master.ask(SHOW_PROC))

    async def wait_ready(self) -> Processes:
        """Return when the master lists a worker and that worker answers. Runs until cancelled otherwise."""
        while True:
            with contextlib.suppress(RuntimeSocketError):
                processes = await self.processes()
                info = parse_info(await self._worker.ask(SHOW_INFO))
                if processes.newest is not None and int(info["Pid"]) == processes.newest:
                    return processes
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def reload(self) -> Processes:
        """Load the generation that the link points to now; return when its worker serves.

        Raises ReloadRefusedError (the old worker goes on) and RuntimeSocketError (nobody answers, or not in
        time).
        """
        before = await self.processes()
        if parse_reload(await RuntimeSocket(self._master_path(), RELOAD_SECONDS).ask(RELOAD)) is False:
            raise ReloadRefusedError("HAProxy refused the new configuration; the one before stays in force")
        try:
            async with asyncio.timeout(RELOAD_SECONDS):
                return await self._until_reloaded(before)
        except TimeoutError:
            raise RuntimeSocketError(
                f"HAProxy did not say within {RELOAD_SECONDS:g} s what became of the reload"
            ) from None

    async def switch(self, maps: Iterable[Switch]) -> None:
        """Let the worker that serves new connections find these routes.

        Raises RuntimeSocketError (nothing has changed) and HalfSwitchedError.
        """
        worker = (await self.processes()).newest
        if worker is None:
            raise RuntimeSocketError("HAProxy has no worker")
        await switch(self._master, worker, maps)

    async def _until_reloaded(self, before: Processes) -> Processes:
        while True:
            # The master starts itself anew to reload, and does not listen for a moment.
            with contextlib.suppress(RuntimeSocketError):
                after = await self.processes()
                if verdict(before, after):
                    return await self.wait_ready()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _master_path(self) -> Path:
        return self._master.path


class Master:
    """HAProxy as our child process."""

    def __init__(
        self,
        program: Program,
        current: Path,
        paths: RuntimePaths,
        *,
        access_log: int | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        """`access_log` is the file descriptor of the access log (None: our standard output); open it with
        O_APPEND.

        `hear` is called with each line that HAProxy writes to its standard error.
        """
        self._argv = argv(program, current, paths)
        self._paths = paths
        self._access_log = access_log
        self._voice = Voice(hear)
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self.socket = MasterSocket(paths)

    @property
    def pid(self) -> int | None:
        """The master's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(
        self, addresses: Iterable[Address] = (), ready_seconds: float = READY_SECONDS
    ) -> Processes:
        """Start, and return when the worker answers.

        `addresses` are looked at first: AddressInUseError names those that are taken. Raises
        HAProxyDidNotStartError when HAProxy ends or is not ready in time; no process is left then.
        """
        refuse_used_addresses(addresses)
        self._remove_sockets()
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._access_log,
            stderr=asyncio.subprocess.PIPE,
            env={**ENVIRONMENT, **os.environ},
            # A Ctrl-C in the terminal is for the supervisor, who stops the parts in order.
            start_new_session=True,
        )
        self._listening = asyncio.create_task(self._listen(self._process), name="haproxy-stderr")
        ready = asyncio.create_task(self.socket.wait_ready())
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=ready_seconds, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                return ready.result()
            raise await self._not_started(ready_seconds)
        finally:
            ready.cancel()
            ended.cancel()

    async def reload(self) -> Processes:
        """As MasterSocket.reload, and the refusal repeats what HAProxy complained about."""
        self._voice.lines = []
        try:
            return await self.socket.reload()
        except ReloadRefusedError as error:
            raise ReloadRefusedError(f"{error}: {self._voice.complaints()}") from error

    async def wait(self) -> int:
        """The exit status, when the master has ended by itself or was stopped."""
        if self._process is None:
            raise RuntimeSocketError("HAProxy was not started")
        return await self._process.wait()

    async def stop(self, grace_seconds: float = 0.0, kill_seconds: float = 5.0) -> None:
        """End HAProxy: let requests finish for `grace_seconds`, then close, then kill. May be called twice."""
        process = self._process
        if process is None:
            return
        for sign, seconds in (
            (signal.SIGUSR1, grace_seconds),
            (signal.SIGTERM, kill_seconds),
            (signal.SIGKILL, kill_seconds),
        ):
            if process.returncode is None and seconds > 0:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(sign)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), seconds)
        if self._listening is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._listening, 1.0)
        self._remove_sockets()

    async def _not_started(self, ready_seconds: float) -> HAProxyDidNotStartError | AddressInUseError:
        process = self._process
        ended = process is not None and process.returncode is not None
        await self.stop()
        complaints = self._voice.complaints()
        if "Address already in use" in complaints:
            return AddressInUseError(f"another process took an address of ours: {complaints}")
        how = "ended at once" if ended else f"was not ready within {ready_seconds:g} s"
        return HAProxyDidNotStartError(f"HAProxy {how}: {complaints}")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stderr
        if stream is None:
            return
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than the reader's buffer: drop it
                continue
            if not line:
                return
            self._voice.add(line.decode("utf-8", "replace").rstrip())

    def _remove_sockets(self) -> None:
        """HAProxy leaves its sockets behind when it ends."""
        for path in (self._paths.master, self._paths.runtime):
            path.unlink(missing_ok=True)
