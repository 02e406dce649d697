"""docs/operations.md: every code, file and exit code is told, and what it says to type does what it says."""

from __future__ import annotations

import json
import os
import pkgutil
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import sumun
from sumun.errors import OutageError, SumunError
from sumun.tokens.errors import NoSigningKeyError, TokenTooLargeError
from tests.documentation.session import fresh_demo
from tests.documentation.tables import DOCS, table, words
from tests.live.demo_node import DemoNode

PAGE = DOCS / "operations.md"


def below(error: type[SumunError]) -> Iterator[type[SumunError]]:
    """The class and all of sumun's that derive from it (tests have some of their own)."""
    if error.__module__.startswith("sumun."):
        yield error
    for one in error.__subclasses__():
        yield from below(one)


@pytest.fixture(scope="module")
def _everything_imported() -> None:
    for found in pkgutil.walk_packages(sumun.__path__, "sumun."):
        if not found.name.startswith(("sumun.__main__", "sumun.directory.migrations.", "sumun.demo")):
            import_module(found.name)


@pytest.mark.usefixtures("_everything_imported")
def test_every_outage_is_told() -> None:
    """Each code that can stand behind a 503 has its line with what to do, and no other has."""
    page = PAGE.read_text(encoding="utf-8").split("## 503 at 3 a.m.")[1]
    second = page[page.index("| code | means | what to do |") :]
    told = {words(line)[0] for line in second.split("\n\n")[0].splitlines()[2:]}
    codes = {error.code for error in below(OutageError)}
    assert told == codes | {NoSigningKeyError.code, TokenTooLargeError.code}


@pytest.mark.usefixtures("_everything_imported")
def test_every_exit_code_is_told() -> None:
    """0, what errors end with, and 130 for an interrupted question."""
    told = {int(row[0]) for row in table(PAGE, "Start, stop, exit codes")}
    assert told == {0, 130} | {error.exit_code for error in below(SumunError)}


@pytest.fixture(scope="module")
def demo(haproxy: Path) -> Iterator[DemoNode]:
    """One demo for what follows."""
    with fresh_demo() as node:
        yield node


def test_the_data_folder_holds_these(demo: DemoNode) -> None:
    """Every file and folder of a data folder is in the table, and nothing that is not made."""
    told = {words(row[0])[0] for row in table(PAGE, "Folders")}
    side_files = {"sumun.db-wal", "sumun.db-shm"}
    assert {path.name for path in demo.data.iterdir()} - side_files - {"demo"} == told


def test_every_part_is_told(demo: DemoNode) -> None:
    """What `sumun status` lists, and the supervisor, have their line: what they do, and what their end means."""
    parts = json.loads(demo.sumun("status", "--json").stdout)["parts"]
    told = {words(row[0])[0] for row in table(PAGE, "What runs")}
    assert told == {"supervisor"} | {part["name"] for part in parts}


def whole_lines(log: Path, request_id: str) -> list[bytes]:
    """The lines of a call that are whole: those that begin and end as a JSON object."""
    lines = log.read_bytes().lstrip(b"\0").splitlines()
    return [
        line
        for line in lines
        if request_id.encode() in line and line.startswith(b"{") and line.endswith(b"}")
    ]


def test_a_truncated_log_goes_on(demo: DemoNode) -> None:
    """After copy and truncate, as logrotate does it, the next call is one whole line, NUL bytes before it skipped."""
    log = demo.data / "log" / "access.log"
    demo.call("GET", "/nowhere")
    shutil.copy(log, demo.data / "copied.log")
    os.truncate(log, 0)
    request_id = demo.call("GET", "/nowhere").headers["x-request-id"]
    deadline = time.monotonic() + 60  # the line goes another way than the answer
    while not (lines := whole_lines(log, request_id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert lines
    (demo.data / "copied.log").unlink()


def test_a_back_up_is_enough(demo: DemoNode) -> None:
    """The command of the page copies the database while it runs; a new folder with the two files has all people."""
    (line,) = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("python3 -c 'import sqlite3")
    ]
    added = demo.sumun("user", "add", "erin", "--role", "user", "--password-stdin", stdin="erin-demo-pass\n")
    assert added.returncode == 0, added.stderr
    copy = demo.data.with_name(f"{demo.data.name}-copy")
    copy.mkdir(mode=0o700)
    command = line.replace("DATA/sumun.db", str(demo.data / "sumun.db")).replace(
        "copy.db", str(copy / "sumun.db")
    )
    subprocess.run(["sh", "-c", command], check=True)
    shutil.copy(demo.data / "sumun-data", copy / "sumun-data")
    owner = demo.data.stat()
    for path in (copy, *copy.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    (copy / "sumun.db").chmod(0o600)
    restored = DemoNode(copy)
    try:
        restored.start()
        assert restored.call("GET", "/products", restored.log_in("erin")).status == 200
    finally:
        if restored.process is not None:
            restored.stop(signal.SIGTERM)
        shutil.rmtree(copy)
        copy.with_name(f"demo-{restored.port}.out").unlink(missing_ok=True)
