"""Parts: processes that are started in order, watched, restarted with back-off, and stopped in reverse.

A part is ready when it says so (`readiness`) or when its own `wait_ready` finds it so. A part that ends later without
being told to is started again after a pause that doubles from 0.1 s to 5 s and begins anew once it ran for 30 s. Parts
are in sessions of their own, so a Ctrl-C in the terminal reaches the supervisor alone, which then stops them in order;
and they end with the supervisor even if that is killed (PR_SET_PDEATHSIG, prctl(2)).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import re
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sumun.node.errors import PartFailedError
from sumun.node.machine.privileges import Account
from sumun.node.processes import readiness

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
SETTLED_AFTER_SECONDS = 30.0
PLAIN = ("PATH", "HOME", "TZ", "LANG", "LC_ALL", "LC_MESSAGES", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables of the environment that say where things are and how to speak."""

_PR_SET_PDEATHSIG = 1
_PARENT = os.getppid()
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int = _PARENT) -> None:
    """Ask the kernel to send this process SIGTERM when its parent ends. Lost when the user changes: call it after.

    `parent` is who it was before (default: at the start of the program): a parent that has ended meanwhile sends no
    signal any more, so then this process ends here.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)


_ALERT = "[ALERT]"
"""What HAProxy says when something is wrong; its warnings are of its comings and goings."""


@dataclass(frozen=True, slots=True)
class PartSpec:
    """How to run one part.

    `account`: become this user before the program starts (for programs that cannot do it themselves).
    `wait_ready`: how to find out that it is ready; None: it announces it through the readiness pipe.
    `stop_steps`: signals to stop it by, each with the seconds to wait for it; SIGKILL comes after the last.
    `foreign`: a program that does not log as we do: its lines become records of our log, under its name.
    `alarm`: which of those lines say why it ended (a regular expression; what precedes its match is left out).
    `stdout`: a file descriptor for its standard output alone.
    `executable`: the program, when it is not to be found under `argv[0]`.
    `inherits`: False for programs of others: of our environment, in which secrets may stand, they get only PLAIN.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    pass_fds: tuple[int, ...] = ()
    wait_ready: Callable[[], Awaitable[None]] | None = None
    ready_seconds: float = 20.0
    stop_steps: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0),)
    foreign: bool = False
    alarm: str = ""
    stdout: int | None = None
    executable: str | None = None
    inherits: bool = True


