"""What a limit costs a call that passes: nodes that differ only in `limits:`, in one run.

    python -m bench.limits [--rounds 9] [--seconds 1] [--only NAME]...

As `bench.gateway` does it: nodes on core 0, load and upstream on core 1, interleaved rounds, every second one in
reverse order. One hot token, kept; every limit is far above the load. The measure is on-CPU time of HAProxy's
worker, and its difference to the node without limits in the same round. Prints a table.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.side_by_side import proxies
from bench.side_by_side.load import Load, run
from bench.side_by_side.node import (
    GATEWAY_CORE,
    LOAD_CORE,
    PEOPLE,
    ROLES,
    SETTINGS,
    access_log,
    kept_share,
    mint,
    settings_of,
)
from sumun.node.operator.opened import open_for_operator
from tests.live.node_under_test import NodeUnderTest, node_folder
from tests.live.ports import free_port

_MUCH = "900000/s"
_MUCH_A_DAY = "1000000000/day"
_MOSTLY = 0.99
_ROUTE = f", limit: {_MUCH}}}}}"
VARIANTS = {
    "no limit": ("", ""),
    "per_source": ("per_source", ""),
    "per_person": ("per_person", ""),
    "per_client": ("per_client", ""),
    "limit of a route": ("", _ROUTE),
    "quota": ("quota", ""),
    "all five": ("per_source per_person per_client quota", _ROUTE),
}


def settings(variant: str, port: int, upstream: int) -> str:
    """The YAML of one node."""
    names, route = VARIANTS[variant]
    text = SETTINGS
    if route:
        head, mark, tail = text.partition("login:")
        text = head.replace("}}\n", f"{route}\n") + mark + tail
        text = text.replace("{upstream}" + route, "{upstream}}}")  # the service is no route
    if "quota" in names:
        text = text.replace('scopes: ["*:*"]', f'scopes: ["*:*"], quota: {_MUCH_A_DAY}')
    limits = "".join(f", {name}: {_MUCH}" for name in names.split() if name != "quota")
    return settings_of(port, upstream, text=text, limits=limits)


def node_of(variant: str, folder: Path, upstream: int) -> NodeUnderTest:
    """A node that is not started yet."""
    folder.mkdir()
    folder.chmod(0o711)
    node = NodeUnderTest(data=folder / "data", before=["taskset", "-c", str(GATEWAY_CORE)])
    node.config = folder / "sumun.yaml"
    node.config.write_text(settings(variant, node.port, upstream))
    return node


async def hot_token(node: NodeUnderTest, folder: Path) -> Load:
    """One token of one person."""
    async with open_for_operator(node.data) as shared:
        return Load(await mint(shared, shared.stores.tokens, folder, "hot", 1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--only", action="append", help="only these beside `no limit`")
    wanted = parser.parse_args()
    chosen = [name for name in VARIANTS if not wanted.only or name in ("no limit", *wanted.only)]
    found: dict[str, list[float]] = {name: [] for name in chosen}
    with node_folder() as folder, ExitStack() as stack:
        upstream = free_port()
        stack.enter_context(proxies.upstream(folder, upstream, LOAD_CORE))
        nodes, loads, logs = {}, {}, {}
        for number, name in enumerate(chosen):
            nodes[name] = stack.enter_context(node_of(name, folder / f"n{number}", upstream).running())
            logs[name] = access_log(nodes[name])
            for n in range(PEOPLE):
                nodes[name].add_person(f"person{n}", *ROLES[n % len(ROLES)])
            loads[name] = asyncio.run(hot_token(nodes[name], folder / f"n{number}"))
        for number in range(wanted.rounds + 1):
            for name in chosen if number % 2 == 0 else chosen[::-1]:
                started = logs[name].stat().st_size
                worker = nodes[name].part("worker")
                done = run(
                    nodes[name].port,
                    loads[name],
                    partial(dict, worker=worker),
                    folder=folder,
                    seconds=wanted.seconds,
                    core=LOAD_CORE,
                )
                if done.refused or done.broken:
                    sys.exit(f"{name}: {done.refused} refused, {done.broken} broken of {done.requests}")
                if number:  # the round before is to warm up
                    kept = kept_share(logs[name], started)
                    if kept < _MOSTLY:
                        sys.exit(f"{name}: only {kept:.1%} were kept")
                    found[name].append(done.whole)
    print("| limits | worker µs a request | more than without | ratio |\n|---|---|---|---|")
    without = found["no limit"]
    for name, whole in found.items():
        more = [one - base for one, base in zip(whole, without, strict=True)]
        ratio = statistics.median(one / base for one, base in zip(whole, without, strict=True))
        print(
            f"| {name} | {statistics.median(whole):.1f} [{min(whole):.1f}-{max(whole):.1f}] | "
            f"{statistics.median(more):+.2f} [{min(more):+.2f} to {max(more):+.2f}] | {ratio:.3f} |"
        )


if __name__ == "__main__":
    main()
