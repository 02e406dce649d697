"""What a caller waits while the gateway has half of what it can do: p50, p99, p99.9, beside bare proxies in one run.

    python -m bench.half_load [--rounds 5] [--seconds 3] [--only NAME]... [--out FOLDER]

Cores, upstream, node and load are those of `bench.gateway`. First wrk finds how many requests a second each variant can
do (the median of `--rounds` rounds of one second). Then half of that comes at a constant rate, whatever the answers do,
and each call is timed from the moment it was due (`side_by_side/steady.py`): nothing that waits is left out. Rounds are
interleaved, every second one in reverse order.

"No gateway" asks the upstream itself at the known call's rate: what the load program, the upstream and the kernel take,
and how exact this machine is just now. On a machine that others use, too, times are theirs: `chrt -r 1` in front of the
command (as root) puts all that is measured, and what it is measured beside, before everybody else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.side_by_side import proxies, steady
from bench.side_by_side.load import Load, run
from bench.side_by_side.node import (
    GATEWAY_CORE,
    LOAD_CORE,
    access_log,
    keep,
    kept_share,
    sumun,
    tokens_of,
)
from bench.side_by_side.report import spread
from bench.side_by_side.steady import Waits
from tests.live.node_under_test import NodeUnderTest, node_folder
from tests.live.ports import free_port

TOKENS = 2000
TARGETS_MS = {"one hot token": 0.5, "first sight, opaque": 3.0}


@dataclass(slots=True)
class Variant:
    """One thing that is measured. `known`: the share that HAProxy should serve without a question."""

    name: str
    port: int
    load: Load
    known: float | None = None
    used: int = 0
    saturated: list[float] = field(default_factory=list)
    rate: float = 0.0
    spells: list[Waits] = field(default_factory=list)


def variants(
    node: NodeUnderTest, tokens: dict[str, Any], upstream: int, nginx: int, haproxy: int
) -> list[Variant]:
    """All that is measured; the first takes the rate of the known call."""
    hot = Load(tokens["known"])
    return [
        Variant("no gateway", upstream, hot),
        Variant("bare nginx", nginx, hot),
        Variant("bare HAProxy", haproxy, hot),
        Variant("one hot token", node.port, hot, known=1.0),
        Variant(f"{TOKENS:,} tokens, uniform", node.port, Load(tokens["known"], "uniform"), known=1.0),
        Variant("JWT, kept", node.port, Load(tokens["jwt"]), known=1.0),
        Variant(
            "every request asked (odd)", node.port, Load(tokens["known"], "uniform", odd=True), known=0.0
        ),
        Variant("first sight, opaque", node.port, Load(tokens["once"], "each"), known=0.0),
        Variant("first sight, JWT", node.port, Load(tokens["jwt"], "each"), known=0.0, used=1),
    ]


def saturate(every: Sequence[Variant], folder: Path, rounds: int) -> None:
    """How many requests a second each can do; half of it is its rate."""
    for number in range(rounds + 1):
        for one in every[1:]:
            done = run(
                one.port,
                one.load,
                dict,
                folder=folder,
                seconds=1,
                core=LOAD_CORE,
                first=one.used,
                seed=number,
            )
            _use(one, done.requests)
            if done.refused or done.broken:
                sys.exit(f"{one.name}: {done.refused} refused, {done.broken} broken of {done.requests}")
            if number:  # the round before is to warm up
                one.saturated.append(done.per_second)
    for one in every[1:]:
        one.rate = statistics.median(one.saturated) / 2
    every[0].rate = next((one.rate for one in every if one.name == "one hot token"), every[1].rate)


def measure(every: Sequence[Variant], node: NodeUnderTest, wanted: argparse.Namespace) -> None:
    """The rounds at half load."""
    log = access_log(node)
    for number in range(wanted.rounds):
        for one in every if number % 2 == 0 else every[::-1]:
            start = log.stat().st_size
            done = steady.run(
                one.port,
                one.load,
                rate=one.rate,
                seconds=wanted.seconds,
                core=LOAD_CORE,
                first=one.used,
                seed=number,
            )
            _use(one, done.calls)
            if done.refused or done.broken:
                sys.exit(f"{one.name}: {done.refused} refused, {done.broken} broken of {done.calls}")
            if one.known is not None and abs(kept_share(log, start) - one.known) > 0.02:
                sys.exit(f"{one.name}: {kept_share(log, start):.1%} were kept")
            one.spells.append(done)
        print(f"round {number + 1} of {wanted.rounds}", file=sys.stderr, flush=True)


def _use(one: Variant, count: int) -> None:
    """Tokens that are shown once are used up."""
    if one.load.pick == "each":
        one.used += count
        if one.used > one.load.tokens.count:
            sys.exit(f"{one.name}: {one.load.tokens.count} tokens are too few; say --once or --once-jwt")


def row(one: Variant) -> dict[str, Any]:
    """What came of one variant."""
    times = {
        name: spread([getattr(spell, name) for spell in one.spells], 0)
        for name in ("p50", "p99", "p999", "late")
    }
    return {
        "rate": round(one.rate),
        "calls": sum(spell.calls for spell in one.spells),
        "queued": sum(spell.queued for spell in one.spells),
        **{f"{name}_us": value for name, value in times.items()},
        "busy": spread([spell.busy for spell in one.spells]),
        "spells": [asdict(spell) for spell in one.spells],
    }


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Markdown; the p99's target beside it where there is one."""
    lines = [
        "| variant | calls a second | p50 ms | p99 ms | p99.9 ms | sent late, p99 ms | target p99 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in rows.items():
        cells = " | ".join(_ms(one[f"{which}_us"]) for which in ("p50", "p99", "p999", "late"))
        target = f"{TARGETS_MS[name]:g}" if name in TARGETS_MS else ""
        lines.append(f"| {name} | {one['rate']:,} | {cells} | {target} |")
    return "\n".join(lines)


def _ms(of: dict[str, float]) -> str:
    return f"**{of['median'] / 1000:.2f}** [{of['min'] / 1000:.2f}-{of['max'] / 1000:.2f}]"


def arguments() -> argparse.Namespace:
    """The command line; BENCH=long changes the defaults."""
    long = os.environ.get("BENCH") == "long"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7 if long else 3)
    parser.add_argument("--seconds", type=float, default=5 if long else 2)
    parser.add_argument(
        "--once", type=int, default=500_000 if long else 120_000, help="opaque tokens for first sight"
    )
    parser.add_argument("--once-jwt", type=int, default=200_000 if long else 50_000)
    parser.add_argument("--only", action="append", help="only variants whose name begins so")
    parser.add_argument("--port", type=int, help="the first of eight ports")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def main() -> None:
    """Measure, print, write."""
    wanted = arguments()
    ports = [wanted.port + n for n in range(4)] if wanted.port else [free_port() for _ in range(4)]
    with node_folder() as folder, ExitStack() as stack:
        stack.enter_context(proxies.upstream(folder, ports[3], LOAD_CORE))
        stack.enter_context(proxies.bare_nginx(folder, ports[1], ports[3], GATEWAY_CORE))
        stack.enter_context(proxies.bare_haproxy(folder, ports[2], ports[3], GATEWAY_CORE))
        node = stack.enter_context(sumun(folder, ports[0], ports[3]))
        opaque = {"known": TOKENS, "once": wanted.once}
        tokens = asyncio.run(tokens_of(node, folder, opaque, {"jwt": wanted.once_jwt}))
        every = variants(node, tokens, ports[3], ports[1], ports[2])
        if wanted.only:
            every = [one for n, one in enumerate(every) if n < 2 or one.name.startswith(tuple(wanted.only))]
        keep(node, tokens["known"], folder)
        saturate(every, folder, wanted.rounds)
        measure(every, node, wanted)
    rows = {one.name: row(one) for one in every}
    found = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        **proxies.versions(),
        "rounds": wanted.rounds,
        "seconds": wanted.seconds,
        "load_average": os.getloadavg(),
        "rows": rows,
    }
    wanted.out.mkdir(parents=True, exist_ok=True)
    file = wanted.out / f"half_load-{found['when'][:16].replace(':', '').replace('T', '-')}.json"
    file.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{table(rows)}\n\nload average {os.getloadavg()[0]:.1f}\nwritten: {file}")


if __name__ == "__main__":
    main()
