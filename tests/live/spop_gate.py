"""A real HAProxy that asks one SPOP agent for each request, on Unix sockets only."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BYTES = ("utf-8", "surrogateescape")  # any byte, as a str
REPOSITORY = Path(__file__).parents[2]

HAPROXY_CONFIGURATION = """
global
  stats socket {folder}/haproxy.sock mode 600 level admin
  maxconn 6000
  {threads}
  tune.bufsize 32768
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend front
  bind unix@{folder}/front.sock
  filter spoe engine sumun config {folder}/spoe.conf
  acl brain_up nbsrv(spoa) gt 0
  http-request set-var(txn.cred) req.hdr(x-cred)
  http-request send-spoe-group sumun ask if brain_up
  http-request return status 503 content-type text/plain hdr Retry-After 1 string "refused" unless {{ var(txn.smn.allow) -m bool }}
  http-request return status 200 content-type text/plain hdr X-Long %[var(txn.smn.long),length] lf-string "%[var(txn.smn.who)]"
backend spoa
  mode tcp
  balance leastconn
  option spop-check
  timeout connect 200ms
  timeout server 60s
  server a unix@{folder}/answer.sock check inter 200ms fall 2 rise 1
"""

SPOE_CONFIGURATION = """
[sumun]
spoe-agent keeper
    groups ask
    option var-prefix smn
    option set-on-error err
    option continue-on-error
    no option send-frag-payload
    option pipelining
    {option}
    timeout hello 500ms
    timeout idle 60s
    timeout processing {processing}
    use-backend spoa
spoe-message ask
    args cred=var(txn.cred) src=src path=path grpc=bool(false)
spoe-group ask
    messages ask
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """A running HAProxy. It allows only what its agent allows, and says who that was; all else is 503."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def front(self) -> Path:
        """Where it takes requests."""
        return self.folder / "front.sock"

    @property
    def agent(self) -> Path:
        """Where it asks."""
        return self.folder / "answer.sock"

    def servers_up(self) -> int:
        """How many agents its checks hold for up."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "haproxy.sock"))
            client.sendall(b"show stat\n")
            said = b""
            while block := client.recv(65536):
                said += block
        (line,) = [line for line in said.decode().splitlines() if line.startswith("spoa,a,")]
        return int(line.split(",")[17].startswith("UP"))


@contextmanager
def gate(
    haproxy: Path, folder: Path, *, processing: str = "500ms", option: str = "", threads: int = 0
) -> Iterator[Gate]:
    """HAProxy with its sockets in `folder`, as many threads as it likes unless told, and one more SPOE option."""
    (folder / "haproxy.cfg").write_text(
        HAPROXY_CONFIGURATION.format(folder=folder, threads=f"nbthread {threads}" if threads else "")
    )
    (folder / "spoe.conf").write_text(SPOE_CONFIGURATION.format(option=option, processing=processing))
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([haproxy, "-db", "-f", folder / "haproxy.cfg"], stdout=log, stderr=log)
    try:
        found = Gate(folder, process)
        wait_until(lambda: found.front.is_socket() or process.poll() is not None)
        assert process.poll() is None, (folder / "haproxy.log").read_text()
        yield found
    finally:
        process.kill()
        process.wait()


@contextmanager
def agent(
    path: Path, *, deadline_seconds: float = 0.4, connections: int = 4096, max_frame_size: int = 65_532
) -> Iterator[subprocess.Popen[bytes]]:
    """Our listener in a process of its own, ready."""
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"}
    numbers = map(str, (deadline_seconds, connections, max_frame_size))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.live.spop_agent_process", path, *numbers],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Until `true()` says so. Fails after `seconds`."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request got."""

    status: int
    headers: dict[str, str]
    body: str
    seconds: float


class Client:
    """One kept-alive connection to the front."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, front: Path) -> Client:
        """A new connection."""
        return cls(*await asyncio.open_unix_connection(str(front)))

    async def get(self, cred: str) -> Reply:
        """One request with this credential."""
        begin = time.monotonic()
        self._writer.write(f"GET /p HTTP/1.1\r\nHost: a\r\nX-Cred: {cred}\r\n\r\n".encode(*BYTES))
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode(*BYTES).split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self._reader.readexactly(int(headers["content-length"]))
        return Reply(int(head[0].split()[1]), headers, body.decode(*BYTES), time.monotonic() - begin)

    async def close(self) -> None:
        """Leaves."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def get(front: Path, cred: str) -> Reply:
    """One request on a connection of its own."""
    client = await Client.connect(front)
    try:
        return await client.get(cred)
    finally:
        await client.close()


async def get_all(front: Path, creds: list[str], connections: int) -> list[Reply]:
    """All of them, so many at a time; replies in the order of `creds`."""
    replies: list[Reply | None] = [None] * len(creds)
    next_up = iter(range(len(creds)))

    async def work() -> None:
        client = await Client.connect(front)
        for number in next_up:
            replies[number] = await client.get(creds[number])
        await client.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return [reply for reply in replies if reply is not None]
