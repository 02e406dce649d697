"""A guard of ours, how to take it away, and the test that must turn red without it.

    removals.py       the list; *_removals.py are more of it
    test_removals.py  each one: the guard is taken out of a copy of the code, its test is run there, and has to fail

A guard is a few words in one file. Taking it away means writing what somebody in a hurry might: the comparison left
out, the check that always says yes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "src"


@dataclass(frozen=True)
class Removal:
    """One guard.

    attack  what it is against
    file    below src/sumun
    guard   the words, which stand there once
    without   what stands there when it is gone
    test    pytest's name of the test, or of several (a file, `::name`)
    """

    attack: str
    file: str
    guard: str
    without: str
    test: str

    @property
    def path(self) -> Path:
        """The file."""
        return SOURCES / "sumun" / self.file

    def is_there(self) -> bool:
        """Whether the guard stands in its file exactly once."""
        return self.path.read_text().count(self.guard) == 1

    def taken(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the test against a copy of the code without the guard."""
        copy = folder / "src"
        shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
        file = copy / self.path.relative_to(SOURCES)
        file.write_text(file.read_text().replace(self.guard, self.without))
        return run_test(self.test, copy, folder)


def run_test(test: str, sources: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it against this code."""
    words = [
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_timeout",
        "--basetemp",
        str(folder / "t"),
        test,
    ]
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *words],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PYTHONPATH": str(sources),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # half of the time went into plugins that one test needs none of
            "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "h"),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
