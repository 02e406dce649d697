"""sumun beside bare proxies, in one run: CPU a request, requests a second, latency, and the ratio to bare nginx.

    python -m bench.gateway [--rounds 5] [--seconds 2] [--tokens 20000]... [--only NAME]... [--out FOLDER]

All gateways stand before the same nginx, write one JSON line a request to a file, and have core 0 for themselves; load
(wrk, 32 kept connections) and upstream have core 1. Rounds are interleaved, every second one in reverse order. The
measure is on-CPU time of *all processes of the gateway* divided by answers: for sumun the HAProxy worker, the answering
process, the keeper, the embedded Valkey, and the rest (supervisor, HTTP process, HAProxy's master).

sumun is `sumun run`, nearly as shipped (`side_by_side/node.py`).

What wrk reports as latency is at saturation: 32 requests are always under way. At half load: `bench/half_load.py`.
BENCH=long: 200,000 and 1,000,000 tokens too, with room for them (`node.kept_facts`), more and longer rounds. The report
is written to bench/results/ (JSON, SVG, markdown).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.side_by_side import proxies
from bench.side_by_side.load import Load, Round, Tokens, run
from bench.side_by_side.node import (
    GATEWAY_CORE,
    LOAD_CORE,
    Kept,
    access_log,
    keep,
    kept_share,
    parts_of,
    sumun,
    tokens_of,
)
from bench.side_by_side.report import chart, kept_table, markdown, row
from sumun.tokens import format as token_format
from tests.live.node_under_test import NodeUnderTest, node_folder
from tests.live.ports import free_port

JUNK = 50_000


@dataclass(slots=True)
class Variant:
    """One thing that is measured, and what came of it. `seconds` 0: the run's own."""

    name: str
    port: int
    load: Load
    processes: Callable[[], Mapping[str, int]]
    seconds: int = 0
    used: int = 0
    rounds: list[Round] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)


# ---- the gateways ----


def grouped(one: Round) -> Round:
    """The processes that have next to nothing to do with a request, as one."""
    shown = ("nginx", "haproxy", "worker", "answer", "keeper", "valkey")
    cpu = {name: one.cpu[name] for name in shown if name in one.cpu}
    rest = sum(us for name, us in one.cpu.items() if name not in shown)
    if rest:
        cpu["other"] = rest
    return Round(one.requests, one.per_second, one.refused, one.broken, one.p50, one.p99, cpu)