class Part:
    """One running part."""

    def __init__(self, spec: PartSpec, output: int | None) -> None:
        """`output` is the file descriptor for the part's standard output and error; None: the supervisor's own."""
        self.spec = spec
        self._output = output
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=5)
        self.restarts = 0
        self.since = 0.0
        """Unix seconds of the moment when it was ready last, or when it ended."""
        self.ended = ""
        """How it ended last; empty as long as it never did."""
        self.ready = False

    @property
    def pid(self) -> int | None:
        """The process id, or None when it is not running."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start and wait until ready. Raises PartFailedError; then nothing of it is left running."""
        process = await self._start_once()
        self._watcher = asyncio.create_task(self._watch(process), name=f"watch {self.spec.name}")

    def end(self) -> None:
        """Tell it to stop, and let it be started again, by the spec that it has now."""
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)

    async def stop(self) -> None:
        """Tell it to stop, wait, kill it if it does not. May be called twice, and after a failed start."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        await self._end_process()

    async def _start_once(self) -> asyncio.subprocess.Process:
        spec = self.spec
        account = spec.account
        supervisor = os.getpid()
        output = asyncio.subprocess.PIPE if spec.foreign else self._output
        reading, writing = os.pipe()
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *spec.argv,
                executable=spec.executable,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output if spec.stdout is None else spec.stdout,
                stderr=asyncio.subprocess.STDOUT if spec.foreign and spec.stdout is None else output,
                env={**_inherited(spec), **spec.environment, readiness.VARIABLE: str(writing)},
                pass_fds=(writing, *spec.pass_fds),
                start_new_session=True,
                preexec_fn=lambda: end_with_parent(supervisor),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            os.close(reading)
            raise PartFailedError(f"{spec.name}: cannot start {spec.argv[0]}: {error.strerror}") from error
        finally:
            os.close(writing)
        voice = process.stderr or process.stdout
        if voice is not None:
            self._listener = asyncio.create_task(self._listen(voice), name=f"hear {spec.name}")
        try:
            async with asyncio.timeout(spec.ready_seconds):
                if spec.wait_ready is None:
                    await self._until_announced(process, reading)
                else:
                    await self._until_found(process, spec.wait_ready)
        except TimeoutError:
            await self._end_process()
            raise PartFailedError(f"{spec.name}: not ready after {spec.ready_seconds:g} seconds") from None
        except BaseException:
            await self._end_process()
            raise
        finally:
            os.close(reading)
        self.since, self.ready = time.time(), True
        return process

    async def _until_announced(self, process: asyncio.subprocess.Process, reading: int) -> None:
        line = await _read_line(reading)
        failure = readiness.failure_in(line)
        if failure == "":
            failure = f"ended while starting ({_how(await process.wait())}); its log says more"
        if failure is not None:
            raise PartFailedError(f"{self.spec.name}: {failure}")

    async def _until_found(
        self, process: asyncio.subprocess.Process, wait_ready: Callable[[], Awaitable[None]]
    ) -> None:
        found = asyncio.ensure_future(wait_ready())
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((found, ended), return_when=asyncio.FIRST_COMPLETED)
            if not found.done():
                await asyncio.sleep(0.05)  # its last words are on their way
                raise PartFailedError(
                    f"{self.spec.name}: ended while starting ({_how(ended.result())}): {self._last_words()}"
                )
            found.result()
        finally:
            found.cancel()
            ended.cancel()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_SECONDS
        while True:
            started = loop.time()
            self.ended = how = _how(await process.wait())
            self.since, self.ready = time.time(), False
            _end_group(process.pid)
            if loop.time() - started > SETTLED_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            while True:
                log.error("part %s ended (%s); starting it again in %.1f s", self.spec.name, how, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                try:
                    process = await self._start_once()
                except (PartFailedError, OSError) as error:
                    log.error("%s", error)
                    how = "failed to start"
                    self.ended = str(error).removeprefix(f"{self.spec.name}: ")
                else:
                    break
            self.restarts += 1
            log.warning("part %s runs again as process %s", self.spec.name, self.pid)

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        for number, seconds in self.spec.stop_steps:
            _tell(process, number)
            try:
                async with asyncio.timeout(seconds):
                    await process.wait()
            except TimeoutError:
                continue
            return
        log.warning("part %s did not stop when told; killed", self.spec.name)
        _tell(process, signal.SIGKILL)
        await process.wait()

    def _last_words(self) -> str:
        alarms = [found[0] for line in self._said if (found := re.search(self.spec.alarm or ".*", line))]
        return "; ".join(alarms or self._said) or "it said nothing"

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        foreign = logging.getLogger(f"sumun.part.{self.spec.name}")
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # longer than the reader's buffer
                continue
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()
            self._said.append(text)
            foreign.log(logging.ERROR if _ALERT in text else logging.INFO, "%s", text)


def _tell(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal. `process.send_signal` polls first, and so takes the exit status away from who waits for it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)


def _inherited(spec: PartSpec) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if spec.inherits or name in PLAIN}


def _how(code: int) -> str:
    """How a process ended, in words."""
    return f"exit {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _end_group(leader: int) -> None:
    """End what a part left behind (a worker, a child that writes a file): it would be in its successor's way."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


async def _read_line(fd: int) -> str:
    """Everything up to the pipe's end (the part writes one line and closes)."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(fd), "rb", buffering=0)
    )
    try:
        return (await reader.readline()).decode("utf-8", "replace")
    finally:
        transport.close()
