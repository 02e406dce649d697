"""Configures logging: one JSON object a line on standard error.

Fields: `t` (RFC 3339, UTC, milliseconds), `level`, `part` (which process of the node), `logger`, `msg`, and for an
exception `error` (its class) and `trace`. Text from outside is escaped by the JSON encoder, so a line is always a line.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

_encoder = msgspec.json.Encoder()


class JsonFormatter(logging.Formatter):
    """LogRecord -> one JSON object."""

    def __init__(self, part: str) -> None:
        """`part` names the process, such as `answer-0`."""
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        """One line without its newline."""
        moment = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, str] = {
            "t": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "part": self._part,
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"] = record.exc_info[0].__name__
            fields["trace"] = self.formatException(record.exc_info)
        return _encoder.encode(fields).decode()


def configure_logging(
    part: str, level: str = "info", *, stream: IO[str] | None = None, file: Path | None = None
) -> None:
    """Send all logging of this process to `file`, appending, or to `stream` (or standard error), as JSON lines."""
    handler = (
        logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(stream or sys.stderr)
    )
    handler.setFormatter(JsonFormatter(part))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These log each request or each look-up of a plug-in: noise at our level, and not ours to word.
    for chatty in ("uvicorn.access", "httpx2", "httpcore2", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
