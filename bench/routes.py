"""What a route costs: CPU of HAProxy per request with 10 routes and with 10,000, side by side in one run.

Twelve shapes of templates, four hosts, random ids, every route called equally often. The gateway's configuration
is the one sumun renders, hygiene and access log included; behind it a bare HAProxy answers. `open` are public
routes (nothing is asked: the stricter ratio), `asked` are protected ones, decided over SPOE by an answerer that
always allows. Needs `wrk`. Prints one JSON object; `ratio` is 10,000 over 10 and must stay at or below 1.1.

    python -m bench.routes [--rounds 5] [--seconds 2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from time import sleep

from sumun.access import Access
from sumun.config.plan import Plan, Route
from sumun.haproxy import HAProxyError, RuntimePaths, find_program, install, make_current, render
from sumun.haproxy.master import ENVIRONMENT, argv
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import SHOW_INFO, parse_info
from sumun.spop import AgentConnection, HealthCheck, Hello, Notify, encode_variables
from tests.live.ports import free_port
from tests.unit.haproxy.plans import limits, plan, route, service

SHAPES = (
    "/{}",
    "/{}/{id}",
    "/{}/{id}/reviews",
    "/{}/v1/{id}",
    "/{}/{id}/items/{item}",
    "/{}/{a}/{b}",
    "/{}/{a}/{b}/{c}",
    "/v1/{}/{id}/addresses",
    "/v1/{}/{id}",
    "/v1/{}/{a}/members/{b}",
    "/v2/x/{}/{id}/label",
    "/files/{}/**",
)
HOSTS = ("a.test", "b.test", "c.test", "d.test")

ALLOW = encode_variables(
    {
        "allow": True,
        "fact": "||opaque;user;;*:*|user:u-00001234|t-000000001234|shop-app|u-00001234|%EC%95%A8%EB%A6%AC%EC%8A%A4",
        "rights": "|admin,user|product:create,product:read,order:read",
    }
)

LUA = """
local lines, n = {}, 0
for line in io.lines(os.getenv('TARGETS')) do n = n + 1; lines[n] = line end
math.randomseed(tonumber(os.getenv('SEED')))
local r, fmt = math.random, string.format
request = function()
  local host, path = lines[r(n)]:match('(%S+) (%S+)')
  path = path:gsub('{[a-z]*}', function() return r(1, 99999999) end)
  return fmt('GET %s HTTP/1.1\\r\\nHost: %s\\r\\nUser-Agent: wrk/4\\r\\nAccept: application/json\\r\\n'
    .. 'Accept-Encoding: gzip\\r\\nAuthorization: Bearer smn_at_%043dabcdef\\r\\n\\r\\n', path, host, r(1, 99999999))
end
done = function(s, _, _)
  local e = s.errors
  print('DONE', s.requests, e.status + e.connect + e.read + e.write + e.timeout)
end
"""


class Allows(asyncio.Protocol):
    """An answerer that always allows."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One connection from HAProxy."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.agent = AgentConnection()

    def data_received(self, data: bytes) -> None:
        """Questions, and the HELLO before them."""
        out = []
        for event in self.agent.receive(data):
            if isinstance(event, Hello | HealthCheck):
                out.append(self.agent.agent_hello())
            elif isinstance(event, Notify):
                out.append(self.agent.ack(event, ALLOW))
        self.transport.write(b"".join(out))


def make_routes(count: int, access: Access) -> list[Route]:
    """`count` routes over all shapes and hosts."""
    routes = []
    for n in range(count):
        path = SHAPES[n % len(SHAPES)].replace("{}", f"svc{n}")
        routes.append(route(f"r{n}", path, "s", "GET", host=HOSTS[n % len(HOSTS)], access=access))
    return routes


