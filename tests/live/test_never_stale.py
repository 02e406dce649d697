"""What HAProxy keeps is never stale: through the running gateway, a change that has returned is a change that bites.

Every looped token is first shown to be kept (the access log says that nobody was asked), and only then changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sumun.access import TokenKind
from sumun.changes import Applied
from sumun.config.plan import ClientKind
from sumun.directory import RegisteredClient
from sumun.errors import OutageError
from sumun.identity import ANYTHING
from sumun.node.directory.signing import rotate_keys
from sumun.tokens import format as token_format
from sumun.tokens.store import Rights
from tests.live.kept_world import (
    ACTOR,
    Caller,
    Reply,
    World,
    confirmed,
    held,
    run,
    running_node,
)
from tests.live.load import SETTLED_SECONDS, Load, Looped, change
from tests.live.node_under_test import NodeUnderTest, resident

READER = held("reader")
NOTHING = Rights(frozenset(), frozenset())
READS = Rights(frozenset({"reader"}), frozenset())
WRITES = Rights(frozenset({"writer"}), frozenset())
KINDS = ("opaque", "jwt")


@pytest.fixture(scope="module")
def place(haproxy: object) -> Iterator[tuple[NodeUnderTest, int]]:
    """One running gateway with two HAProxy threads and two answering processes, and the port of its service."""
    with running_node() as running:
        yield running


Place = tuple[NodeUnderTest, int]


async def token_id(world: World, token: str) -> str:
    """An opaque token's handle."""
    (record,) = await world.shared.stores.tokens.get_many([token_format.digest(token)])
    assert record is not None
    return record.token_id


async def revoke(world: World, token: str) -> Applied:
    """As the operator does it, by the token."""
    from sumun.node.operator.issue_by_hand import revoke_by_hand

    return await revoke_by_hand(world.shared.in_force.plan, world.directory, world.changes, "-", token, ACTOR)


# -- one change after the other ----------------------------------------------------------------------------------


def test_a_token_that_is_revoked(place: Place) -> None:
    """Revoked while it is kept: the next call is 401, of either kind; a token of the same person stays kept."""

    async def work(world: World) -> None:
        caller = world.caller()
        user = await world.person("reader")
        for kind in KINDS:
            token, other = await world.token(user, kind), await world.token(user, kind)
            await world.keep(token, caller)
            await world.keep(other, caller)
            confirmed(await revoke(world, token))
            reply = await caller.call(token)
            assert (reply.status, await world.log.backend(reply)) == (401, "ask.shop")
            still = await caller.call(other)
            assert (still.status, await world.log.backend(still)) == (200, "known.shop")

    run(*place, work)


def test_a_token_that_is_edited_in_place(place: Place) -> None:
    """Lowered and raised while it is kept: each time the very next call is what the edit says, for one person's tokens."""

    async def work(world: World) -> None:
        caller = world.caller()
        user = await world.person()
        for _ in range(4):
            token = await world.token(user, own=READER)
            handle = await token_id(world, token)
            await world.keep(token, caller)
            confirmed(await world.changes.edit_token(handle, NOTHING, actor=ACTOR))
            assert (await caller.call(token)).status == 403
            confirmed(await world.changes.edit_token(handle, WRITES, actor=ACTOR))
            assert (await caller.call(token, "POST")).status == 200
            confirmed(await world.changes.edit_token(handle, READS, actor=ACTOR))
            assert (await caller.call(token, "POST")).status == 403
            assert (await caller.call(token)).status == 200

    run(*place, work)