def whole_nginx(master: int) -> Mapping[str, int]:
    """The worker; its master sleeps."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return {"nginx": int(children[0])}


def variants(
    node: NodeUnderTest, tokens: Mapping[str, Tokens], sizes: list[int], bare: list[Variant]
) -> list[Variant]:
    """All that is measured."""
    made = partial(Variant, port=node.port, processes=partial(parts_of, node))
    smallest = tokens[str(sizes[0])]
    kept = [
        made(f"{n:,} tokens, {pick}", load=Load(tokens[str(n)], pick))
        for n in sizes
        for pick in ("uniform", "zipf")
    ]
    return [
        *bare,
        made("one hot token", load=Load(smallest)),
        *kept,
        made("30 % junk, else hot", load=Load(smallest, junk=0.3)),
        made("JWT, kept", load=Load(tokens["jwt"])),
        made("every request asked (odd)", load=Load(smallest, "uniform", odd=True)),
        made("first sight, opaque", load=Load(tokens["once"], "each"), seconds=1),
        made("first sight, JWT", load=Load(tokens["jwt"], "each"), seconds=1, used=1),
    ]


# ---- the run ----


def measure(
    every: list[Variant], node: NodeUnderTest, folder: Path, wanted: argparse.Namespace, junk: Path
) -> None:
    """The rounds."""
    log = access_log(node)
    go = partial(run, folder=folder, junk=junk, core=LOAD_CORE)
    for one in every:
        if one.load.pick == "one":
            go(one.port, one.load, one.processes, seconds=1)
    for number in range(wanted.rounds):
        for one in every if number % 2 == 0 else every[::-1]:
            start = log.stat().st_size
            seconds = one.seconds or wanted.seconds
            done = go(one.port, one.load, one.processes, seconds=seconds, first=one.used, seed=number + 1)
            if one.load.pick == "each":
                one.used += done.requests
                if one.used > one.load.tokens.count:
                    sys.exit(
                        f"{one.name}: {one.load.tokens.count} tokens are too few; say --once or --once-jwt"
                    )
            one.rounds.append(grouped(done))
            if "worker" in done.cpu:
                one.kept.append(kept_share(log, start))
            _check(one, done)
        print(f"round {number + 1} of {wanted.rounds}", file=sys.stderr, flush=True)


def _check(one: Variant, done: Round) -> None:
    """A figure of wrong answers is no figure."""
    expected = done.requests * one.load.junk
    if done.broken or not expected * 0.9 <= done.refused <= expected * 1.1:
        sys.exit(f"{one.name}: {done.refused} refused, {done.broken} broken of {done.requests}")


def report(every: list[Variant], kept: list[Kept], wanted: argparse.Namespace) -> dict[str, Any]:
    """The JSON object."""
    beside = every[0].rounds
    rows = {}
    for one in every:
        rows[one.name] = row(one.rounds, beside)
        if one.kept:
            rows[one.name]["kept_share"] = round(sorted(one.kept)[len(one.kept) // 2], 4)
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        **proxies.versions(),
        "rounds": wanted.rounds,
        "seconds": wanted.seconds,
        "load_average": os.getloadavg(),
        "rows": rows,
        "keeping": [asdict(one) for one in kept],
    }


def write(found: dict[str, Any], out: Path) -> str:
    """Write the three files and give the table."""
    out.mkdir(parents=True, exist_ok=True)
    name = found["when"][:16].replace(":", "").replace("T", "-")
    table = f"{markdown(found['rows'])}\n\n{kept_table(found['keeping'])}"
    load = found["load_average"][0]
    caption = (
        f"{found['when'][:10]}, {found['machine']}, Python {found['python']}; medians of {found['rounds']} interleaved "
        f"rounds; µs · ratio to bare nginx; load average {load:.1f}"
    )
    (out / f"gateway-{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    (out / f"gateway-{name}.svg").write_text(chart(found["rows"], caption))
    (out / f"gateway-{name}.md").write_text(f"{caption}\n\n{table}\n")
    return f"{table}\n\n{caption}\nwritten: {out}/gateway-{name}.json .svg .md"


def arguments() -> argparse.Namespace:
    """The command line; BENCH=long changes the defaults."""
    long = os.environ.get("BENCH") == "long"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9 if long else 5)
    parser.add_argument("--seconds", type=int, default=3 if long else 1)
    parser.add_argument(
        "--tokens", type=int, action="append", help="how many tokens to keep; may be said again"
    )
    parser.add_argument(
        "--once", type=int, default=250_000 if long else 90_000, help="opaque tokens for first sight"
    )
    parser.add_argument("--once-jwt", type=int, default=90_000 if long else 45_000)
    parser.add_argument(
        "--only", action="append", help="only variants whose name begins so (bare nginx is always there)"
    )
    parser.add_argument("--port", type=int, help="the first of eight ports")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    found = parser.parse_args()
    found.tokens = found.tokens or ([20_000, 200_000, 1_000_000] if long else [20_000])
    return found


def main() -> None:
    """Measure, print, write."""
    wanted = arguments()
    ports = [wanted.port + n for n in (0, 3, 4, 5)] if wanted.port else [free_port() for _ in range(4)]
    with node_folder() as folder, ExitStack() as stack:
        stack.enter_context(proxies.upstream(folder, ports[3], LOAD_CORE))
        nginx = stack.enter_context(proxies.bare_nginx(folder, ports[1], ports[3], GATEWAY_CORE))
        haproxy = stack.enter_context(proxies.bare_haproxy(folder, ports[2], ports[3], GATEWAY_CORE))
        node = stack.enter_context(sumun(folder, ports[0], ports[3], sum(wanted.tokens)))
        opaque = {**{str(n): n for n in wanted.tokens}, "once": wanted.once}
        tokens = asyncio.run(tokens_of(node, folder, opaque, {"jwt": wanted.once_jwt}))
        junk = folder / "junk.tokens"
        junk.write_text("".join(token_format.new() for _ in range(JUNK)))
        same = Load(tokens[str(wanted.tokens[0])])
        bare = [
            Variant("bare nginx", ports[1], same, partial(whole_nginx, nginx)),
            Variant("bare HAProxy", ports[2], same, lambda: {"haproxy": haproxy}),
        ]
        every = variants(node, tokens, wanted.tokens, bare)
        if wanted.only:
            every = [one for n, one in enumerate(every) if n == 0 or one.name.startswith(tuple(wanted.only))]
        many = {one.load.tokens for one in every if one.load.pick in ("uniform", "zipf")}
        kept = [keep(node, one, folder) for one in sorted(many, key=lambda one: one.count)]
        measure(every, node, folder, wanted, junk)
        found = report(every, kept, wanted)
    print(write(found, wanted.out))


if __name__ == "__main__":
    main()
