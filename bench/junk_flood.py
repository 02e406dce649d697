"""What a flood of made-up tokens does to those who call with good ones: p99 with and without it, in one run.

The flood: well-formed tokens with valid checksums that nobody issued, each used once, as fast as the gateway answers,
from many source addresses (127.0.0.0/8) over kept connections. As shipped, a source is answered at once so often only
(`limits.wrong_tokens_per_source`); `--answer-at-once` takes that away, as for an attacker with addresses without end.
The good caller: one token, paced, a fixed number of
calls a second, timed from the moment a call was due (so waiting is not left out). Quiet and flooded spells alternate.

The gateway has one core for itself where the machine has two; flood and caller share the other, the flood at the
lowest priority, so that it is not the caller's own core that is measured. Prints one JSON object.

    make bench T=bench/junk_flood.py      (by hand: PYTHONPATH=., and --spells --seconds --rate --sources)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from typing import ClassVar

from sumun.tokens import format as token_format
from tests.live.node_under_test import NodeUnderTest, node_folder, resident, shop_services, write_config

AT_ONCE = 8  # requests in flight on each connection of the flood
CALLERS = 64  # connections of the good caller: more than it needs, so that it never waits for one of its own


class Flood(asyncio.Protocol):
    """One attacker's connection: writes junk, counts what is answered, writes as much again."""

    answered: ClassVar[dict[bytes, int]] = {}

    def __init__(self, tokens: list[str], gone: asyncio.Future[None]) -> None:
        self._tokens = tokens
        self._gone = gone

    def connection_lost(self, exc: Exception | None) -> None:
        """The attacker connects again."""
        if not self._gone.done():
            self._gone.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send(AT_ONCE)

    def _send(self, count: int) -> None:
        requests = [
            f"GET /products HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._tokens.pop()}\r\n\r\n"
            for _ in range(min(count, len(self._tokens)))
        ]
        self._transport.write("".join(requests).encode())

    def data_received(self, data: bytes) -> None:
        """Count the answers (a status line cut in two is missed: one in thousands)."""
        lines = data.split(b"HTTP/1.1 ")[1:]
        for line in lines:
            status = line[:3]
            Flood.answered[status] = Flood.answered.get(status, 0) + 1
        if lines:
            self._send(len(lines))


async def attack(port: int, sources: int, seconds: float, tokens: list[str]) -> None:
    """Flood for some seconds, then print how many answers of each status came."""
    loop = asyncio.get_running_loop()

    async def keep_at_it(number: int) -> None:
        address = (f"127.{1 + number % 200}.{number // 200 % 250}.{1 + number % 250}", 0)
        while True:
            gone: asyncio.Future[None] = loop.create_future()
            await loop.create_connection(partial(Flood, tokens, gone), "127.0.0.1", port, local_addr=address)
            await gone

    attackers = [asyncio.create_task(keep_at_it(number)) for number in range(sources)]
    await asyncio.wait(attackers, timeout=seconds)
    print(json.dumps({status.decode(): count for status, count in Flood.answered.items()}))