@pytest.mark.soak
def test_a_changed_token_is_kept_again(place: Place) -> None:
    """The row that a change made stale gives way in the end, and the next change bites as well."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person(), own=READER)
        handle = await token_id(world, token)
        for _ in range(3):
            await world.keep(token, caller)
            confirmed(await world.changes.edit_token(handle, NOTHING, actor=ACTOR))
            assert (await caller.call(token)).status == 403
            confirmed(await world.changes.edit_token(handle, READS, actor=ACTOR))
            assert (await caller.call(token)).status == 200

    run(*place, work)


def test_a_role_that_is_taken_and_given(place: Place) -> None:
    """An opaque token follows its person at once, again and again; a JWT dies when its person loses a role."""

    async def work(world: World) -> None:
        caller, beside = world.caller(), world.caller()
        user, bystander = await world.person("reader"), await world.person("reader")
        first, other = await world.token(user), await world.token(bystander)
        await world.keep(first, caller)
        await world.keep(other, beside)
        for _ in range(4):
            token, claims = await world.token(user), await world.token(user, "jwt")
            await world.keep(token, caller)
            await world.keep(claims, caller)
            confirmed(await world.changes.withdraw(user, READER, actor=ACTOR))
            assert [(await caller.call(one)).status for one in (token, first)] == [403, 403]
            assert (await caller.call(claims)).status == 401
            confirmed(await world.changes.grant(user, READER, actor=ACTOR))
            assert (await caller.call(token)).status == 200
            assert (await caller.call(claims)).status == 401
            reply = await beside.call(other)
            assert (reply.status, await world.log.backend(reply)) == (200, "known.shop")

    run(*place, work)


def test_a_person_who_is_disabled_or_has_a_new_password(place: Place) -> None:
    """Both end every token of the person, kept ones too, and nobody else's."""

    async def work(world: World) -> None:
        caller = world.caller()
        bystander = await world.token(await world.person("reader"))
        await world.keep(bystander, caller)

        async def disable(user: str) -> Applied:
            return await world.changes.disable_user(user, actor=ACTOR)

        async def password(user: str) -> Applied:
            return await world.changes.set_password(user, "y" * 20, actor=ACTOR)

        for ending in (disable, password):
            user = await world.person("reader")
            tokens = [await world.token(user, kind) for kind in KINDS]
            for token in tokens:
                await world.keep(token, caller)
            confirmed(await ending(user))
            assert [(await caller.call(token)).status for token in tokens] == [401, 401]
            confirmed(await world.changes.enable_user(user, actor=ACTOR)) if ending is disable else None
            assert [(await caller.call(token)).status for token in tokens] == [401, 401]
            reply = await caller.call(bystander)
            assert (reply.status, await world.log.backend(reply)) == (200, "known.shop")

    run(*place, work)


def test_a_client_that_is_disabled(place: Place) -> None:
    """Its tokens are refused at once, those of its people and its own; other clients' are not."""

    async def work(world: World) -> None:
        caller = world.caller()
        client = RegisteredClient(
            "partner",
            ClientKind.CONFIDENTIAL,
            frozenset({"client_credentials", "password"}),
            b"x" * 32,
            True,
            (),
            frozenset({ANYTHING}),
            frozenset({"reader"}),
            frozenset(),
            TokenKind.OPAQUE,
            600,
        )
        confirmed(await world.changes.register_client(client, actor=ACTOR))
        user = await world.person("reader")
        tokens = [await world.token(who, kind, client="partner") for who in (user, None) for kind in KINDS]
        other = await world.token(user)
        for token in (*tokens, other):
            await world.keep(token, caller)
        confirmed(await world.changes.disable_client("partner", actor=ACTOR))
        assert [(await caller.call(token)).status for token in tokens] == [401] * 4
        assert (await caller.call(other)).status == 200
        confirmed(await world.changes.enable_client("partner", actor=ACTOR))

    run(*place, work)


def test_a_signing_key_that_is_retired(place: Place) -> None:
    """A kept JWT is refused as soon as its key is not believed any more; an opaque token is not concerned."""

    async def work(world: World) -> None:
        caller = world.caller()
        user = await world.person("reader")
        token, opaque = await world.token(user, "jwt"), await world.token(user)
        (old,) = [row.kid for row in world.directory.keys.list() if row.state.value == "active"]
        confirmed(await rotate_keys(world.shared.in_force.plan, world.changes, ACTOR))
        await world.keep(token, caller)
        confirmed(await world.changes.retire_key(old, actor=ACTOR))
        assert (await caller.call(token)).status == 401
        assert (await caller.call(opaque)).status == 200
        fresh = await world.token(user, "jwt")
        await world.keep(fresh, caller)
        await world.keep(opaque, caller)

    run(*place, work)


# -- reloads -----------------------------------------------------------------------------------------------------


