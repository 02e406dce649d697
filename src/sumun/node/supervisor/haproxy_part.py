"""HAProxy as a part of the node: how it is started, when it is ready, how it ends."""

from __future__ import annotations

import signal
from pathlib import Path

from sumun.haproxy.master import ENVIRONMENT, MasterSocket, argv
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.program import Program
from sumun.node.processes.part import PartSpec

_GRACE_SECONDS = 1.0


def haproxy_part(
    program: Program, current: Path, paths: RuntimePaths, sockets: MasterSocket, access_log: int
) -> PartSpec:
    """The part. `current` is the link to the live generation, `access_log` a file descriptor that appends."""

    async def wait_ready() -> None:
        await sockets.wait_ready()

    return PartSpec(
        name="haproxy",
        argv=argv(program, current, paths),
        environment=ENVIRONMENT,
        wait_ready=wait_ready,
        # USR1 lets requests finish; TERM closes what is left.
        stop_steps=((signal.SIGUSR1, _GRACE_SECONDS), (signal.SIGTERM, 5.0)),
        foreign=True,
        inherits=False,
        alarm=r"(?<=\[ALERT\]).*",
        stdout=access_log,
    )