class Caller:
    """Paced calls with a good token over a few kept connections."""

    def __init__(self, port: int, token: str) -> None:
        self._request = (
            f"GET /products HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        self._port = port
        self.statuses: dict[str, int] = {}

    async def call_for(self, seconds: float, rate: int) -> list[float]:
        """The latencies of all calls, in milliseconds."""
        due: asyncio.Queue[float | None] = asyncio.Queue()
        latencies: list[float] = []
        workers = [asyncio.create_task(self._work(due, latencies)) for _ in range(CALLERS)]
        began = time.perf_counter()
        for number in range(int(seconds * rate)):
            moment = began + number / rate
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            due.put_nowait(moment)
        for _ in workers:
            due.put_nowait(None)
        await asyncio.gather(*workers)
        return latencies

    async def _work(self, due: asyncio.Queue[float | None], latencies: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (moment := await due.get()) is not None:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            latencies.append((time.perf_counter() - moment) * 1000)
            status = head[9:12].decode()
            self.statuses[status] = self.statuses.get(status, 0) + 1
        writer.close()


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie."""
    return sorted(values)[int(share * (len(values) - 1))]


def pin(pids: set[int], core: int) -> None:
    """Give these processes one core."""
    for pid in pids:
        try:
            os.sched_setaffinity(pid, {core})
        except ProcessLookupError:
            continue


def flood(port: int, arguments: argparse.Namespace, core: int | None) -> subprocess.Popen[str]:
    """The attacker, a process of its own at the lowest priority."""
    words = [sys.executable, __file__, "--attack", str(port), "--sources", str(arguments.sources)]
    words += ["--seconds", str(arguments.seconds + 1.5), "--junk", str(arguments.junk)]
    attacker = subprocess.Popen(["nice", "-n", "19", *words], stdout=subprocess.PIPE, text=True)
    if core is not None:
        pin({attacker.pid}, core)
    return attacker


async def measure(node: NodeUnderTest, arguments: argparse.Namespace) -> dict[str, object]:
    """Alternate quiet and flooded spells."""
    caller = Caller(node.port, node.log_in("alice"))
    cores = sorted(os.sched_getaffinity(0))
    core = cores[0] if len(cores) > 1 else None
    if core is not None:
        pin(node.family(), cores[1])
        pin({os.getpid()}, core)
    await caller.call_for(1.0, arguments.rate)
    memory = {name: resident(pid) for name, pid in node.parts().items()}
    quiet: list[list[float]] = []
    flooded: list[list[float]] = []
    junk: dict[str, int] = {}
    for _ in range(arguments.spells):
        quiet.append(await caller.call_for(arguments.seconds, arguments.rate))
        attacker = flood(node.port, arguments, core)
        assert attacker.stdout is not None
        await asyncio.to_thread(attacker.stdout.readline)  # it has its tokens, and begins
        await asyncio.sleep(0.5)
        flooded.append(await caller.call_for(arguments.seconds, arguments.rate))
        said, _ = await asyncio.to_thread(attacker.communicate)
        for status, count in json.loads(said).items():
            junk[status] = junk.get(status, 0) + count
    grown = {name: resident(pid) - memory.get(name, 0) for name, pid in node.parts().items()}
    ratios = [percentile(f, 0.99) / percentile(q, 0.99) for q, f in zip(quiet, flooded, strict=True)]
    return {
        "p99_ratio_median": round(statistics.median(ratios), 2),
        "p99_ratio_each": [round(ratio, 2) for ratio in ratios],
        "quiet_ms": spell(quiet),
        "flooded_ms": spell(flooded),
        "good_statuses": caller.statuses,
        "junk_statuses": junk,
        "junk_per_second": round(sum(junk.values()) / (arguments.spells * (arguments.seconds + 1.5))),
        "memory_mib": {name: round(kib / 1024, 1) for name, kib in memory.items()},
        "memory_grown_mib": {name: round(kib / 1024, 1) for name, kib in grown.items()},
    }


def spell(latencies: list[list[float]]) -> dict[str, float]:
    """Percentiles over all spells of one kind."""
    every = [one for some in latencies for one in some]
    return {f"p{share:g}": round(percentile(every, share / 100), 2) for share in (50, 90, 99, 99.9)}


def main() -> None:
    """Measure, or be the attacker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spells", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rate", type=int, default=200, help="good calls a second")
    parser.add_argument("--sources", type=int, default=250)
    parser.add_argument("--junk", type=int, default=100_000, help="made-up tokens a spell")
    parser.add_argument(
        "--answer-at-once", action="store_true", help="wrong tokens do not wait, however many a source sends"
    )
    parser.add_argument("--attack", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.attack:
        tokens = [token_format.new() for _ in range(arguments.junk)]
        print("ready", flush=True)
        asyncio.run(attack(arguments.attack, arguments.sources, arguments.seconds, tokens))
        return
    with node_folder() as folder, shop_services("http://127.0.0.1") as ports:
        node = NodeUnderTest(data=folder / "data")
        limits = "limits: {wrong_tokens_per_source: 1000000}\n" if arguments.answer_at_once else ""
        node.config = write_config(folder, node.port, ports, limits)
        node.start()
        try:
            node.add_person("alice", "admin")
            print(json.dumps(asyncio.run(measure(node, arguments)), indent=2))
        finally:
            node.stop()


if __name__ == "__main__":
    main()