def test_a_client_that_stays_on_an_old_worker(place: Place) -> None:
    """Requests that an old worker still holds over a reload are decided by what is true when they end, never by what it kept."""

    async def work(world: World) -> None:
        user, beside = await world.person("reader"), await world.person("reader")
        tokens = [await world.token(user, kind) for kind in KINDS]
        other = await world.token(beside)
        first = world.caller()
        for token in (*tokens, other):
            await world.keep(token, first)
        held_back = [world.caller() for _ in range(6)]
        for caller in held_back:
            await caller.begin("GET /items HTTP/1.1\r\n")
        await asyncio.sleep(0.1)
        before = world.workers()
        assert (await world.replace_worker())[0] == 0
        after = world.workers()
        assert set(before) & set(after), "the old worker must still be there"
        assert len(after) > len(before)
        confirmed(await world.changes.withdraw(user, READER, actor=ACTOR))
        replies = [await caller.finish(token) for caller, token in zip(held_back, tokens, strict=False)]
        assert [reply.status for reply in replies] == [403, 401]
        confirmed(await world.changes.grant(user, READER, actor=ACTOR))
        assert (await held_back[2].finish(tokens[0])).status == 200
        confirmed(await revoke(world, tokens[0]))
        assert (await held_back[3].finish(tokens[0])).status == 401
        assert (await held_back[4].finish(tokens[1])).status == 401
        reply = await held_back[5].finish(other)
        assert (reply.status, await world.log.backend(reply)) == (200, "ask.shop")

    run(*place, work)


def test_reloads_under_load(place: Place) -> None:
    """No request is lost while workers are replaced and things change, and nothing is answered that is over."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        looped = [Looped(await world.token(await world.person("reader"), kind)) for kind in KINDS * 2]
        first = world.caller()
        for one in looped:
            await world.keep(one.token, first)
        async with Load(world, looped) as load:
            for number in range(3):
                reloading = asyncio.create_task(world.replace_worker())
                turn = 0
                while not reloading.done():
                    token = Looped(await world.token(user, own=READER))
                    looped.append(token)
                    handle = await token_id(world, token.token)
                    await change(
                        token,
                        partial(world.changes.edit_token, handle, NOTHING, actor=ACTOR),
                        403,
                    )
                    turn += 1
                assert (await reloading)[0] == 0
                assert turn > 0, number
        assert load.wrong == []
        assert load.seen[200] > 300, load.seen
        await world.keep(looped[0].token, world.caller())

    run(*place, work)


def test_a_permission_that_a_reload_takes_from_a_role(place: Place) -> None:
    """When the reload has returned, a kept decision of the configuration before it does not count any more."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        tokens = [await world.token(user, kind) for kind in KINDS]
        idle, fresh = [world.caller() for _ in range(4)], world.caller()
        for token in tokens:
            for caller in idle:
                await world.keep(token, caller)
        try:
            await world.write_config(reader="item:other")
            assert (await world.reload())[0] == 0
            assert [(await fresh.call(token)).status for token in tokens] == [403, 403]
            for caller in idle:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # closed: as good
                    assert (await caller.call(tokens[0])).status == 403
        finally:
            await world.write_config()
            assert (await world.reload())[0] == 0
        for token in tokens:
            await world.keep(token, world.caller())

    run(*place, work)


# -- bad days ----------------------------------------------------------------------------------------------------


RARE = [pytest.param(part, marks=pytest.mark.soak) for part in ("http", "haproxy")]


