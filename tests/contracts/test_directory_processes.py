"""Several processes on one directory, and processes that die, over SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sumun.directory import Directory, Epochs
from sumun.identity import Subject
from tests.contracts.occasions import CONFIGURED, NOW, person
from tests.contracts.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
ROUNDS = 40
SHARED = Subject.user("shared")


@contextmanager
def worker(how: str, location: Path | str, name: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A process that does as tests/contracts/directory_worker.py says; gone when the block ends."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.contracts.directory_worker",
            how,
            str(location),
            name,
            *more,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What the process says, line by line. A line that a kill cut short was never acknowledged."""
    assert process.stdout is not None
    return (line.strip() for line in process.stdout if line.endswith("\n"))


def everything_is_whole(directory: Directory) -> None:
    """Every change has its record and its news, in one order, and what was lowered counts."""
    records = directory.audit.newest(limit=100_000)
    entries = directory.outbox.oldest(100_000)
    people = [user.id for user in directory.users.list(limit=100_000)]
    events = Counter(record.event for record in records)
    assert events["user_added"] == len(people)
    assert [record.about for record in reversed(records)] == [entry.key for entry in entries]
    assert directory.subjects.epochs(SHARED) == Epochs(events["rights_withdrawn"], 0)
    assert all(directory.standing(Subject.user(name)) is not None for name in people)


def test_two_processes_lose_nothing(directory: Directory, location: Path | str) -> None:
    """Two processes change the same rows as fast as they can: every acknowledged change is there, once."""
    directory.users.add(person("shared"), CONFIGURED, NOW)
    with (
        worker("hammer", location, "one", str(ROUNDS)) as one,
        worker("hammer", location, "two", str(ROUNDS)) as two,
    ):
        said = [*lines(one), *lines(two)]
        assert (one.wait(), two.wait()) == (0, 0)
    assert len(said) == 2 * (1 + 2 * ROUNDS)
    assert directory.subjects.epochs(SHARED) == Epochs(2 * ROUNDS, 0)
    assert len(directory.users.list(limit=1000)) == 1 + 2 * ROUNDS
    everything_is_whole(directory)


@pytest.mark.parametrize("after", [7, 30])
def test_a_killed_process_loses_nothing_that_it_acknowledged(
    directory: Directory, location: Path | str, after: int
) -> None:
    """kill -9 at any moment: what was acknowledged is there, and nothing is there by half."""
    directory.users.add(person("shared"), CONFIGURED, NOW)
    with worker("hammer", location, "one", "100000") as process:
        said = lines(process)
        heard = [next(said) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        heard += list(said)
        process.wait()
    everything_is_whole(directory)
    acknowledged = {line.removeprefix("added ") for line in heard if line.startswith("added ")}
    assert len(acknowledged) >= after // 2 - 1
    assert acknowledged <= {user.id for user in directory.users.list(limit=100_000)}
    assert directory.subjects.epochs(SHARED).epoch >= sum(line.startswith("lowered ") for line in heard)


def test_a_kill_in_the_middle_of_a_transaction(directory: Directory, location: Path | str) -> None:
    """kill -9 between the first row and the commit: no row is there, and the next writer does not wait for the dead."""
    with worker("hang", location, "one") as process:
        assert "inside" in lines(process)
        assert directory.users.get("ghost") is None  # readers see nothing of it, and do not wait
        process.send_signal(signal.SIGKILL)
        process.wait()
    begun = time.monotonic()
    directory.users.add(person("shared"), CONFIGURED, NOW)
    assert time.monotonic() - begun < 2
    assert [user.id for user in directory.users.list()] == ["shared"]
    everything_is_whole(directory)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_start_at_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Four processes open a directory that is not there yet: its tables are made once, and all four work with it."""
    location: Path | str = tmp_path / "new.db"
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        location = server.url(server.new_database())
    with (
        worker("open", location, "1") as one,
        worker("open", location, "2") as two,
        worker("open", location, "3") as three,
        worker("open", location, "4") as four,
    ):
        every = (one, two, three, four)
        assert [list(lines(process)) for process in every] == [["open"]] * 4
        assert [process.wait() for process in every] == [0] * 4
    with Directory.open(location) as directory:
        assert directory.users.list() == []
