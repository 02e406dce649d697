"""The access log's file, as the supervisor holds it for HAProxy.

HAProxy writes its lines straight into it: no reader that could stop, no line lost, and it can be truncated while it is
written (copytruncate) as long as it is open for appending.
"""

from __future__ import annotations

import asyncio
import fcntl
import os

from sumun.node.machine.folders import DataFolder

_LOOK_EVERY_SECONDS = 1.0


def open_access_log(folder: DataFolder) -> int:
    """Open it for appending. Raises OSError."""
    path = folder.log / "access.log"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    access_log = os.open(path, flags, 0o600)
    # Until `keep_appending` looks, HAProxy writes where the file is, which must not be over its beginning.
    os.lseek(access_log, 0, os.SEEK_END)
    return access_log


async def keep_appending(access_log: int) -> None:
    """Keep O_APPEND set until cancelled.

    HAProxy 2.6 sets the flags of its standard output to O_NONBLOCK alone with its first line. Flags belong to the open
    file, which this process shares with it.
    """
    while True:
        flags = fcntl.fcntl(access_log, fcntl.F_GETFL)
        if not flags & os.O_APPEND:
            fcntl.fcntl(access_log, fcntl.F_SETFL, flags | os.O_APPEND)
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