@pytest.mark.parametrize("part", ["keeper", "answer-0", "worker", "valkey", *RARE])
def test_a_part_that_is_killed(place: Place, part: str) -> None:
    """kill -9 in the middle of it: nothing is let in that must not be, and it comes back by itself, keeping again."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        looped = [Looped(await world.token(await world.person("reader"), kind)) for kind in KINDS]
        doomed = [Looped(await world.token(user, own=READER)) for _ in range(3)]
        first = world.caller()
        for one in (*looped, *doomed):
            await world.keep(one.token, first)
        async with Load(world, looped + doomed, outage=frozenset({502, 503})) as load:
            world.kill(part)
            for one in doomed:
                await persist(world, one)
            await until_kept(world, looped)
        assert load.wrong == []
        for one in doomed:
            assert (await world.caller().call(one.token)).status == 401
        for one in looped:
            await world.keep(one.token, world.caller())

    run(*place, work)


@pytest.mark.soak
@pytest.mark.parametrize(
    "part", ["supervisor", "keeper", "answer-0", "answer-1", "http", "valkey", "haproxy", "worker"]
)
def test_a_part_that_hangs_for_a_while(place: Place, part: str) -> None:
    """SIGSTOP for five seconds under load, while tokens are revoked: no wrong yes, then and after; it heals by itself."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        looped = [Looped(await world.token(await world.person("reader"), kind)) for kind in KINDS]
        doomed = [Looped(await world.token(user, kind)) for kind in KINDS]
        first = world.caller()
        for one in (*looped, *doomed):
            await world.keep(one.token, first)
        async with Load(world, looped + doomed, outage=frozenset({502, 503})) as load:
            pid = world.process(part)
            os.kill(pid, signal.SIGSTOP)
            try:
                revoking = asyncio.gather(*(persist(world, one) for one in doomed))
                await asyncio.sleep(5)
            finally:
                os.kill(pid, signal.SIGCONT)
            await revoking
            await until_kept(world, looped)
        assert load.wrong == []
        assert world.process(part) == pid
        for one in doomed:
            assert (await world.caller().call(one.token)).status == 401

    run(*place, work)


async def persist(world: World, one: Looped) -> None:
    """Revoke it, again and again while the store is away."""
    async with asyncio.timeout(60):
        while True:
            try:
                await change(one, lambda: revoke(world, one.token), 401, may_be_unconfirmed=True)
            except OutageError:
                await asyncio.sleep(SETTLED_SECONDS / 4)
            else:
                return


async def until_kept(world: World, looped: list[Looped]) -> None:
    """Until each of these is known without a question again."""
    caller = world.caller()
    async with asyncio.timeout(60):
        for one in looped:
            while True:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    reply = await caller.call(one.token)
                    if reply.status == 200 and await world.log.backend(reply) == "known.shop":
                        break
                await asyncio.sleep(0.05)


def test_a_keeper_that_hangs(place: Place) -> None:
    """A change says that the keeper did not confirm it; the lease runs out, then calls are asked, and answered as it is."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        token, other = await world.token(user), await world.token(await world.person("reader"))
        caller = world.caller()
        await world.keep(token, caller)
        await world.keep(other, caller)
        keeper = world.part("keeper")
        os.kill(keeper, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            applied = await revoke(world, token)
            assert {name.rpartition("/")[2] for name in applied.unconfirmed} == {"keeper"}, applied
            while await world.log.backend(await caller.call(other)) == "known.shop":
                assert time.monotonic() < stopped + SETTLED_SECONDS
                await asyncio.sleep(0.02)
            assert (await caller.call(token)).status == 401
            reply = await caller.call(other)
            assert (reply.status, await world.log.backend(reply)) == (200, "ask.shop")
        finally:
            os.kill(keeper, signal.SIGCONT)
        await world.keep(other, caller)
        assert (await caller.call(token)).status == 401

    run(*place, work)


def test_a_worker_that_hangs(place: Place) -> None:
    """What waits in its sockets while a token is revoked is refused when it wakes: its lease is over by then."""

    async def work(world: World) -> None:
        user = await world.person("reader")
        doomed = [await world.token(user, kind) for kind in KINDS]
        other = await world.token(await world.person("reader"))
        waiting = [(world.caller(), token) for token in doomed for _ in range(3)]
        for caller, token in waiting:
            await world.keep(token, caller)
        worker = world.workers()[-1]
        await until_idle(worker)  # docs/freshness.md, "stopped in the middle of a turn"
        os.kill(worker, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            calls = [asyncio.create_task(caller.call(token)) for caller, token in waiting]
            for token in doomed:
                while (applied := await revoke(world, token)).unconfirmed:
                    assert {name.rpartition("/")[2] for name in applied.unconfirmed} == {"keeper"}, applied
                    assert time.monotonic() < stopped + 2 * SETTLED_SECONDS
            assert not any(call.done() for call in calls)
        finally:
            os.kill(worker, signal.SIGCONT)
        replies = await asyncio.gather(*calls)
        assert {reply.status for reply in replies} <= {401, 503}, replies
        await until_kept(world, [Looped(other)])
        assert [(await world.caller().call(token)).status for token in doomed] == [401, 401]

    run(*place, work)


async def until_idle(pid: int) -> None:
    """Until its threads wait for something to do, ten looks in a row."""
    idle = 0
    async with asyncio.timeout(60):
        while idle < 10:
            stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
            idle = idle + 1 if all(stat.rpartition(")")[2].split()[0] == "S" for stat in stats) else 0
            await asyncio.sleep(0.005)


# -- what the service sees ---------------------------------------------------------------------------------------


def test_a_known_call_looks_like_an_asked_one(place: Place) -> None:
    """Field for field: people with Korean names, programs, JWTs, narrow scopes, rights of their own."""

    async def work(world: World) -> None:
        korean = await world.person("reader", "writer", name='홍길동 | 100%, 吉|"quoted" é')
        tokens = [
            await world.token(korean),
            await world.token(korean, "jwt"),
            await world.token(korean, scopes=("item:read",)),
            await world.token(korean, "jwt", scopes=("item:*",)),
            await world.token(korean, own=held("reader", permissions=("a.b-c_d:x", "item:read"))),
            await world.token(None, client="jobs"),
            await world.token(None, "jwt", client="jobs"),
        ]
        for token in tokens:
            caller = world.caller()
            asked = await caller.call(token)
            assert (asked.status, await world.log.backend(asked)) == (200, "ask.shop")
            known = await world.keep(token, caller)
            assert without_id(known) == without_id(asked)
            assert any(name == "x-token-id" for name, _ in known.seen)

    run(*place, work)


def without_id(reply: Reply) -> list[list[str]]:
    """What the service saw, but for the request's id."""
    return [field for field in reply.seen if field[0] != "x-request-id"]


