"""The lines of an access log, one after the other: a file, plain or gzip, or standard input. Memory stays bounded."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from sumun.errors import SumunError

STDIN = "-"
LONGEST_LINE = 1 << 16
"""HAProxy cuts a line at 8 KiB; whatever is longer is no line of ours, and is given in pieces."""

_GZIP = b"\x1f\x8b"


class BadLogError(SumunError):
    """A file is no log that can be read."""

    code = "bad_log"
    exit_code = 2


def read_lines(name: str) -> Iterator[bytes]:
    """Every line, without the NUL bytes that a truncation leaves before it. `-`: standard input.

    Raises OSError, BadLogError.
    """
    with _opened(name) as file:
        try:
            while line := file.readline(LONGEST_LINE):
                yield line.lstrip(b"\0") if line[0] == 0 else line
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise BadLogError(
                f"{name}: the compressed file is broken or cut; unpack what can be unpacked with "
                "`gzip -dc`, and send it to standard input"
            ) from None


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield _unpacked(cast(io.BufferedReader, sys.stdin.buffer))
        return
    with Path(name).open("rb") as file:
        yield _unpacked(file)


def _unpacked(file: io.BufferedReader) -> BinaryIO:
    """By what the file begins with, not by its name: a rotation may have given it any."""
    if file.peek(2)[:2] == _GZIP:
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=file))))
    return file
