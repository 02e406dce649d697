"""Reads the access log from its end: what people ask about was a moment ago."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sumun.errors import SumunError
from sumun.node.folders import DataFolder

FILES = ("access.log", "access.log.1")
"""The log, and what a rotation made of it (docs/logs.md)."""

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
    for name in FILES:
        path = folder.log / name
        try:
            with path.open("rb") as file:
                found = _find(file, request_id)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LogUnreadableError(f"{path} cannot be read: {error.strerror or error}") from None
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
    return " and ".join(str(log / name) for name in FILES)


def _find(file: BinaryIO, request_id: str) -> dict[str, Any] | None:
    mark = f'"id":"{request_id}"'.encode()
    for lines in _from_the_end(file):
        if mark in lines:
            for line in lines.splitlines():
                fields = _fields(line, mark)
                if fields is not None and fields.get("id") == request_id:
                    return fields
    return None


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


def _fields(line: bytes, mark: bytes) -> dict[str, Any] | None:
    if mark not in line:
        return None
    try:
        fields = json.loads(line.lstrip(b"\0"))
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
