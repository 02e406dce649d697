"""What one issued token costs the HTTP process: client_credentials by unix socket, real Valkey, every write on disk.

The floor is the same server answering a constant: HTTP alone. `per_core` is 10^6 / CPU microseconds, all threads of the
process counted; `ratio` is the floor's cost over the cost, so that it means something on another machine too. Prints
one JSON object.

    python bench/issue.py [--seconds 4]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvloop

from sumun.config import load
from sumun.login.pipeline import Logins
from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.node.assemble import Following, Shared, catalogue, ensure_key, open_shared, store_address
from sumun.node.folders import DataFolder, open_data_folder
from sumun.node.part_http import Site, _configuration, _Server
from sumun.node.part_valkey import prepare
from sumun.node.secret_refs import Secrets
from sumun.node.unix_socket import bind_unix
from sumun.oauth.app import OAuthApp
from sumun.oauth.clients import as_registered, find_client
from sumun.oauth.server import OAuthParts, oauth_app
from sumun.oauth.standings import RememberedStandings
from sumun.recognition import steady_seconds

CLIENTS = 200
CONNECTIONS = 32
SECRET = "of-the-measurement"
TICK = os.sysconf("SC_CLK_TCK")

YAML = """
listen: 127.0.0.1:21300
services: {{orders: {{url: "http://127.0.0.1:21301"}}}}
routes: [{{path: /orders, service: orders}}]
clients:
{clients}
"""
CLIENT = """\
  - {{id: {kind}{n}, kind: confidential, secret: "env:BENCH_SECRET", grants: [client_credentials],
     permissions: ["order:read"], scopes: ["order:*"], token: {kind}}}"""


def settings() -> str:
    """A configuration with so many clients of each kind of token."""
    lines = [CLIENT.format(kind=kind, n=n) for kind in ("opaque", "jwt") for n in range(CLIENTS)]
    return YAML.format(clients="\n".join(lines))


def request_of(client_id: str) -> bytes:
    """The request that HAProxy would hand on."""
    pair = base64.b64encode(f"{client_id}:{SECRET}".encode()).decode()
    body = "grant_type=client_credentials&scope=order%3Aread"
    return (
        "POST /oauth/token HTTP/1.1\r\nhost: gw.example.com\r\nuser-agent: bench\r\naccept: */*\r\n"
        f"authorization: Basic {pair}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        "x-sumun-source: 192.0.2.1\r\nx-sumun-listener: public\r\nx-request-id: 0123456789abcdef\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


# ---- the process that is measured ----


class Constant:
    """The floor: read the body, answer as many bytes as a token takes."""

    BODY = b'{"access_token":"smn_at_%s","token_type":"Bearer","expires_in":900,"scope":"order:read"}' % (
        b"x" * 49
    )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        while (await receive()).get("more_body"):
            pass
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"pragma", b"no-cache"),
            (b"content-length", b"%d" % len(self.BODY)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.BODY})


def server_of(shared: Shared, following: Following, secrets: Secrets) -> OAuthApp:
    """The OAuth server, with logins of nobody: only programs ask here."""
    plan = shared.plan
    throttle = MemoryLoginThrottle(Budgets(10, 100, 1000, 300), steady_seconds)

    async def nobody_pays(_password: str) -> None:
        return

    configured = {
        c.id: as_registered(c, None if c.secret is None else secrets.get(c.secret.source))
        for c in plan.clients.values()
    }
    parts = OAuthParts(
        settings=plan.tokens,
        find_client=find_client(
            configured, lambda client_id: shared.threads.call(shared.directory.clients.get, client_id)
        ),
        standing=following.directory.standing,
        remembered=RememberedStandings(following.memory, following.directory.standing, steady_seconds).of,
        login_for=Logins({}, throttle, nobody_pays).login_for,
        client_throttle=throttle,
        store=shared.store,
        changes=shared.changes,
        recogniser=following.recogniser,
        keys=lambda: following.memory.keys,
        bundles=lambda: plan.roles,
        clock=time.time,
    )
    return oauth_app(parts)


async def serve(data: Path, *, constant: bool) -> None:
    """What `node.part_http` does, without dropping root."""
    folder = DataFolder(data)
    plan = load(data / "sumun.yaml", catalogue())
    secrets = Secrets(plan)
    address = store_address(plan, folder, secrets)
    async with open_shared(plan, folder, "bench", secrets, address) as shared:
        ensure_key(shared.directory, plan)
        following = Following(shared, "bench", "http")
        news = asyncio.create_task(following.news.run())
        await following.news.wait_ready()
        site: Any = Constant() if constant else Site(server_of(shared, following, secrets))
        server = _Server(_configuration(site))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: setattr(server, "should_exit", True))
        await server.serve_quietly(bind_unix(folder.http_socket))
        news.cancel()
        await asyncio.gather(news, return_exceptions=True)


# ---- the load ----


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it was answered."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Event) -> None:
        self.requests = requests
        self.done = done
        self.answers = 0
        self.failures = 0
        self.seen = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head, _, body = self.seen.partition(b"\r\n\r\n")
        if not body.endswith(b"}"):
            return
        if head.startswith(b"HTTP/1.1 200") and b"access_token" in body:
            self.answers += 1
        else:
            self.failures += 1
        self.seen = b""
        assert self.transport is not None
        if self.done.is_set():
            self.transport.close()
        else:
            self.transport.write(next(self.requests))


def round_robin(kind: str, clients: int) -> Iterator[bytes]:
    """Requests of these clients in turn."""
    requests = [request_of(f"{kind}{n}") for n in range(clients)]
    n = 0
    while True:
        yield requests[n % clients]
        n += 1


async def load_for(seconds: float, socket_path: Path, requests: Iterator[bytes]) -> tuple[int, int]:
    """(answers, failures) of so many seconds."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    callers = []
    for _ in range(CONNECTIONS):
        _, caller = await loop.create_unix_connection(lambda: Caller(requests, done), str(socket_path))
        callers.append(caller)
    await asyncio.sleep(seconds)
    done.set()
    for caller in callers:
        if caller.transport is not None:
            caller.transport.close()
    return sum(caller.answers for caller in callers), sum(caller.failures for caller in callers)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def child(argv: list[str], core: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process on one core, ended at the end."""
    process = subprocess.Popen(argv, env={**os.environ, **environment})
    with contextlib.suppress(OSError):
        os.sched_setaffinity(process.pid, {core % (os.cpu_count() or 1)})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def measure(
    folder: DataFolder, seconds: float, kind: str, clients: int, *, constant: bool = False
) -> dict[str, float]:
    """One row."""
    argv = [sys.executable, __file__, "--serve", str(folder.root), *(["--constant"] if constant else [])]
    with child(argv, 0, BENCH_SECRET=SECRET) as process:
        deadline = time.monotonic() + 20
        while not folder.http_socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the measured process does not start")
            time.sleep(0.05)
        time.sleep(0.3)
        requests = round_robin(kind, clients)
        uvloop.run(load_for(0.5, folder.http_socket, requests))
        before, began = cpu_seconds(process.pid), time.perf_counter()
        answers, failures = uvloop.run(load_for(seconds, folder.http_socket, requests))
        took, cpu = time.perf_counter() - began, cpu_seconds(process.pid) - before
    folder.http_socket.unlink(missing_ok=True)
    if failures or not answers:
        sys.exit(f"{failures} of {answers + failures} requests failed: this measures nothing")
    return {
        "per_second": round(answers / took),
        "cpu_us": round(cpu / answers * 1e6, 1),
        "per_core": round(answers / cpu),
    }


@asynccontextmanager
async def valkey(folder: DataFolder) -> AsyncIterator[None]:
    """The embedded store, as the product configures it."""
    spec = prepare(folder, None)
    with child(spec.argv, 1):
        await asyncio.wait_for(spec.wait_ready(), 20)
        yield


def main() -> None:
    """Measure, or be what is measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--constant", action="store_true")
    arguments = parser.parse_args()
    if arguments.serve is not None:
        uvloop.run(serve(arguments.serve, constant=arguments.constant))
        return
    with tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as root:
        folder = open_data_folder(Path(root) / "d")
        (folder.root / "sumun.yaml").write_text(settings())
        print(json.dumps(asyncio.run(rows(folder, arguments.seconds)), indent=1))


async def rows(folder: DataFolder, seconds: float) -> dict[str, Any]:
    """Every measurement."""
    async with valkey(folder):
        floor = await asyncio.to_thread(measure, folder, seconds, "opaque", 1, constant=True)
        found: dict[str, Any] = {
            "python": platform.python_version(),
            "connections": CONNECTIONS,
            "constant": floor,
        }
        for kind, clients in (("opaque", CLIENTS), ("opaque", 1), ("jwt", CLIENTS)):
            row = await asyncio.to_thread(measure, folder, seconds, kind, clients)
            row["ratio"] = round(floor["cpu_us"] / row["cpu_us"], 3)
            found[f"{kind}, {clients} clients"] = row
    return found


if __name__ == "__main__":
    main()
