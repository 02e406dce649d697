"""Very many changes of every kind under load: none is contradicted once its command has returned.

Every token is first shown to be kept (the access log says that nobody was asked), then changed, then called at once; all
the while others call it, and tokens that nobody touches. `make soak` makes SUMUN_CHANGES of them (10,000).
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import quantiles

import pytest

from sumun.access import TokenKind
from sumun.config.plan import ClientKind
from sumun.directory import RegisteredClient
from sumun.identity import ANYTHING
from sumun.node.directory.signing import rotate_keys
from sumun.node.operator.issue_by_hand import revoke_by_hand
from sumun.tokens import format as token_format
from sumun.tokens.store import Rights
from tests.live.kept_world import ACTOR, World, held, run, running_node
from tests.live.load import Change, Load, Looped
from tests.live.node_under_test import NodeUnderTest

Place = tuple[NodeUnderTest, int]
CHANGES = int(os.environ.get("SUMUN_CHANGES", "10000"))
READER = held("reader")
NOTHING = Rights(frozenset(), frozenset())
READS = Rights(frozenset({"reader"}), frozenset())
PARTNER = RegisteredClient(
    "partner", ClientKind.CONFIDENTIAL, frozenset({"password"}), b"x" * 32, True, (), frozenset({ANYTHING}),
    frozenset(), frozenset(), TokenKind.OPAQUE, 3600,
)  # fmt: skip
DEAD_KEPT = 12
"""Tokens that were ended and are called on: they stay refused."""


@pytest.fixture(scope="module")
def place(haproxy: object) -> Iterator[Place]:
    """One running gateway with two HAProxy threads and two answering processes, and the port of its service."""
    with running_node() as running:
        yield running


class Churn:
    """An operator who changes a few people again and again, in turns of every kind."""

    def __init__(self, world: World, users: Sequence[str], signed: Sequence[Looped]) -> None:
        """`signed` are the JWTs that nobody touches, but for a key that is retired."""
        self.world = world
        self.users = users
        self.signed = signed
        self.caller = world.caller()
        self.looped: list[Looped] = []
        self.lags: dict[str, list[float]] = defaultdict(list)
        self.turns = (self.role, self.edit, self.revoke, self.disable, self.password, self.client)

    @property
    def made(self) -> int:
        """How many changes so far."""
        return sum(map(len, self.lags.values()))

    async def turn(self, number: int) -> None:
        """One turn of one person."""
        user = self.users[number % len(self.users)]
        await self.turns[number // len(self.users) % len(self.turns)](user)
        self.let_go()

    def let_go(self) -> None:
        """The next turn would change what lives; what is dead stays dead."""
        self.looped[:] = [one for one in self.looped if one.expected == 401][-DEAD_KEPT:]

    async def kept(self, user: str, *kinds: str, **wish: object) -> list[Looped]:
        """New tokens, each known to HAProxy without a question, and called by others from now on."""
        made = [Looped(await self.world.token(user, kind, **wish)) for kind in kinds]
        for one in made:
            await self.world.keep(one.token, self.caller)
        self.looped += made
        return made

    async def change(self, name: str, ones: Sequence[Looped], what: Change, *expected: int) -> None:
        """When it has returned, the next call of each is answered so."""
        for one in ones:
            one.changing, one.edition = True, one.edition + 1
        began = time.monotonic()
        applied = await what()
        self.lags[name].append(time.monotonic() - began)
        assert not applied.unconfirmed, applied
        for one, status in zip(ones, expected, strict=True):
            one.expected, one.changing = status, False
            reply = await self.caller.call(one.token)
            assert reply.status == status, (name, reply)

    # -- turns ---------------------------------------------------------------------------------------------------

    async def role(self, user: str) -> None:
        """Taken and given: an opaque token follows, a JWT dies."""
        changes, ones = self.world.changes, await self.kept(user, "opaque", "jwt")
        await self.change("role taken", ones, lambda: changes.withdraw(user, READER, actor=ACTOR), 403, 401)
        await self.change("role given", ones, lambda: changes.grant(user, READER, actor=ACTOR), 200, 401)

    async def edit(self, user: str) -> None:
        """Lowered and raised in place, twice."""
        changes, ones = self.world.changes, await self.kept(user, "opaque", own=READER)
        (record,) = await self.world.shared.stores.tokens.get_many([token_format.digest(ones[0].token)])
        assert record is not None
        for _ in range(2):
            for name, rights, status in (("edit: lowered", NOTHING, 403), ("edit: raised", READS, 200)):
                handle = record.token_id
                await self.change(name, ones, lambda: changes.edit_token(handle, rights, actor=ACTOR), status)  # noqa: B023

    async def revoke(self, user: str) -> None:
        """One of each kind; the other one is not concerned."""
        plan, world = self.world.shared.in_force.plan, self.world
        opaque, signed = await self.kept(user, "opaque", "jwt")
        for name, one in (("opaque revoked", opaque), ("JWT revoked", signed)):
            await self.change(
                name,
                [one],
                lambda: revoke_by_hand(plan, world.directory, world.changes, "-", one.token, ACTOR),  # noqa: B023
                401,
            )

    async def disable(self, user: str) -> None:
        """Every token of the person ends, and stays ended when the person may come back."""
        changes, ones = self.world.changes, await self.kept(user, "opaque", "jwt")
        await self.change("disabled", ones, lambda: changes.disable_user(user, actor=ACTOR), 401, 401)
        await self.change("enabled", ones, lambda: changes.enable_user(user, actor=ACTOR), 401, 401)

    async def password(self, user: str) -> None:
        """A new one ends every token."""
        changes, ones = self.world.changes, await self.kept(user, "opaque", "jwt")
        await self.change(
            "password", ones, lambda: changes.set_password(user, "z" * 20, actor=ACTOR), 401, 401
        )

    async def client(self, user: str) -> None:
        """All tokens that it got are refused while it is disabled."""
        changes, ones = self.world.changes, await self.kept(user, "opaque", "jwt", client="partner")
        await self.change(
            "client disabled", ones, lambda: changes.disable_client("partner", actor=ACTOR), 401, 401
        )
        for one in ones:  # what comes back with the client is not looked at here
            one.changing, one.edition = True, one.edition + 1
            self.looped.remove(one)
        await self.change("client enabled", [], lambda: changes.enable_client("partner", actor=ACTOR))

    async def key(self) -> None:
        """What the retired key signed is refused, whoever had it; what is signed since is good."""
        changes, plan = self.world.changes, self.world.shared.in_force.plan
        (old,) = [row.kid for row in self.world.directory.keys.list() if row.state.value == "active"]
        await self.change("key added", [], lambda: rotate_keys(plan, changes, ACTOR))
        await self.change(
            "key retired",
            self.signed,
            lambda: changes.retire_key(old, actor=ACTOR),
            *[401] * len(self.signed),
        )
        for one in self.signed:
            one.changing, one.edition = True, one.edition + 1
            one.token = await self.world.token(await self.world.person("reader"), "jwt")
            await self.world.keep(one.token, self.caller)
            one.expected, one.changing = 200, False

    async def reload(self, *, new_worker: bool) -> None:
        """Requests that were begun before are decided by what is true when they end, also by a worker that is old then."""
        user, changes = self.users[0], self.world.changes
        ones = await self.kept(user, "opaque", "jwt")
        held_back = [self.world.caller() for _ in range(4)]
        for caller in held_back:
            await caller.begin("GET /items HTTP/1.1\r\n")
        worker = self.world.workers()[-1]
        code, said = await (self.world.replace_worker() if new_worker else self.world.reload())
        assert code == 0, said
        assert worker in self.world.workers(), "who is held back must be held by a worker of before"
        assert (worker != self.world.workers()[-1]) is new_worker
        await self.change("role taken", ones, lambda: changes.withdraw(user, READER, actor=ACTOR), 403, 401)
        assert [(await c.finish(one.token)).status for c, one in zip(held_back, ones, strict=False)] == [
            403,
            401,
        ]
        await self.change("role given", ones, lambda: changes.grant(user, READER, actor=ACTOR), 200, 401)
        assert [(await c.finish(one.token)).status for c, one in zip(held_back[2:], ones, strict=True)] == [
            200,
            401,
        ]
        for caller in held_back:
            await caller.close()
            self.world.callers.remove(caller)
        self.let_go()


async def churn(world: World, changes: int, reload_every: int) -> None:
    """At least so many changes, with what must hold all the while."""
    await world.changes.register_client(PARTNER, actor=ACTOR)
    quiet = [Looped(await world.token(await world.person("reader"), kind)) for kind in ("opaque", "jwt") * 3]
    users = [await world.person("reader") for _ in range(5)]
    work = Churn(world, users, quiet[1::2])
    for one in quiet:
        await world.keep(one.token, work.caller)
    world.log.drain()
    backends: Counter[str] = Counter()
    number = 0
    async with Load(world, lambda: [*quiet, *work.looped]) as load:
        while work.made < changes:
            await work.turn(number)
            number += 1
            if number % reload_every == 0:
                await work.reload(new_worker=number % (2 * reload_every) == 0)
                await work.key()
            if number % 50 == 0:
                backends.update(world.log.drain().values())
    backends.update(world.log.drain().values())
    print(report(work, load, backends), f"\nlines of the access log lost: {await world.lines_lost()}")  # noqa: T201
    assert load.wrong == []
    assert min(load.seen[status] for status in (200, 401, 403)) > changes // 20, load.seen
    assert backends["known.shop"] > changes, backends
    enough = 3 * len(users)
    assert number >= enough * len(work.turns) or changes < 1000, (
        "each person is changed at least three times by each kind"
    )


def report(work: Churn, load: Load, backends: Counter[str]) -> str:
    """What happened, and how long a change takes from the command to its return: median, 99 %, longest (ms)."""
    lines = [f"\n{work.made} changes, {sum(load.seen.values())} requests {dict(load.seen)}, {dict(backends)}"]
    for name, lags in sorted(work.lags.items()):
        cuts = quantiles([*lags, *lags], n=100)
        lines.append(
            f"{name:16} {len(lags):6} {1000 * cuts[49]:8.1f} {1000 * cuts[98]:8.1f} {1000 * max(lags):8.1f}"
        )
    return "\n".join(lines)


def test_a_hundred_changes_under_load(place: Place) -> None:
    """Changes of every kind under load: no answer that contradicts a change whose command has returned."""

    async def work(world: World) -> None:
        await churn(world, 110, reload_every=30)

    run(*place, work)


@pytest.mark.soak
def test_ten_thousand_changes_under_load(place: Place) -> None:
    """The same, for very long, with reloads by a new worker and in the running one."""

    async def work(world: World) -> None:
        await churn(world, CHANGES, reload_every=150)

    run(*place, work)
