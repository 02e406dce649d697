"""The node that is measured: `sumun run` on a short configuration, its people, their tokens, and what it keeps of them.

The configuration says nothing but services, roles, routes, a client, and that wrong tokens do not wait; and where more
tokens are to be kept than the shipped default keeps, how many. Opaque tokens are made by the product's own
`mint_opaque` and written by its own store (not by the token endpoint, which would take longer and make the same
records); JWTs by `mint_jwt` with the node's own key.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.side_by_side.load import Load, Tokens, run
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.runtime import RuntimeSocket
from sumun.identity import ANYTHING, Permission, Subject
from sumun.node.assemble.shared import Shared
from sumun.node.directory.truth import ring_of
from sumun.node.operator.opened import open_for_operator
from sumun.recognition import steady_seconds
from sumun.tokens.mint import JWT_RANDOM_BYTES, OPAQUE_RANDOM_BYTES, Grant, mint_jwt, mint_opaque
from sumun.tokens.store import TokenStore
from sumun.tokens.stores.valkey import ValkeyStore
from sumun.tokens.stores.valkey_link import ValkeyLink
from tests.live.node_under_test import NodeUnderTest, resident

GATEWAY_CORE, LOAD_CORE = 0, 1
LIFETIME_SECONDS = 6 * 3600
ROLES = (("user",), ("admin",), ("user", "editor"), ("editor",))
PEOPLE = 4
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
limits: {{wrong_tokens_per_source: 1000000{limits}}}
clients:
  - {{id: shop-app, kind: public, first_party: true, grants: [password, refresh_token], scopes: ["*:*"]}}
{node}"""
KEPT_AS_SHIPPED = 1_000_000
"""`node.kept_facts`; half of them in each of two maps, so as many tokens as half of it are surely kept."""
ENOUGH_KEPT = 0.995
MOST_PASSES = 6


def settings_of(port: int, upstream: int, *, text: str = SETTINGS, limits: str = "", kept: int = 0) -> str:
    """The YAML. `limits`: more of them, each after a comma; `kept`: how many tokens must have room."""
    node = f"node: {{kept_facts: {2 * kept + 100_000}}}\n" if 2 * kept > KEPT_AS_SHIPPED else ""
    return text.format(port=port, upstream=upstream, limits=limits, node=node)


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


async def tokens_of(
    node: NodeUnderTest, folder: Path, opaque: Mapping[str, int], jwts: Mapping[str, int]
) -> dict[str, Tokens]:
    """Files of so many tokens, by name."""
    async with open_for_operator(node.data) as shared:
        # Many connections: the server writes to the disk once for all that wait.
        link = ValkeyLink(shared.address, connections=AT_ONCE, deadline=lambda: 10.0, steady=steady_seconds)
        store = ValkeyStore(link)
        made = {name: await mint(shared, store, folder, name, count) for name, count in opaque.items()}
        for name, count in jwts.items():
            made[name] = await mint(shared, store, folder, name, count, jwts=True)
        await store.close()
    return made


# ---- the gateways ----


@contextmanager
def sumun(folder: Path, port: int, upstream: int, kept: int = 0) -> Iterator[NodeUnderTest]:
    """A running node with its people, and room for so many tokens."""
    node = NodeUnderTest(data=folder / "data", port=port, before=["taskset", "-c", str(GATEWAY_CORE)])
    node.config = folder / "sumun.yaml"
    node.config.write_text(settings_of(port, upstream, kept=kept))
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


# ---- what it keeps ----


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of showing tokens to the node until it keeps them.

    passes        how often each token was shown
    share         of the last pass: served without a question
    rows          in the maps of facts, of `room` in each
    worker_bytes  HAProxy's worker has grown by so many bytes for each row
    """

    tokens: int
    passes: int
    share: float
    seconds: float
    rows: Mapping[str, int]
    room: int
    worker_bytes: int
    worker_mib: int


def keep(node: NodeUnderTest, tokens: Tokens, folder: Path) -> Kept:
    """Show every token until nearly all are served without a question; in order and from the end in turn, for callers
    come in any order, and of two tokens that are remembered in one place only the later is known to have come before.

    The first pass teaches nothing (`answers/returning.py`), the second teaches, the third shows it.
    """
    began, memory, rows = time.monotonic(), resident(node.part("worker")), sum(facts(node).values())
    at_once = max(1, tokens.count // 20_000)
    share, passes = 0.0, 0
    while share < ENOUGH_KEPT and passes < MOST_PASSES:
        passes += 1
        seen, start = 0, access_log(node).stat().st_size
        while seen < tokens.count:
            done = run(
                node.port,
                Load(tokens, "each" if passes % 2 else "back"),
                dict,
                folder=folder,
                seconds=min(at_once, 10),
                core=LOAD_CORE,
                first=seen,
            )
            if done.refused or done.broken:
                sys.exit(f"{done.refused} refused, {done.broken} broken of {done.requests}")
            seen += done.requests
        time.sleep(1)  # the keeper may still be writing
        share = kept_share(access_log(node), start)
        print(f"{tokens.count:,} tokens, pass {passes}: {share:.2%} kept", file=sys.stderr, flush=True)
    now, room = facts(node), max(2 * tokens.count + 100_000, KEPT_AS_SHIPPED) // 2
    grown = resident(node.part("worker")) - memory
    return Kept(
        tokens=tokens.count,
        passes=passes,
        share=round(share, 4),
        seconds=round(time.monotonic() - began, 1),
        rows=now,
        room=room,
        worker_bytes=round(grown * 1024 / max(1, sum(now.values()) - rows)),
        worker_mib=round(resident(node.part("worker")) / 1024),
    )


def facts(node: NodeUnderTest) -> dict[str, int]:
    """How many facts the newest worker holds, by map."""
    paths = RuntimePaths(node.data / "run", node.data)
    said = asyncio.run(RuntimeSocket(paths.runtime).ask("show map"))
    found = re.findall(r"\((\S+?)\).*entry_cnt=(\d+)", said)
    return {Path(name).name: int(count) for name, count in found if "facts" in name}


def access_log(node: NodeUnderTest) -> Path:
    """One line for each request."""
    return node.data / "log" / "access.log"


def kept_share(log: Path, start: int) -> float:
    """How many of the requests logged since were served without a question."""
    known = asked = 0
    with log.open("rb") as lines:
        lines.seek(start)
        while some := lines.readlines(64 << 20):
            data = b"".join(some)
            known += data.count(b'"be":"known.')
            asked += data.count(b'"be":"ask.')
    return known / max(1, known + asked)
