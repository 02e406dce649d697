"""StreamJournal: the open streams in a file, so that the next keeper knows them.

Appended to as streams open, written anew when many have ended. What a process has written survives its death; what a
machine loses with its power, HAProxy's streams are lost with too, so nothing waits for the disk.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from sumun.keeper.stream_wire import LENGTH, OpenStream

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, OpenStream]).decode

Line = tuple[str, OpenStream]
"""A worker's name and a stream of it."""


class StreamJournal:
    """One file, 0600. It holds digests and names, never a token."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._fd = -1

    def read(self) -> Iterator[Line]:
        """What was written. A last line that was cut off by a crash was never acknowledged. Raises OSError."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        at = 0
        while at + LENGTH.size <= len(data):
            (length,) = LENGTH.unpack_from(data, at)
            at += LENGTH.size
            if at + length > len(data):
                return
            try:
                yield _decode(data[at : at + length])
            except msgspec.MsgspecError:
                log.error("%s: a line cannot be read, and the rest neither", self._path)
                return
            at += length

    def add(self, lines: Iterable[Line]) -> None:
        """Append. What cannot be written is said in the log: streams are then cut as long as this process lives."""
        data = b"".join(map(_line, lines))
        try:
            if self._fd < 0:
                self._fd = _open(self._path)
            os.write(self._fd, data)
        except OSError as trouble:
            log.error("%s: open streams cannot be written down: %s", self._path, trouble.strerror)

    def replace(self, lines: Iterable[Line]) -> None:
        """Write anew, in one step. Raises OSError."""
        new = self._path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        fd = _open(new)
        with os.fdopen(os.dup(fd), "wb") as file:
            file.writelines(map(_line, lines))
        new.replace(self._path)
        self.close()
        self._fd = fd

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _line(line: Line) -> bytes:
    body = _encode(line)
    return LENGTH.pack(len(body)) + body
