"""A node as an operator runs it: `sumun run` on a configuration of the test's own, with the shop's services behind it.

The services are processes of the test, not of the node, so the node's family is exactly what `sumun run` started.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sumun.demo.settings import SERVICES, write_settings
from tests.live.demo_node import REPOSITORY, SOURCES, DemoNode, descendants
from tests.live.operator_shell import Shell

BATCH_SECRET = "batch-secret-of-the-test"
STAFF_SECRET = "staff-secret-of-the-test"


AT_ONCE_SECONDS = 15.0
"""For what is promised within a second, on a machine that is busy; `make soak` looks at the second itself."""


@contextmanager
def shop_services(issuer: str) -> Iterator[dict[str, int]]:
    """The shop's services as a process of the test. Gives the port of each, and a port for `staff` that nobody serves."""
    sockets = {name: _bound() for name in (*SERVICES, "staff")}
    ports = {name: one.getsockname()[1] for name, one in sockets.items()}
    for name in ("echo", "staff"):
        sockets.pop(name).close()
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "sumun.demo.services", *(f"{n}={s.fileno()}" for n, s in sockets.items())],
        pass_fds=[writing, *(s.fileno() for s in sockets.values())],
        env={
            **os.environ,
            "PYTHONPATH": SOURCES,
            "ISSUER": issuer,
            "ECHO_PORT": str(ports["echo"]),
            "SUMUN_READY_FD": str(writing),
        },
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as ready:
            assert ready.readline() == "ready\n", "the shop's services did not start"
        yield ports
    finally:
        process.terminate()
        process.wait(10)
        for one in sockets.values():
            one.close()


def _bound() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


@dataclass
class NodeUnderTest(DemoNode):
    """A running `sumun run`.

    before        words in front of the command line, such as `unshare --mount`
    config_named  what the command line calls the configuration, when it is not `config`
    options       words behind the command line, such as `--watch`
    """

    config: Path = Path()
    config_named: str = ""
    before: Sequence[str] = ()
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The gateway's own address, as its tokens name it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said_in(self) -> Path:
        """Where its standard output and error go."""
        return self.config.with_name("run.out")

    def command(self) -> list[str]:
        """The command line."""
        config = self.config_named or str(self.config)
        return [
            *self.before,
            sys.executable,
            "-m",
            "sumun",
            "run",
            "--config",
            config,
            "--data",
            str(self.data),
            *self.options,
        ]

    def launch(self) -> subprocess.Popen[str]:
        """Start, and do not wait."""
        with self.said_in.open("w") as output:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONPATH": SOURCES, **self.environment},
                start_new_session=True,
            )
        return self.process

    def start(self, seconds: float = 60.0) -> None:
        """Start and wait until it says that it is ready."""
        process = self.launch()
        deadline = time.monotonic() + seconds
        while "ready on" not in self.log() or not self.healthy():
            if process.poll() is not None:
                raise AssertionError(f"it ended with {process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"it was not ready in {seconds} s:\n{self.log()}")
            time.sleep(0.05)

    def log(self) -> str:
        """All it said so far."""
        return self.said_in.read_text() if self.said_in.exists() else ""

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Started here and stopped at the end, also when a test fails."""
        self.start()
        try:
            yield self
        finally:
            if self.process is not None and self.process.poll() is None:
                self.stop()

    def stop(self, how: signal.Signals = signal.SIGINT, seconds: float = 60.0) -> int:
        """Stop and give the exit code; what does not end in time is killed, so that nothing is left behind."""
        try:
            return super().stop(how, seconds)
        except subprocess.TimeoutExpired:
            assert self.process is not None
            self.process.kill()
            self.process.wait()
            raise

    def refused(self, seconds: float = 60.0) -> tuple[int, str]:
        """Start what must not start. Gives the exit code and what was said; nothing of it is left running."""
        process = self.launch()
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"it neither started nor ended in {seconds} s:\n{self.log()}") from None
        return code, self.log()

    def part(self, name: str) -> int:
        """The process id of a part: `valkey`, `http`, `answer`, `haproxy` (the master), `worker` (HAProxy's)."""
        assert self.process is not None
        found = self.parts().get(name)
        assert found is not None, f"no part {name} among {self.parts()}"
        return found

    def parts(self) -> dict[str, int]:
        """Part -> process id, of those that run at this moment."""
        assert self.process is not None
        found: dict[str, int] = {}
        for pid in sorted(descendants(self.process.pid), key=born):
            words = command_line(pid)
            if not words:
                continue
            own = re.search(r"sumun\.node\.parts\.(\w+)", words)
            if own:
                found[own[1]] = pid
            elif "valkey-server" in words:
                found["valkey"] = pid
            elif "haproxy" in words:
                found["worker" if "haproxy" in found else "haproxy"] = pid
        return found

    def add_person(self, name: str, *roles: str) -> None:
        """A person with the password NAME-demo-pass."""
        words = [word for role in roles for word in ("--role", role)]
        done = self.sumun("user", "add", name, *words, "--password-stdin", stdin=f"{name}-demo-pass\n")
        assert done.returncode == 0, done.stderr

    def sumun(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One command on this node's data folder, in this process: a new one takes a second (DemoNode starts them)."""
        done = Shell(self.data)("", *arguments, stdin=stdin)
        return subprocess.CompletedProcess(arguments, done.code, done.out, done.err)

    def kill(self, name: str) -> int:
        """kill -9 one part; gives the process id that it had."""
        pid = self.part(name)
        os.kill(pid, signal.SIGKILL)
        return pid


def command_line(pid: int) -> str:
    """The words of a process's command line, or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def born(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 when it is gone. Process ids begin anew at 32768."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0


def resident(pid: int) -> int:
    """The process's memory in RAM (VmRSS), in KiB; 0 when it is gone."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def until(what: Callable[[], object], seconds: float = 60.0, why: str = "") -> float:
    """Wait until `what()` is true; gives the seconds that it took. A refused connection counts as not yet."""
    began = time.monotonic()
    while True:
        try:
            if what():
                return time.monotonic() - began
        except OSError:
            pass
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {why or what}")
        time.sleep(0.02)


def about(folder: Path) -> dict[int, str]:
    """The processes whose command line names this folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        words = command_line(int(entry.name)) if entry.name.isdigit() else ""
        if str(folder) in words:
            found[int(entry.name)] = words
    return found


def gone(pids: set[int], seconds: float = 60.0) -> set[int]:
    """The processes of `pids` that are still there after at most `seconds`. A zombie is gone."""
    deadline = time.monotonic() + seconds
    while True:
        left = {pid for pid in pids if _lives(pid)}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


@contextmanager
def node_folder() -> Iterator[Path]:
    """A folder with a short path that an ordinary user may enter (sockets lie below it)."""
    folder = Path(tempfile.mkdtemp(prefix="smn-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def password_grant(name: str) -> dict[str, str]:
    """The form of a login at the token endpoint."""
    return {
        "grant_type": "password",
        "client_id": "shop-app",
        "username": name,
        "password": f"{name}-demo-pass",
    }


def write_config(folder: Path, port: int, ports: Mapping[str, int], extra: str = "") -> Path:
    """The shop's configuration with its secrets, and `extra` YAML at the end."""
    config = folder / "sumun.yaml"
    config.write_text(write_settings(port, ports) + extra)
    for name, secret in (("batch.secret", BATCH_SECRET), ("staff.secret", STAFF_SECRET)):
        (folder / name).write_text(f"{secret}\n")
        (folder / name).chmod(0o600)
    return config
