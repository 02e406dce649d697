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

import uvicorn
import uvloop

from sumun.access import TokenKind
from sumun.changes import Changes
from sumun.config.plan import Client, ClientKind, SecretRef, TokenSettings
from sumun.directory import Directory, DirectoryThreads, NewKey, Occasion
from sumun.identity import Permission
from sumun.login.pipeline import Logins
from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.node.directory_truth import DirectoryTruth
from sumun.node.part_valkey import find_server
from sumun.node.unix_socket import bind_unix
from sumun.oauth.app import OAuthApp
from sumun.oauth.clients import as_registered, find_client
from sumun.oauth.server import OAuthParts, oauth_app
from sumun.oauth.standings import RememberedStandings
from sumun.recognition import Memory, NewsReader, Recogniser, steady_seconds
from sumun.recognition.handshake_tickets import HandshakeTickets
from sumun.recognition.truth import ConfiguredFirst
from sumun.tokens.batching import BatchingReader
from sumun.tokens.signing_keys import SigningKey
from sumun.tokens.stores.connect import valkey_feed, valkey_store, valkey_tickets
from sumun.tokens.stores.valkey_link import ValkeyAddress

CLIENTS = 200
CONNECTIONS = 32
SECRET = "of-the-measurement"
TICK = os.sysconf("SC_CLK_TCK")

ISSUER = "https://gw.example.com"
SETTINGS = TokenSettings(ISSUER, ISSUER, 900, 900, "ES256", 60)
# As the embedded store is configured: an acknowledged token is on the disk.
VALKEY = """
port 0
unixsocket {folder}/valkey.sock
unixsocketperm 600
dir {folder}
appendonly yes
appendfsync always
save ""
loglevel warning
logfile {folder}/valkey.log
"""


def client_of(kind: TokenKind, n: int) -> Client:
    """A program that the configuration names."""
    return Client(
        id=f"{kind}{n}",
        kind=ClientKind.CONFIDENTIAL,
        grants=frozenset({"client_credentials"}),
        secret=SecretRef("env:SECRET"),
        first_party=False,
        login=(),
        scopes=(Permission("order", "*"),),
        roles=(),
        permissions=(Permission("order", "read"),),
        token_kind=kind,
        token_lifetime_seconds=900,
    )


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


@asynccontextmanager
async def issuing(folder: Path) -> AsyncIterator[OAuthApp]:
    """The OAuth server with what `node.assemble` gives it; logins of nobody, for only programs ask here."""
    clients = {
        client.id: client for kind in TokenKind for client in (client_of(kind, n) for n in range(CLIENTS))
    }
    directory, threads = Directory.open(folder / "sumun.db"), DirectoryThreads()
    address = ValkeyAddress(unix_socket=str(folder / "valkey.sock"))
    store, feed = valkey_store(address, steady_seconds), valkey_feed(address, steady_seconds)
    truth, memory = DirectoryTruth(directory, threads, time.time), Memory()
    first = ConfiguredFirst(truth, clients)
    reader = NewsReader(
        feed,
        memory,
        truth,
        node="bench",
        process="http",
        serve_known_for_seconds=10,
        steady=steady_seconds,
        wall=time.time,
    )
    key = SigningKey.generate("ES256")
    occasion = Occasion("bench", int(time.time() * 1000), 900)
    directory.keys.add_first(NewKey(key.kid, "ES256", key.to_public_jwk(), key.to_jwk()), occasion)
    throttle = MemoryLoginThrottle(Budgets(10, 100, 1000, 300), steady_seconds)

    async def nobody_pays(_password: str) -> None:
        return

    parts = OAuthParts(
        settings=SETTINGS,
        find_client=find_client(
            {client.id: as_registered(client, SECRET) for client in clients.values()},
            lambda client_id: threads.call(directory.clients.get, client_id),
        ),
        standing=first.standing,
        remembered=RememberedStandings(memory, first.standing, steady_seconds).of,
        login_for=Logins({}, throttle, nobody_pays).login_for,
        client_throttle=throttle,
        store=store,
        changes=Changes(
            directory,
            threads,
            store,
            feed,
            node="bench",
            clock=time.time,
            claims_live_seconds=lambda: 900,
            configured_clients=lambda: clients,
        ),
        recogniser=Recogniser(
            memory, BatchingReader(store), first, issuer=ISSUER, audience=ISSUER, steady=steady_seconds
        ),
        tickets=HandshakeTickets(valkey_tickets(address, steady_seconds)),
        keys=lambda: memory.keys,
        bundles=dict,
        clock=time.time,
    )
    news = asyncio.create_task(reader.run())
    await reader.wait_ready()
    try:
        yield oauth_app(parts)
    finally:
        news.cancel()
        await asyncio.gather(news, return_exceptions=True)
        await store.close()
        await feed.close()
        await threads.close()
        directory.close()


