"""TCP ports for servers that a test starts: no other test process is given them, and no outgoing connection takes them.

A port that the kernel picks can be anyone's a moment later: of a test beside this one, or as the near end of some
connection. So these are below the range of such (`net.ipv4.ip_local_port_range`), and each process has blocks of its own.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

FIRST, LAST, BLOCK = 10_000, 30_000, 100

_locks: list[TextIO] = []


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """As many ports, one after the other."""
    while True:
        ports = [next(_ports) for _ in range(count)]
        if ports[-1] - ports[0] == count - 1 and all(map(_is_free, ports)):
            return ports


def _blocks() -> Iterator[int]:
    """Every port of one claimed block after the other."""
    folder = Path(tempfile.gettempdir(), f"sumun-test-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        base = random.randrange(FIRST, LAST, BLOCK)
        lock = (folder / str(base)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _locks.append(lock)  # held until this process ends
        yield from range(base, base + BLOCK)


_ports = _blocks()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