class Gate:
    """One HAProxy with a number of routes."""

    def __init__(self, folder: Path, kind: str, count: int, upstream: int) -> None:
        self.name = f"{kind} {count}"
        self.port = free_port()
        self.folder = folder / self.name.replace(" ", "-")
        run = self.folder / "run"
        run.mkdir(parents=True)
        self.paths = RuntimePaths(run, self.folder)
        access = Access.PUBLIC if kind == "open" else Access.PROTECTED
        routes = make_routes(count, access)
        made: Plan = plan(self.port, [service("s", upstream)], routes, bounds=limits(max_connections=2000))
        make_current(install(render(made, 1, self.paths), self.folder / "g"), self.folder / "current")
        self.targets = self.folder / "targets"
        rows = [f"{one.host} {one.path.replace('**', '{x}/{y}')}" for one in routes]
        random.Random(1).shuffle(rows)
        self.targets.write_text("\n".join(rows) + "\n")
        self.worker = 0

    def start(self, stack: ExitStack) -> None:
        """Start HAProxy; it ends with the stack."""
        log = stack.enter_context((self.folder / "access.log").open("ab"))
        process = subprocess.Popen(
            argv(find_program(), self.folder / "current", self.paths),
            env={**ENVIRONMENT, **os.environ},
            stdout=log,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        for _ in range(200):
            sleep(0.1)
            try:
                self.worker = int(
                    parse_info(asyncio.run(RuntimeSocket(self.paths.runtime).ask(SHOW_INFO)))["Pid"]
                )
                return
            except HAProxyError:
                continue
        raise SystemExit(f"HAProxy did not start for {self.name}")

    def measure(self, seconds: int, seed: int, script: Path) -> float:
        """CPU microseconds per request."""
        environment = dict(os.environ, TARGETS=str(self.targets), SEED=str(seed))
        command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{self.port}/"]
        before = cpu_microseconds(self.worker)
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        spent = cpu_microseconds(self.worker) - before
        _, requests, errors = next(line for line in said.splitlines() if line.startswith("DONE")).split()
        if int(errors):
            raise SystemExit(f"{self.name}: {errors} of {requests} requests failed")
        return spent / int(requests)


def cpu_microseconds(pid: int) -> float:
    """What the process has spent since it began (sched_debug: nanoseconds on a CPU, all its threads together)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000


def start_upstream(folder: Path, stack: ExitStack) -> int:
    """A bare HAProxy that answers 200."""
    port = free_port()
    text = (
        "global\n nbthread 1\ndefaults\n mode http\n timeout client 60s\n"
        f"frontend f\n bind 127.0.0.1:{port}\n http-request return status 200 content-type text/plain string ok\n"
    )
    (folder / "upstream.cfg").write_text(text)
    command = [str(find_program().path), "-f", str(folder / "upstream.cfg")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return port


def answer(gates: list[Gate]) -> None:
    """Answer the questions of all gates, for ever, in a thread."""
    loop = asyncio.new_event_loop()
    for gate in gates:
        loop.run_until_complete(loop.create_unix_server(Allows, str(gate.paths.answerer(0))))
    threading.Thread(target=loop.run_forever, daemon=True).start()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian, Ubuntu: apt-get install wrk)")
    found: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp")))
        (folder / "load.lua").write_text(LUA)
        upstream = start_upstream(folder, stack)
        gates = [Gate(folder, kind, count, upstream) for kind in ("open", "asked") for count in (10, 10_000)]
        answer(gates)
        for gate in gates:
            gate.start(stack)
        sleep(1)
        for number in range(options.rounds):
            for gate in gates if number % 2 == 0 else reversed(gates):
                cost = gate.measure(options.seconds, number, folder / "load.lua")
                found.setdefault(gate.name, []).append(cost)
    middle = {name: round(statistics.median(costs), 2) for name, costs in found.items()}
    spread = {name: [round(min(costs), 2), round(max(costs), 2)] for name, costs in found.items()}
    ratio = {kind: round(middle[f"{kind} 10000"] / middle[f"{kind} 10"], 3) for kind in ("open", "asked")}
    print(json.dumps({"microseconds": middle, "spread": spread, "ratio": ratio}, indent=2))


if __name__ == "__main__":
    main()