async def serve(folder: Path, *, constant: bool) -> None:
    """Serve as the HTTP process does, until SIGTERM."""
    async with issuing(folder) as oauth:
        app: Any = Constant() if constant else oauth
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        server = uvicorn.Server(config)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: setattr(server, "should_exit", True))
        await server._serve([bind_unix(folder / "http.sock")])  # noqa: SLF001  serve() would take our signals


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


def round_robin(kind: TokenKind, clients: int) -> Iterator[bytes]:
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
def child(argv: list[str], core: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process on one core, ended at the end."""
    process = subprocess.Popen(argv)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(process.pid, {core % (os.cpu_count() or 1)})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def measure(
    folder: Path, seconds: float, kind: TokenKind, clients: int, *, constant: bool = False
) -> dict[str, float]:
    """One row."""
    argv = [sys.executable, __file__, "--serve", str(folder), *(["--constant"] if constant else [])]
    path = folder / "http.sock"
    with child(argv, 0) as process:
        deadline = time.monotonic() + 20
        while not path.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the measured process does not start")
            time.sleep(0.05)
        time.sleep(0.3)
        requests = round_robin(kind, clients)
        uvloop.run(load_for(0.5, path, requests))
        before, began = cpu_seconds(process.pid), time.perf_counter()
        answers, failures = uvloop.run(load_for(seconds, path, requests))
        took, cpu = time.perf_counter() - began, cpu_seconds(process.pid) - before
    path.unlink(missing_ok=True)
    if failures * 100 > answers:
        sys.exit(f"{failures} of {answers + failures} requests failed: this measures nothing")
    return {
        "per_second": round(answers / took),
        "cpu_us": round(cpu / answers * 1e6, 1),
        "per_core": round(answers / cpu),
    }


@contextmanager
def valkey(folder: Path) -> Iterator[None]:
    """The store, as the product configures its own."""
    configuration = folder / "valkey.conf"
    configuration.write_text(VALKEY.format(folder=folder))
    with child([str(find_server()), str(configuration)], 1):
        while not (folder / "valkey.sock").exists():
            time.sleep(0.02)
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
    with tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as root, valkey(Path(root)):
        print(json.dumps(rows(Path(root), arguments.seconds), indent=1))


def rows(folder: Path, seconds: float) -> dict[str, Any]:
    """Every measurement."""
    floor = measure(folder, seconds, TokenKind.OPAQUE, 1, constant=True)
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "connections": CONNECTIONS,
        "constant": floor,
    }
    for kind, clients in ((TokenKind.OPAQUE, CLIENTS), (TokenKind.OPAQUE, 1), (TokenKind.JWT, CLIENTS)):
        row = measure(folder, seconds, kind, clients)
        row["ratio"] = round(floor["cpu_us"] / row["cpu_us"], 3)
        found[f"{kind}, {clients} clients"] = row
    return found


if __name__ == "__main__":
    main()
