"""sumun beside bare proxies, in one run: CPU a request, requests a second, latency, and the ratio to bare nginx.

    python -m bench.gateway [--rounds 5] [--seconds 2] [--tokens 20000]... [--only NAME]... [--out FOLDER]

All gateways stand before the same nginx, write one JSON line a request to a file, and have core 0 for themselves; load
(wrk, 32 kept connections) and upstream have core 1. Rounds are interleaved, every second one in reverse order. The
measure is on-CPU time of *all processes of the gateway* divided by answers: for sumun the HAProxy worker, the answering
process, the keeper, the embedded Valkey, and the rest (supervisor, HTTP process, HAProxy's master).

sumun is `sumun run` on a configuration that says nothing but services, roles, routes, a client, and that wrong tokens
do not wait: every other setting is the shipped default. Opaque tokens are made by the product's own `mint_opaque` and
written by its own store (not by the token endpoint, which would take longer and make the same records); JWTs by
`mint_jwt` with the node's own key.

What wrk reports as latency is at saturation: 32 requests are always under way. BENCH=long: 200,000 and 1,000,000 tokens
too, more and longer rounds. The report is written to bench/results/ (JSON, SVG, markdown).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.side_by_side import proxies
from bench.side_by_side.load import Load, Round, Tokens, run
from bench.side_by_side.report import chart, markdown, row
from sumun.identity import ANYTHING, Permission, Subject
from sumun.node.assemble import Shared, open_for_operator
from sumun.node.directory_truth import ring_of
from sumun.recognition import steady_seconds
from sumun.tokens import format as token_format
from sumun.tokens.mint import JWT_RANDOM_BYTES, OPAQUE_RANDOM_BYTES, Grant, mint_jwt, mint_opaque
from sumun.tokens.store import TokenStore
from sumun.tokens.stores.valkey import ValkeyStore
from sumun.tokens.stores.valkey_link import ValkeyLink
from tests.live.node_under_test import NodeUnderTest, node_folder
from tests.live.ports import free_port

GATEWAY_CORE, LOAD_CORE = 0, 1
LIFETIME_SECONDS = 6 * 3600
ROLES = (("user",), ("admin",), ("user", "editor"), ("editor",))
PEOPLE = 4
JUNK = 50_000
AT_ONCE = 100

SETTINGS = """\
listen: 127.0.0.1:{port}
services:
  shop: {{url: http://127.0.0.1:{upstream}}}
roles:
  admin: ["product:*", "order:*", "shop:*"]
  editor: ["product:*", "order:read", "shop:read"]
  user: ["product:read", "order:read", "shop:read"]
routes:
  - {{path: /products, methods: [GET], service: shop, require: product:read}}
  - {{path: /products, methods: [POST], service: shop, require: product:create}}
  - {{path: "/products/{{id}}", methods: [GET], service: shop, require: product:read}}
  - {{path: "/products/{{id}}", methods: [DELETE], service: shop, require: product:delete}}
  - {{path: "/orders/{{id}}/items/{{item}}", methods: [GET], service: shop, require: order:read}}
  - {{path: "/shops/{{id}}/shelves/{{shelf}}/label", methods: [GET], service: shop}}
login: [password]
# As shipped, wrong tokens wait a second each, which would measure wrk's patience.
limits: {{wrong_tokens_per_source: 1000000}}
clients:
  - {{id: shop-app, kind: public, first_party: true, grants: [password, refresh_token], scopes: ["*:*"]}}
"""


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


# ---- tokens ----


async def mint(
    shared: Shared, store: TokenStore, folder: Path, name: str, count: int, *, jwts: bool = False
) -> Tokens:
    """So many live tokens in a file, spread over the people; JWTs are one person's, so that all are of one length."""
    people = [Subject.user(f"person{n}") for n in range(PEOPLE)]
    grants = [_grant(shared, person) for person in people]
    ring = ring_of(shared.directory.keys.list())
    settings = shared.in_force.plan.tokens
    made: list[str] = []
    for start in range(0, count, AT_ONCE):
        puts = []
        for n in range(start, min(count, start + AT_ONCE)):
            grant = grants[0 if jwts else n % PEOPLE]
            if jwts:
                made.append(
                    mint_jwt(
                        grant,
                        ring.active(settings.jwt_algorithm),
                        issuer=settings.issuer,
                        audience=settings.audience,
                        now=time.time(),
                        lifetime_seconds=LIFETIME_SECONDS,
                        random=secrets.token_bytes(JWT_RANDOM_BYTES),
                    )
                )
            else:
                token, digest, record = mint_opaque(
                    grant,
                    now=time.time(),
                    lifetime_seconds=LIFETIME_SECONDS,
                    random=secrets.token_bytes(OPAQUE_RANDOM_BYTES),
                )
                made.append(token)
                puts.append(store.put(digest, record))
        await asyncio.gather(*puts)
    file = folder / f"{name}.tokens"
    file.write_text("".join(made))
    return Tokens(file, len(made[0]), len(made))


def _grant(shared: Shared, person: Subject) -> Grant:
    standing = shared.directory.standing(person)
    assert standing is not None, person
    return Grant(
        subject=person,
        client_id="shop-app",
        scopes=frozenset({ANYTHING}),
        roles=standing.roles,
        permissions=frozenset[Permission](),
        epoch=standing.epoch,
        login_epoch=standing.login_epoch,
        client_epoch=shared.directory.subjects.epochs(Subject.client("shop-app")).epoch,
    )


async def all_tokens(node: NodeUnderTest, folder: Path, wanted: argparse.Namespace) -> dict[str, Tokens]:
    """Every file of tokens that the variants need."""
    async with open_for_operator(node.data) as shared:
        # Many connections: the server writes to the disk once for all that wait.
        link = ValkeyLink(shared.address, connections=AT_ONCE, deadline_seconds=10.0, steady=steady_seconds)
        store = ValkeyStore(link)
        made = {f"{n}": await mint(shared, store, folder, f"{n}", n) for n in wanted.tokens}
        made["once"] = await mint(shared, store, folder, "once", wanted.once)
        made["jwt"] = await mint(shared, store, folder, "jwt", wanted.once_jwt, jwts=True)
        await store.close()
    return made


# ---- the gateways ----


@contextmanager
def sumun(folder: Path, port: int, upstream: int) -> Iterator[NodeUnderTest]:
    """A running node with its people."""
    node = NodeUnderTest(data=folder / "data", port=port, before=["taskset", "-c", str(GATEWAY_CORE)])
    node.config = folder / "sumun.yaml"
    node.config.write_text(SETTINGS.format(port=port, upstream=upstream))
    node.start()
    try:
        for n in range(PEOPLE):
            node.add_person(f"person{n}", *ROLES[n % len(ROLES)])
        yield node
    finally:
        node.stop()


def parts_of(node: NodeUnderTest) -> Mapping[str, int]:
    """Name -> process id of every process of the node."""
    named = {("master" if name == "haproxy" else name): pid for name, pid in node.parts().items()}
    others = node.family() - set(named.values())
    return {**named, **{f"supervisor {pid}": pid for pid in others}}


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


def kept_share(log: Path, start: int) -> float:
    """How many of the requests logged since were served without a question."""
    with log.open("rb") as lines:
        lines.seek(start)
        data = lines.read()
    known, asked = data.count(b'"be":"known.'), data.count(b'"be":"ask.')
    return known / max(1, known + asked)


def measure(
    every: list[Variant], node: NodeUnderTest, folder: Path, wanted: argparse.Namespace, junk: Path
) -> None:
    """Warm up, then the rounds."""
    log = node.data / "log" / "access.log"
    go = partial(run, folder=folder, junk=junk, core=LOAD_CORE)
    for one in every:
        if one.load.pick in ("uniform", "zipf"):
            _fill(one, go)
        elif one.load.pick == "one":
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


def _fill(one: Variant, go: Callable[..., Round]) -> None:
    """Show every token to the gateway until it keeps them: twice."""
    tokens = one.load.tokens
    seen = 0
    while seen < 2 * tokens.count:
        seen += go(one.port, Load(tokens, "each"), one.processes, seconds=1, first=seen).requests
    time.sleep(1)


def _check(one: Variant, done: Round) -> None:
    """A figure of wrong answers is no figure."""
    expected = done.requests * one.load.junk
    if done.broken or not expected * 0.9 <= done.refused <= expected * 1.1:
        sys.exit(f"{one.name}: {done.refused} refused, {done.broken} broken of {done.requests}")


def report(every: list[Variant], wanted: argparse.Namespace) -> dict[str, Any]:
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
    }


def write(found: dict[str, Any], out: Path) -> str:
    """Write the three files and give the table."""
    out.mkdir(parents=True, exist_ok=True)
    name = found["when"][:16].replace(":", "").replace("T", "-")
    table = markdown(found["rows"])
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
        node = stack.enter_context(sumun(folder, ports[0], ports[3]))
        tokens = asyncio.run(all_tokens(node, folder, wanted))
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
        measure(every, node, folder, wanted, junk)
        found = report(every, wanted)
    print(write(found, wanted.out))


if __name__ == "__main__":
    main()
