"""A guard of ours, how to take it away, and the test that must turn red without it.

    removals.py       the list; *_removals.py are more of it
    without.py        puts a module without its guard in the place of the real one
    test_removals.py  each one: the guard is taken out of a copy of its file, its test is run with that, and has to fail

A guard is a few words in one file. Taking it away means writing what somebody in a hurry might: the comparison left
out, the check that always says yes.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "src"


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.guards.warm"])


@dataclass(frozen=True)
class Done:
    """How pytest ended: its exit code, None or negative when it was killed, and what it said."""

    returncode: int | None
    stdout: str


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

    def taken(self, folder: Path) -> Done:
        """Run the test against the code without the guard."""
        file = folder / self.path.name
        file.write_text(self.path.read_text().replace(self.guard, self.without))
        return self.run_test(file, folder)

    def run_test(self, file: Path, folder: Path) -> Done:
        """Run it with what stands in `file` in place of the guard's module (`without.py`)."""
        words = ["-q", "-x", "-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "tests.guards.without"]
        settings = {
            "WITHOUT_MODULE": "sumun." + self.file.removesuffix(".py").replace("/", "."),
            "WITHOUT_FILE": str(file),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # half of the time went into plugins that one test needs none of
            "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "h"),
        }
        said = folder / "said"
        process = FORKS.Process(
            target=_pytest, args=([*words, "--basetemp", str(folder / "t"), self.test], settings, str(said))
        )
        process.start()
        process.join(200)
        process.kill()
        process.join()
        return Done(process.exitcode, said.read_text())


def _pytest(words: list[str], settings: dict[str, str], said: str) -> None:
    """In the process of its own."""
    os.environ.update(settings)
    os.chdir(REPOSITORY)
    with Path(said).open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    code = pytest.main(words)
    sys.stdout.flush()
    os._exit(code)
