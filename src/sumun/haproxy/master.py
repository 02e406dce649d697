"""HAProxy's master process: how it is started, whether it is ready, reload and its verdict.

HAProxy runs as master and worker (`-W`): a reload starts a new worker beside the old one, the sockets pass
through the master, and a configuration that does not load changes nothing. The access log is HAProxy's standard
output.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from sumun.haproxy.errors import (
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

RELOAD_SECONDS: Final = 60.0
_LOOK_AGAIN_SECONDS: Final = 0.02


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
        if parse_reload(await RuntimeSocket(self._master.path, RELOAD_SECONDS).ask(RELOAD)) is False:
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
