"""What a token costs: the HTTP process of a running node, every write on disk, asked by its socket as HAProxy asks it.

    python -m bench.issue [--seconds 3] [--rounds 3] [--only NAME]... [--out FILE]

The node is `sumun run`, on one core; load has the other. Measured is on-CPU time from the scheduler, of the HTTP
process and of all processes, divided by tokens (by answers, for introspection). `per_core` is 10^6 / microseconds of
the HTTP process. The floor is the same server, uvicorn, answering a constant: `ratio` is the floor's cost over the
cost, so that it means something on another machine too. Rounds are interleaved; medians and their spread.

Password logins are a row of their own: nearly all of it is Argon2, in threads. In the code flow the person has logged
in before: authorization endpoint, one redirect back, token endpoint. Prints a table and writes JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop

from bench.side_by_side.load import cpu_microseconds
from bench.side_by_side.token_callers import (
    CALLBACK,
    PROGRAMS,
    SECRET,
    Caller,
    Talk,
    codes,
    constant_talk,
    introspection,
    password,
    programs,
    refresh,
)
from sumun.node.machine.unix_socket import bind_unix
from tests.live.node_under_test import NodeUnderTest, node_folder

CONNECTIONS: Final = 32
NODE_CORE, LOAD_CORE = 0, 1

_PROGRAM = """\
  - {{id: {kind}{n}, kind: confidential, secret: "file:program.secret", grants: [client_credentials],
     permissions: [order:read], scopes: ["order:*"], token: {kind}}}