ODD = (
    ("X-Forwarded-For: 203.0.113.7",),
    ("X-User-Id: root",),
    ("x_user_roles: admin",),
    ("Connection: x-request-id",),
    ("Accept: text/event-stream",),
    (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    ("Cookie: a=b", "X-Token-Id: t"),
)
OURS = {"x-user-id", "x-user-roles", "x-user-name", "x-user-permissions", "x-token-id", "x-client-id"}


def told(reply: Reply) -> list[list[str]]:
    """What the service was told of the caller, in any spelling."""
    return [field for field in reply.seen if field[0].replace("_", "-") in OURS]


def test_an_odd_request_is_always_asked(place: Place) -> None:
    """What is looked at closely is never decided by what is kept, and nothing that only the gateway says passes."""

    async def work(world: World) -> None:
        token = await world.token(await world.person("reader"))
        kept = await world.keep(token, world.caller())
        for lines in ODD:
            for _ in range(2):
                reply = await world.caller().call(token, "GET", "/items", *lines)
                assert await world.log.backend(reply) == "ask.shop", lines
                if "Upgrade: websocket" in lines:
                    assert reply.status == 101, reply
                else:
                    assert (reply.status, told(reply)) == (200, told(kept)), lines

    run(*place, work)


# -- bounds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [2, pytest.param(4, marks=pytest.mark.soak)])
def test_a_flood_of_distinct_tokens(haproxy: object, times: int) -> None:
    """Far more tokens than may be kept: the maps stay bounded, so does the memory, and nobody is refused."""
    most = 1000

    async def work(world: World) -> None:
        callers = [world.caller() for _ in range(8)]
        tokens = await world.many_tokens(await world.person("reader"), times * most)
        seen: Counter[int] = Counter()
        largest = 0

        async def spend(caller: Caller, share: list[str]) -> None:
            for token in (*share, *share):  # kept is what comes again
                seen[(await caller.call(token)).status] += 1

        memory = []
        for begin in range(0, len(tokens), most // 2):
            part = tokens[begin : begin + most // 2]
            await asyncio.gather(*(spend(c, part[i :: len(callers)]) for i, c in enumerate(callers)))
            rows = await world.rows()
            largest = max(largest, rows["facts.a.map"] + rows["facts.b.map"])
            memory.append(resident(world.workers()[-1]))
        assert seen == {200: 2 * len(tokens)}
        assert most // 4 < largest <= most, largest
        assert memory[-1] - memory[times - 1] < 4 << 10, memory
        await world.keep(tokens[-1], callers[0])

    with running_node(facts=most) as running:
        run(*running, work)
