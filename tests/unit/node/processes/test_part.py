"""Parts as real processes: ready or not, restarted, stopped, and nothing left."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import sumun
from sumun.node.errors import PartFailedError
from sumun.node.processes.part import Part, PartSpec

SAY = "import os; os.write(int(os.environ['SUMUN_READY_FD']), {!r})"
READY = SAY.format(b"ready\n")
SLEEP = "; import time; time.sleep(60)"


def spec(code: str, **more: object) -> PartSpec:
    """A part that runs this Python code."""
    made = PartSpec(name="x", argv=[sys.executable, "-S", "-c", code])
    return replace(made, **more)  # type: ignore[arg-type]


async def until(what: Callable[[], object]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.01)


def lives(pid: int) -> bool:
    """True while the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


async def refused(part: Part) -> str:
    """Start what cannot start: the sentence. No process is left."""
    with pytest.raises(PartFailedError) as error:
        await part.start()
    assert part.pid is None
    return str(error.value)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (SAY.format(b"failed the disk is full\n"), "x: the disk is full"),
        ("raise SystemExit(5)", "x: ended while starting (exit 5); its log says more"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "x: ended while starting (killed by SIGKILL); its log says more",
        ),
    ],
)
def test_why_a_part_did_not_start(code: str, sentence: str) -> None:
    """Its own sentence, or how it ended."""
    assert asyncio.run(refused(Part(spec(code), None))) == sentence


def test_a_program_that_is_not_there() -> None:
    """It is named."""
    part = Part(PartSpec(name="x", argv=["/nonexistent/program"]), None)
    assert asyncio.run(refused(part)) == "x: cannot start /nonexistent/program: No such file or directory"


def test_a_part_that_is_not_ready_in_time_is_ended() -> None:
    """Nothing of it is left."""
    code = "import time; time.sleep(60)"
    assert asyncio.run(refused(Part(spec(code, ready_seconds=0.2), None))) == "x: not ready after 0.2 seconds"


def test_what_a_foreign_program_said_last() -> None:
    """Only the lines that tell why, without what stands before them."""

    async def never() -> None:
        await asyncio.Event().wait()

    code = "print('[NOTICE] hello'); print('[ALERT] (1) : no room'); raise SystemExit(1)"
    part = Part(spec(code, foreign=True, alarm=r"(?<=\[ALERT\]).*", wait_ready=never), None)
    assert asyncio.run(refused(part)) == "x: ended while starting (exit 1):  (1) : no room"


def test_an_alert_of_haproxy_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Who looks for errors in the log finds it; what else a foreign program says is for whoever reads everything."""
    caplog.set_level(logging.INFO)
    code = "print('[NOTICE] hello'); print('[ALERT] no server available!'); raise SystemExit(1)"
    asyncio.run(refused(Part(spec(code, foreign=True), None)))
    said = [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "sumun.part.x"]
    assert said == [("INFO", "[NOTICE] hello"), ("ERROR", "[ALERT] no server available!")]


def test_a_part_that_ends_is_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a pause that grows while it keeps ending; and it is said each time."""
    monkeypatch.setattr("sumun.node.processes.part.FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("sumun.node.processes.part.LONGEST_PAUSE_SECONDS", 0.04)

    async def watch() -> None:
        part = Part(spec(READY + SLEEP), None)
        await part.start()
        try:
            for times in range(1, 6):
                os.kill(part.pid or 0, signal.SIGKILL)
                await until(lambda times=times: part.restarts == times)
        finally:
            await part.stop()
        assert part.pid is None

    asyncio.run(watch())
    pauses = [
        record.args[2] for record in caplog.records if "starting it again" in record.msg and record.args
    ]  # type: ignore[index]
    assert pauses == [0.01, 0.02, 0.04, 0.04, 0.04]
    assert "part x ended (killed by SIGKILL)" in caplog.text


def test_what_a_dead_part_left_behind_ends_too() -> None:
    """A child that outlives its parent would be in the successor's way."""

    async def watch() -> None:
        code = (
            "import os, time; child = os.fork() or time.sleep(60); "
            + READY
            + "; open({!r}, 'w').write(str(child))"
        )
        part = Part(spec(code.format(path) + SLEEP), None)
        await part.start()
        try:
            await until(lambda: Path(path).exists() and Path(path).read_text())
            child = int(Path(path).read_text())
            assert lives(child)
            os.kill(part.pid or 0, signal.SIGKILL)
            await until(lambda: not lives(child))
        finally:
            await part.stop()

    path = f"/tmp/smn-left-{os.getpid()}"
    try:
        asyncio.run(watch())
    finally:
        Path(path).unlink(missing_ok=True)


def test_a_part_that_does_not_hear_is_killed(caplog: pytest.LogCaptureFixture) -> None:
    """Told by each signal in turn, then killed; stopping twice is fine."""

    async def stop() -> None:
        code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + SLEEP
        part = Part(spec(code, stop_steps=((signal.SIGTERM, 0.1),)), None)
        await part.start()
        pid = part.pid
        await part.stop()
        await part.stop()
        assert pid is not None
        assert not lives(pid)

    asyncio.run(stop())
    assert "did not stop when told; killed" in caplog.text


def test_programs_of_others_inherit_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the environment they get what says where things are and how to speak."""
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    monkeypatch.setenv("TZ", "Asia/Seoul")
    code = "import os; open({!r}, 'w').write(repr(dict(os.environ))); " + READY + SLEEP

    async def environment(*, inherits: bool) -> str:
        seen = tmp_path / f"{inherits}"
        part = Part(spec(code.format(str(seen)), inherits=inherits, environment={"MORE": "1"}), None)
        await part.start()
        await part.stop()
        return seen.read_text()

    ours, theirs = asyncio.run(environment(inherits=True)), asyncio.run(environment(inherits=False))
    assert "s3cret" in ours
    assert "SHOP_SECRET" not in theirs
    assert "Asia/Seoul" in theirs
    assert "'MORE': '1'" in theirs


@pytest.mark.parametrize(("parent", "code"), [("1", 0), ("os.getppid()", 7)])
def test_a_process_whose_parent_is_gone_already_ends(parent: str, code: int) -> None:
    """The kernel tells of a parent's end only once: who asks too late must notice by itself."""
    words = f"import os; from sumun.node.processes.part import end_with_parent as e; e({parent}); os._exit(7)"
    environment = {"PYTHONPATH": str(Path(sumun.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", words], env=environment, check=False)
    assert done.returncode == code