"""
_SETTINGS = """\
listen: 127.0.0.1:{port}
services:
  shop: {{url: http://127.0.0.1:9}}
roles:
  user: [product:read, order:read]
routes:
  - {{path: /products, methods: [GET], service: shop, require: product:read}}
login: [password]
limits: {{wrong_tokens_per_source: 1000000}}
clients:
  - {{id: app, kind: public, first_party: true, grants: [password, refresh_token, authorization_code],
     scopes: ["*:*"], redirect_uris: ["{callback}"]}}
  - {{id: asks, kind: resource_server, secret: "file:program.secret"}}
{programs}"""

# ---- the rounds ----


@dataclass
class Row:
    """One thing that is measured. `processes`: name -> process id; `http` is the one that issues."""

    name: str
    socket: Path
    talk: Callable[[int], Talk]
    processes: Callable[[], dict[str, int]]
    callers: list[Caller] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """One round; the callers go on where they were."""
        loop = asyncio.get_running_loop()
        self.callers = [Caller(self.talk(n)) for n in range(CONNECTIONS)]
        for caller in self.callers:
            await loop.create_unix_connection(lambda caller=caller: caller, str(self.socket))  # type: ignore[misc]
        # What a caller does once (log in) is no part of what is measured.
        async with asyncio.timeout(30):
            await asyncio.gather(*(caller.begun.wait() for caller in self.callers))
        named = self.processes()
        before, start, began = self._cpu(named), self._done(), time.perf_counter()
        await asyncio.sleep(seconds)
        after, done, took = self._cpu(named), self._done() - start, time.perf_counter() - began
        for caller in self.callers:
            caller.stopped = True
            caller.transport.close()
            if caller.failure is not None:
                raise caller.failure
        cpu = {name: (after[name] - before[name]) / done for name in named}
        self.per_second.append(done / took)
        self.http.append(cpu["http"])
        self.whole.append(sum(cpu.values()))

    def _done(self) -> int:
        return sum(caller.done for caller in self.callers)

    def _cpu(self, named: dict[str, int]) -> dict[str, float]:
        return {name: cpu_microseconds(pid) for name, pid in named.items()}

    def found(self, floor: float) -> dict[str, Any]:
        """The JSON object."""
        http = statistics.median(self.http)
        return {
            "per_second": round(statistics.median(self.per_second)),
            "http_us": round(http, 1),
            "http_us_spread": [round(min(self.http), 1), round(max(self.http), 1)],
            "all_us": round(statistics.median(self.whole), 1),
            "per_core": round(1e6 / http),
            "ratio": round(floor / http, 3),
        }


async def constant(_scope: Any, receive: Any, send: Any) -> None:
    """The floor: read the body, answer as many bytes as a token takes (ASGI)."""
    while (await receive()).get("more_body"):
        pass
    token = b'{"access_token":"smn_at_%s","token_type":"Bearer","expires_in":900}' % (b"x" * 49)
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"pragma", b"no-cache"),
        (b"content-length", b"%d" % len(token)),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": token})


async def serve_constant(path: Path) -> None:
    """Until SIGTERM, as the HTTP process serves."""
    config = uvicorn.Config(constant, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGTERM, lambda: setattr(server, "should_exit", True)
    )
    await server._serve([bind_unix(path)])  # noqa: SLF001 - serve() would take our signals


@contextmanager
def constant_server(folder: Path) -> Iterator[tuple[Path, int]]:
    """Its socket and its process id."""
    path = folder / "constant.sock"
    process = subprocess.Popen(
        ["taskset", "-c", str(NODE_CORE), sys.executable, "-m", "bench.issue", "--constant", str(path)]
    )
    try:
        while not path.exists():
            if process.poll() is not None:
                sys.exit("the constant server does not start")
            time.sleep(0.02)
        yield path, process.pid
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def running_node(folder: Path) -> Iterator[NodeUnderTest]:
    """A node with one person and many programs."""
    node = NodeUnderTest(data=folder / "data", before=["taskset", "-c", str(NODE_CORE)])
    node.config = folder / "sumun.yaml"
    many = "".join(_PROGRAM.format(kind=kind, n=n) for kind in ("opaque", "jwt") for n in range(PROGRAMS))
    node.config.write_text(_SETTINGS.format(port=node.port, callback=CALLBACK, programs=many))
    (folder / "program.secret").write_text(SECRET)
    (folder / "program.secret").chmod(0o600)
    node.start()
    try:
        node.add_person("alice", "user")
        yield node
    finally:
        node.stop()


def rows_of(node: NodeUnderTest, floor: tuple[Path, int]) -> list[Row]:
    """All that is measured; the floor first."""
    path, pid = floor
    socket = node.data / "run" / "http.sock"

    def parts() -> dict[str, int]:
        return dict(node.parts())

    talks: dict[str, Callable[[int], Talk]] = {
        "client_credentials, opaque": lambda n: programs("opaque", n),
        "client_credentials, JWT": lambda n: programs("jwt", n),
        "refresh, opaque": lambda _n: refresh(),
        "code flow, logged in": lambda _n: codes(node),
        "introspection, opaque": lambda n: introspection("opaque", n),
        "introspection, JWT": lambda n: introspection("jwt", n),
        "password login (Argon2)": lambda _n: password(),
    }
    return [
        Row("a constant", path, lambda _n: constant_talk(), lambda: {"http": pid}),
        *(Row(name, socket, talk, parts) for name, talk in talks.items()),
    ]


def table(found: dict[str, dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| | per second and core of the HTTP process | its CPU µs | all processes' | ratio to a constant |"
    ]
    lines.append("|---|---|---|---|---|")
    for name, row in found.items():
        low, high = row["http_us_spread"]
        lines.append(
            f"| {name} | {row['per_core']:,} | {row['http_us']} [{low}-{high}] | {row['all_us']} | {row['ratio']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, or be the floor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", action="append", help="rows whose name begins so (the floor is always there)"
    )
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    parser.add_argument("--constant", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.constant is not None:
        uvloop.run(serve_constant(wanted.constant))
        return
    os.sched_setaffinity(0, {LOAD_CORE % (os.cpu_count() or 1)})
    with node_folder() as folder, constant_server(folder) as floor, running_node(folder) as node:
        rows = rows_of(node, floor)
        if wanted.only:
            rows = [row for n, row in enumerate(rows) if n == 0 or row.name.startswith(tuple(wanted.only))]
        for number in range(wanted.rounds):
            for row in rows if number % 2 == 0 else rows[::-1]:
                uvloop.run(row.run(wanted.seconds))
            print(f"round {number + 1} of {wanted.rounds}", file=sys.stderr, flush=True)
    least = statistics.median(rows[0].http)
    found = {row.name: row.found(least) for row in rows}
    whole = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "connections": CONNECTIONS,
        "rounds": wanted.rounds,
        "load_average": os.getloadavg(),
        "rows": found,
    }
    if wanted.out is not None:
        wanted.out.write_text(json.dumps(whole, indent=1) + "\n")
    print(table(found))
    print(f"\n{whole['when'][:10]}, Python {whole['python']}, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
