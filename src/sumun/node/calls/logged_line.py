"""Reads the access log from its end: what people ask about was a moment ago."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sumun.errors import SumunError
from sumun.node.machine.folders import DataFolder

FILES = ("access.log", "access.log.1")
"""The log, and what a rotation made of it (docs/logs.md)."""

PACKED = "access.log.1.gz"
"""The same, where the rotation packs at once."""

_REQUEST_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BLOCK = 1 << 20


class NotLoggedError(SumunError):
    """The log has no line of this request, or this is no request's id."""

    code = "not_logged"
    exit_code = 2


class LogUnreadableError(SumunError):
    """The log is there and cannot be read."""

    code = "log_unreadable"
    exit_code = 3


def find_logged(folder: DataFolder, request_id: str) -> dict[str, Any]:
    """The fields of a request's line. Raises NotLoggedError, LogUnreadableError."""
    if _REQUEST_ID.fullmatch(request_id) is None:
        # Not repeated: it may be a token.
        raise NotLoggedError("this is no request id; it stands in X-Request-Id and in the body of a refusal")
    for name in (*FILES, PACKED):
        path = folder.log / name
        try:
            with path.open("rb") as file:
                found = _find_packed(file, request_id) if name == PACKED else _find(file, request_id)
        except FileNotFoundError:
            continue
        except (OSError, EOFError, zlib.error) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise LogUnreadableError(f"{path} cannot be read: {said}") from None
        if found is not None:
            return found
    raise NotLoggedError(
        f"no line of {request_id} in {_names(folder.log)}; a line is written when the request has ended, "
        "and older ones may be rotated away"
    )


def newest_first(folder: DataFolder) -> Iterator[bytes]:
    """Every line of the log and of what was rotated last, the newest first. Raises LogUnreadableError."""
    for name in FILES:
        path = folder.log / name
        try:
            with path.open("rb") as file:
                for lines in _from_the_end(file):
                    yield from reversed(lines.splitlines())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LogUnreadableError(f"{path} cannot be read: {error.strerror or error}") from None


def _names(log: Path) -> str:
    return " or ".join(str(log / name) for name in (*FILES, PACKED))


def _find(file: BinaryIO, request_id: str) -> dict[str, Any] | None:
    for lines in _from_the_end(file):
        if _mark(request_id) in lines:
            for line in lines.splitlines():
                fields = _fields(line, request_id)
                if fields is not None:
                    return fields
    return None


def _find_packed(file: BinaryIO, request_id: str) -> dict[str, Any] | None:
    """Looks through a gzip file, which can be read forwards only."""
    with gzip.open(file) as lines:
        return next(filter(None, (_fields(line, request_id) for line in lines)), None)


def _mark(request_id: str) -> bytes:
    return f'"id":"{request_id}"'.encode()


def _from_the_end(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines, a block of them at a time, the last block first; a line that two blocks share is put together."""
    position = file.seek(0, 2)
    begun = b""  # of the blocks behind: the end of a line whose beginning is further up
    while position > 0:
        start = max(0, position - _BLOCK)
        file.seek(start)
        block = file.read(position - start) + begun
        position = start
        cut = 0 if start == 0 else block.find(b"\n") + 1
        if start and not cut:
            begun = block
            continue
        begun = block[:cut]
        yield block[cut:]


def _fields(line: bytes, request_id: str) -> dict[str, Any] | None:
    if _mark(request_id) not in line:
        return None
    try:
        fields = json.loads(line.lstrip(b"\0"))
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and fields.get("id") == request_id else None
