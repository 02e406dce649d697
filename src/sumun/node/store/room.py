"""Room on the disk for what the embedded store writes by itself, kept for the day on which others have filled the disk.

Nothing is sent to it then that it would have to keep. But what expires it writes too, and a server that cannot write
ends (`appendfsync always`). So blocks behind the end of its file are reserved, where nobody else can take them: enough
for everything that it holds to expire. The file's size stays as it is (fallocate(2), FALLOC_FL_KEEP_SIZE).
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import re
from pathlib import Path

from sumun.recognition import steady_seconds
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.valkey_link import LEAST_FREE_BYTES, ValkeyAddress, ValkeyLink

log = logging.getLogger(__name__)

KEY_BYTES = 192
"""The command that tells of one key's end: its words, and our longest key."""

LEAST_BYTES = 1 << 20
_LOOK_EVERY_SECONDS = 1.0
_BLOCK_BYTES = 512  # of st_blocks, whatever the file system's are (stat(2))
_KEEP_SIZE = 1
_WRITTEN_NOW = re.compile(r"appendonly\.aof\.(\d+)\.incr\.aof")
_libc = ctypes.CDLL(None, use_errno=True)


async def keep_room(folder: Path, address: ValkeyAddress) -> None:
    """Keep so much reserved until cancelled. `folder` is the store's."""
    link = ValkeyLink(address, connections=1, steady=steady_seconds)
    try:
        while True:
            try:
                keys = await link.command("DBSIZE")
            except StoreUnavailableError:
                keys = None
            if isinstance(keys, int):
                await asyncio.to_thread(_look, folder, LEAST_BYTES + KEY_BYTES * keys)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
    finally:
        await link.close()


def _look(folder: Path, wanted: int) -> None:
    try:
        reserve(folder, wanted)
    except OSError as error:
        # ENOSPC: too late for more. The others: no such file at this moment, or a file system that cannot do it.
        log.debug("no room could be kept for the store: %s", error)


def reserve(folder: Path, wanted: int) -> int:
    """Have at least half of `wanted` bytes reserved behind the end of the file that is written now; how many there are.

    Never so many that less than the least is left to others. Raises OSError.
    """
    numbered = ((_WRITTEN_NOW.fullmatch(path.name), path) for path in (folder / "appendonlydir").iterdir())
    files = [(int(found[1]), path) for found, path in numbered if found]
    if not files:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    file = os.open(max(files)[1], os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        there = _reserved(file)
        disk = os.statvfs(file)
        if there < wanted // 2 and disk.f_bavail * disk.f_frsize - (wanted - there) > 2 * LEAST_FREE_BYTES:
            _allocate(file, os.fstat(file).st_size, wanted)
            there = _reserved(file)
        return there
    finally:
        os.close(file)


def _reserved(file: int) -> int:
    found = os.fstat(file)
    return max(0, found.st_blocks * _BLOCK_BYTES - found.st_size)


def _allocate(file: int, offset: int, length: int) -> None:
    if _libc.fallocate(file, _KEEP_SIZE, ctypes.c_int64(offset), ctypes.c_int64(length)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
