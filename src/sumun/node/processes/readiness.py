"""How a part tells its supervisor that it is ready, or why it is not: one line through a pipe.

The supervisor passes the write end of a pipe as the file descriptor that SUMUN_READY_FD names. The part writes `ready`,
or `failed` and a sentence, and closes it. A pipe that closes without a line is a part that ended without a word.
"""

from __future__ import annotations

import os

VARIABLE = "SUMUN_READY_FD"
_READY = "ready"
_FAILED = "failed "


def announce_ready() -> None:
    """Say that this process is ready. No-op when nobody asked."""
    _announce(_READY)


def announce_failure(sentence: str) -> None:
    """Say why this process cannot start."""
    _announce(_FAILED + " ".join(sentence.split())[:2000])


def _announce(line: str) -> None:
    text = os.environ.pop(VARIABLE, "")
    if text:
        fd = int(text)
        os.write(fd, f"{line}\n".encode())
        os.close(fd)


def failure_in(line: str) -> str | None:
    """None when the line says ready; else the sentence why not ("" when the process ended without a word)."""
    line = line.strip()
    return None if line == _READY else line.removeprefix(_FAILED)
