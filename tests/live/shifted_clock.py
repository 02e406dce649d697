"""A wall clock for one node, which a test may set: the machine's own is everybody's.

HAProxy reads it through libfaketime, Python through `node_clock/sitecustomize.py` (libfaketime 0.9.10 breaks its sleep):
both add what one file says. Steady clocks are the machine's, and so is the embedded store's.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.demo_node import SOURCES

_LIBRARY = "libfaketimeMT.so.1"


@dataclass(frozen=True, slots=True)
class Clock:
    """`environment` is what a node needs to live by it."""

    file: Path
    environment: dict[str, str]

    def set(self, seconds: int) -> None:
        """So far from the machine's clock, from now on."""
        beside = self.file.with_name("next")
        beside.write_text(f"{seconds:+d}")
        beside.chmod(0o644)
        beside.rename(self.file)


def _library() -> Path:
    """`LIBFAKETIME=/path/to/libfaketimeMT.so.1` names one that is elsewhere."""
    named = os.environ.get("LIBFAKETIME")
    found = [Path(named)] if named else sorted(Path("/usr/lib").glob(f"*/faketime/{_LIBRARY}"))
    if not found:
        pytest.fail(f"{_LIBRARY} (package libfaketime) is missing. `make test` installs it: type that.")
    return found[0]


@contextmanager
def shifted_clock(haproxy: Path) -> Iterator[Clock]:
    """A clock that is right until it is set. Programs of others get no variables of ours, so a script starts HAProxy."""
    with tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        file, program = folder / "offset", folder / "haproxy"
        shifted = {
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "LD_PRELOAD": str(_library()),
        }
        words = " ".join(f"{name}={value}" for name, value in shifted.items())
        program.write_text(f'#!/bin/sh\nexec env {words} {haproxy} "$@"\n')
        program.chmod(0o755)
        paths = f"{Path(__file__).with_name('node_clock')}:{SOURCES}"
        clock = Clock(
            file, {"FAKETIME_TIMESTAMP_FILE": str(file), "PYTHONPATH": paths, "HAPROXY": str(program)}
        )
        clock.set(0)
        yield clock
