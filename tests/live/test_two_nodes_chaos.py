"""Two nodes on their worst day: everything that may go wrong does, under load, and nothing that was taken away is let in."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sumun.changes import Applied
from sumun.errors import OutageError
from sumun.node.operator.issue_by_hand import revoke_by_hand
from sumun.tokens import format as token_format
from sumun.tokens.store import Rights
from tests.live.kept_world import ACTOR, World, held
from tests.live.tcp_relay import Cut, TcpRelay
from tests.live.test_never_stale import Load, Looped
from tests.live.two_nodes import Pair, at_work_on_both, two_nodes

log = logging.getLogger(__name__)

SECONDS = float(os.environ.get("SUMUN_CHAOS_SECONDS", "180"))
LEASE_SECONDS = 3
WAITED_FOR_SECONDS = LEASE_SECONDS * 1.02 + 0.25
READER = held("reader")
NOTHING = Rights(frozenset(), frozenset())


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 120)
def test_everything_goes_wrong(haproxy: Path) -> None:
    """Links cut, parts and the store killed, reloads: no wrong yes, no wrong no, at either node; and it heals."""
    with two_nodes(lease=LEASE_SECONDS) as pair:
        asyncio.run(_whole(pair))


async def _whole(pair: Pair) -> None:
    async with at_work_on_both(pair) as (a, b):
        user = await a.person("reader")
        looped = [Looped(await a.token(user)), Looped(await a.token(user, "jwt"))]
        outage = frozenset({503})
        over = time.monotonic() + SECONDS
        made: Counter[str] = Counter()
        async with (
            Load(a, looped, outage=outage, callers=3) as at_a,
            Load(b, looped, outage=outage, callers=3) as at_b,
        ):
            disturbing = asyncio.create_task(_disturb(pair, a, b, over))
            await asyncio.gather(*(_changes(a, looped, over, made) for _ in range(3)))
            await disturbing
            healed = time.monotonic()
            for world in (a, b):
                async with asyncio.timeout(60):
                    while (await world.caller().call(looped[0].token)).status != 200:
                        await asyncio.sleep(0.1)
            log.info(
                "healed after %.1f s; made %s; A %s, B %s",
                time.monotonic() - healed,
                made,
                at_a.seen,
                at_b.seen,
            )
        assert at_a.wrong == []
        assert at_b.wrong == []
        assert made["confirmed"] > 20
        assert made["unconfirmed"] > 0


async def _disturb(pair: Pair, a: World, b: World, over: float) -> None:
    """One misfortune after the other, with time to heal in between now and then."""

    def cut(relay: TcpRelay) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            await asyncio.to_thread(relay.cut, random.choice(list(Cut)))
            await asyncio.sleep(random.uniform(0.1, 2 * LEASE_SECONDS))
            await asyncio.to_thread(relay.mend)

        return work

    async def kill() -> None:
        with suppress(ProcessLookupError, AssertionError):
            random.choice((a, b)).kill(random.choice(("keeper", "answer-0", "answer-1", "http", "worker")))

    async def restart_store() -> None:
        pair.valkey.kill()
        await asyncio.sleep(random.uniform(0, 1))
        await asyncio.to_thread(pair.valkey.start)

    async def reload() -> None:
        await random.choice((a, b)).reload()

    while time.monotonic() < over:
        what = random.choice((cut(pair.to_valkey), cut(pair.to_postgres), kill, kill, restart_store, reload))
        await what()
        await asyncio.sleep(random.choice((0.0, 0.5, LEASE_SECONDS)))


async def _changes(a: World, looped: list[Looped], over: float, made: Counter[str]) -> None:
    """One token after the other; what could not be made is forgotten."""
    while time.monotonic() < over:
        with suppress(OutageError):
            await _flip(a, looped, made)


async def _flip(a: World, looped: list[Looped], made: Counter[str]) -> None:
    """A new token that is called at both nodes, then taken down, and perhaps up again."""
    changes = a.changes.for_all()
    user = await a.person("reader")
    kind = random.choice(("edit", "role", "revoke", "revoke jwt", "disable jwt"))
    one = Looped(
        await a.token(user, "jwt" if "jwt" in kind else "opaque", own=READER if kind == "edit" else None)
    )
    looped.append(one)
    try:
        await asyncio.sleep(random.uniform(0, 1))  # time to be kept, or not
        if kind == "edit":
            (record,) = await a.shared.stores.tokens.get_many([token_format.digest(one.token)])
            assert record is not None
            await _change(one, changes.edit_token(record.token_id, NOTHING, actor=ACTOR), 403, made)
        elif kind == "role":
            await _change(one, changes.withdraw(user, READER, actor=ACTOR), 403, made)
            await asyncio.sleep(random.uniform(0, 1))
            await _change(one, changes.grant(user, READER, actor=ACTOR), 200, made)
        elif kind == "disable jwt":
            await _change(one, changes.disable_user(user, actor=ACTOR), 401, made)
        else:
            revoked = revoke_by_hand(a.shared.in_force.plan, a.directory, changes, "-", one.token, ACTOR)
            await _change(one, revoked, 401, made)
        await asyncio.sleep(random.uniform(0, 2))
    finally:
        looped.remove(one)


async def _change(one: Looped, what: Awaitable[Applied], expected: int, made: Counter[str]) -> None:
    """When it has returned it counts: at once, or, if it names somebody, when nobody is waited for any more."""
    one.changing = True
    one.edition += 1
    applied = await what
    made["unconfirmed" if applied.unconfirmed else "confirmed"] += 1
    if applied.unconfirmed:
        await asyncio.sleep(WAITED_FOR_SECONDS)
    one.expected, one.changing = expected, False
