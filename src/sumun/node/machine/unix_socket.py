"""Listening unix sockets of our parts."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from sumun.node.machine.privileges import Account, give

_BACKLOG = 4096


def bind_unix(path: Path, account: Account | None = None) -> socket.socket:
    """Listen on a unix socket that only `account` (None: we) may connect to. A leftover of a crash is replaced.

    It is made with mode 0600, so it is never open to others, not even for a moment. Raises OSError.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    give(path, account)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening
