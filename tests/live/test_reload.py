"""A reload that nobody notices: routes, roles and what routes need change in the worker that serves."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import statistics
import time
from collections.abc import Iterator

import pytest

from tests.live.kept_world import World, run, running_node
from tests.live.load import Load, Looped
from tests.live.node_under_test import NodeUnderTest, resident

Place = tuple[NodeUnderTest, int]
PARTS = ("answer-0", "answer-1", "keeper", "http")
OLD_WORKERS = 2


@pytest.fixture(scope="module")
def place(haproxy: object) -> Iterator[Place]:
    """One running gateway with two HAProxy threads and two answering processes, and the port of its service."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, before[1]), before[1]))
    try:
        with running_node() as running:
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def reloaded(world: World, **changed: object) -> str:
    """Another configuration is in force; what was said."""
    await world.write_config(**changed)
    code, said = await world.reload()
    assert code == 0, said
    return said


class Socket:
    """An open WebSocket; what is sent comes back. It is closed with the world's callers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, world: World, token: str) -> Socket:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.node.port)
        lines = (
            "GET /items HTTP/1.1",
            "Host: shop.test",
            f"Authorization: Bearer {token}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        socket = cls(reader, writer)
        world.callers.append(socket)
        return socket

    async def lives(self) -> bool:
        """Whether something that is sent comes back."""
        try:
            self._writer.write(b"ping")
            return await asyncio.wait_for(self._reader.readexactly(4), 60) == b"ping"
        except (OSError, asyncio.IncompleteReadError):
            return False

    async def ends(self) -> bool:
        """Wait until it is closed."""
        with contextlib.suppress(OSError):
            return await asyncio.wait_for(self._reader.read(), 60) == b""
        return True

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def all_live(sockets: list[Socket]) -> bool:
    """Whether every one does."""
    return all(await asyncio.gather(*(one.lives() for one in sockets)))


# -- one change after the other ----------------------------------------------------------------------------------


def test_what_a_role_bundles(place: Place) -> None:
    """Taken and given while a keep-alive client calls: the next call is what the configuration says, by the same worker."""

    async def work(world: World) -> None:
        caller = world.caller()
        tokens = [await world.token(await world.person("reader"), kind) for kind in ("opaque", "jwt")]
        before = world.workers()
        for _ in range(2):
            for token in tokens:
                await world.keep(token, caller)
            said = await reloaded(world, reader="item:other")
            assert "switched in the running HAProxy worker" in said
            assert [(await caller.call(token)).status for token in tokens] == [403, 403]
            await reloaded(world)
            assert [(await caller.call(token)).status for token in tokens] == [200, 200]
        for token in tokens:
            await world.keep(token, caller)
        assert world.workers() == before
        assert caller.connections == 1

    run(*place, work)


def test_routes_come_and_go(place: Place) -> None:
    """With placeholders, other methods, and other needs, in the worker that serves; the call after is decided by them."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person("reader"))
        walked = ('path: "/walked/{id}/part", methods: [GET], require: item:read',)
        await reloaded(world, routes=walked)
        before = world.workers()
        assert (await caller.call(token, "GET", "/new/7/part")).status == 404
        for need, status in (("item:read", 200), ("item:write", 403), ("public", 200)):
            one = f'path: "/new/{{id}}/part", methods: [GET], require: {need}'
            other = "path: /new/7/rest, methods: [PUT], require: item:read"
            said = await reloaded(world, routes=(*walked, one, other))
            if need != "public":  # the first open route of this service is another backend
                assert "switched in" in said
                assert world.workers() == before
            assert (await world.caller().call(token, "GET", "/new/7/part")).status == status
            assert (await world.caller().call(token, "POST", "/new/7/rest")).status == 405
        await reloaded(world)
        assert (await world.caller().call(token, "GET", "/new/7/part")).status == 404

    run(*place, work)


def test_a_new_worker_where_one_is_needed(place: Place) -> None:
    """Another timeout of a service is read by a new worker only; what is open lives on in the one before."""

    async def work(world: World) -> None:
        token = await world.token(await world.person("writer"))
        socket = await Socket.open(world, token)
        before = world.workers()
        code, said = await world.replace_worker()
        assert (code, "served by a new HAProxy worker" in said) == (0, True), said
        assert world.workers()[-1] not in before
        assert await socket.lives()
        assert (await world.caller().call(token)).status == 200

    run(*place, work)


def test_a_bad_file_changes_nothing(place: Place) -> None:
    """By the command and by SIGHUP: each mistake is told with its line, and what was known stays known; then SIGHUP brings what is right."""

    async def work(world: World) -> None:
        caller, before = world.caller(), world.workers()
        token = await world.token(await world.person("reader"))
        await world.keep(token, caller)
        await world.write_config(routes=("path: /hung-up, methods: [GET], require: item:read",))
        good = world.node.config.read_text()
        bad = good.replace("{path: /extra, ", "{pth: /extra, ").replace(
            'writer: ["item:read"', 'writer: ["item read"'
        )
        world.node.config.write_text(bad)
        wrong = [
            f"{world.node.config}:{n}:" for n, line in enumerate(bad.splitlines(), 1) if line not in good
        ]
        assert len(wrong) == 2
        code, said = await world.reload()
        assert code == 2
        assert all(one in said for one in wrong), said
        heard = len(world.node.log())
        hang_up(world)
        await until_logged(world, heard, "nothing has changed")
        assert all(one in world.node.log()[heard:] for one in wrong), world.node.log()[heard:]
        assert (await caller.call(token, "GET", "/hung-up")).status == 404
        reply = await caller.call(token)
        assert (reply.status, await world.log.backend(reply)) == (200, "known.shop")
        world.node.config.write_text(good)
        hang_up(world)
        async with asyncio.timeout(20):
            while (await caller.call(token, "GET", "/hung-up")).status != 200:
                await asyncio.sleep(0.05)
        # One of an earlier test may have left meanwhile; none was started.
        assert set(world.workers()) <= set(before)
        assert caller.connections == 1
        await reloaded(world)

    run(*place, work)


def hang_up(world: World) -> None:
    """As `systemctl reload` does it."""
    assert world.node.process is not None
    world.node.process.send_signal(signal.SIGHUP)


async def until_logged(world: World, since: int, words: str) -> None:
    """Until the node's log says so."""
    async with asyncio.timeout(20):
        while words not in world.node.log()[since:]:
            await asyncio.sleep(0.05)


def test_streams_go_on_unless_they_lost_their_right(place: Place) -> None:
    """A change that takes the right of some WebSockets ends those, and no other, however many changes come."""

    async def work(world: World) -> None:
        reader, writer = [await world.token(await world.person(role)) for role in ("reader", "writer")]
        lasting = [await Socket.open(world, writer) for _ in range(5)]
        for _ in range(3):
            doomed = [await Socket.open(world, reader) for _ in range(3)]
            await reloaded(world)
            assert await all_live([*lasting, *doomed])
            await reloaded(world, reader="item:other")
            assert all(await asyncio.gather(*(one.ends() for one in doomed)))
            assert await all_live(lasting)
            await reloaded(world)

    run(*place, work)


# -- a request in the middle of it -------------------------------------------------------------------------------


def guarded(number: int) -> tuple[str, ...]:
    """Routes that each guard /g/secret in another way; no two of them open it, and all have as many placeholders."""
    ways = (
        ('path: "/g/**", methods: [GET], require: item:read', "path: /o, methods: [GET], require: public"),
        (
            'path: "/g/**", methods: [GET], require: public',
            'path: "/g/secret/**", methods: [GET], require: item:read',
        ),
        (
            'path: "/g/{a}", methods: [GET], require: item:write',
            'path: "/g/{a}/{b}", methods: [GET], require: public',
            'path: "/g/secret/{b}", methods: [GET], require: item:read',
        ),
        (
            'path: "/g/{a}/{b}", methods: [GET], require: item:read',
            'path: "/g/x/**", methods: [GET], require: public',
        ),
    )
    two_placeholders = 'path: "/unused/{a}/{b}", methods: [GET], require: item:read'
    return (two_placeholders, "path: /open, methods: [GET], require: public", *ways[number % len(ways)])


async def guard_over_and_over(world: World, switches: int) -> int:
    """How many strangers asked while the ways were switched; all must be refused."""
    asked, is_over = 0, False

    async def strangers() -> None:
        nonlocal asked
        caller = world.caller()
        while not is_over:
            reply = await caller.call("no-token", "GET", "/g/secret/1")
            assert reply.status == 401, reply
            asked += 1

    await reloaded(world, routes=guarded(0))
    before = world.workers()
    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(strangers())
        for number in range(1, switches + 1):
            said = await reloaded(world, routes=guarded(number))
            assert "switched in the running" in said
        is_over = True
    assert world.workers() == before
    await reloaded(world)
    return asked


def test_what_is_guarded_before_and_after_is_guarded_meanwhile(place: Place) -> None:
    """Routes that guard the same path in ever other ways are switched under load: nobody slips through between two."""

    async def work(world: World) -> None:
        assert await guard_over_and_over(world, 6) > 100

    run(*place, work)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_what_is_guarded_for_long(place: Place) -> None:
    """The same, two hundred times."""

    async def work(world: World) -> None:
        asked = await guard_over_and_over(world, 200)
        print(f"\n200 switches, {asked} strangers refused, none let in")  # noqa: T201

    run(*place, work)


# -- many changes under load -------------------------------------------------------------------------------------


async def change_under_load(world: World, changes: int, sockets: int, replace_every: int) -> None:
    """Roles, routes and needs are changed, some times with a new worker."""
    stable = [Looped(await world.token(await world.person("writer"), kind)) for kind in ("opaque", "jwt") * 2]
    flipping = [Looped(await world.token(await world.person("reader"), kind)) for kind in ("opaque", "jwt")]
    first = world.caller()
    for one in (*stable, *flipping):
        await world.keep(one.token, first)
    owner = await world.token(await world.person("writer"))
    opened = [await Socket.open(world, owner) for _ in range(sockets)]
    memory = memory_of(world)
    took: list[float] = []
    new_workers, most_workers = 0, 0
    async with Load(world, [*stable, *flipping]) as load:
        for number in range(1, changes + 1):
            allowed = number % 2 == 0
            for one in flipping:
                one.changing, one.edition = True, one.edition + 1
            changed = {
                "reader": "item:read" if allowed else "item:other",
                "routes": (f'path: "/n{number % 7}/{{id}}", methods: [GET], require: item:read',),
            }
            began = time.monotonic()
            if number % replace_every == 0:
                new_workers += 1
                code, said = await world.replace_worker(**changed)
                assert code == 0, said
            else:
                await reloaded(world, **changed)
            took.append(time.monotonic() - began)
            for one in flipping:
                one.expected, one.changing = 200 if allowed else 403, False
            most_workers = max(most_workers, len(world.workers()))
    assert load.wrong == []
    assert load.seen[200] > 20 * changes, load.seen
    assert await all_live(opened), "a WebSocket was dropped"
    assert most_workers <= 1 + new_workers
    grown = {name: now - memory[name] for name, now in memory_of(world).items()}
    assert max(grown.values()) < 96 << 10, grown
    print(  # noqa: T201
        f"\n{changes} changes, {new_workers} by a new worker, {sockets} WebSockets, {sum(load.seen.values())} requests "
        f"{dict(load.seen)}; a change took {statistics.median(took):.2f} s, at most {max(took):.2f}; at most "
        f"{most_workers} workers; KiB grown: {grown}"
    )
    await reloaded(world)


def memory_of(world: World) -> dict[str, int]:
    """KiB of each part and of the worker that serves."""
    return {name: resident(world.part(name)) for name in PARTS} | {"worker": resident(world.workers()[-1])}


def test_changes_under_load(place: Place) -> None:
    """No request fails, no WebSocket is dropped, and each change counts when its reload has returned."""

    async def work(world: World) -> None:
        await change_under_load(world, 5, 100, replace_every=5)

    run(*place, work)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_changes_under_load(place: Place) -> None:
    """The same, 100 changes long, five of them by a new worker, with 1,000 WebSockets."""

    async def work(world: World) -> None:
        await change_under_load(world, 100, 1000, replace_every=20)

    run(*place, work)


def test_old_workers_have_a_cap(haproxy: object) -> None:
    """With `limits.old_workers: 2` a third reload by a new worker ends the oldest, with what is open there; memory with it."""

    async def work(world: World) -> None:
        token = await world.token(await world.person("writer"))
        opened = []
        for _ in range(OLD_WORKERS + 2):
            opened.append(await Socket.open(world, token))
            assert (await world.replace_worker(old_workers=OLD_WORKERS))[0] == 0
            assert len(world.workers()) <= 1 + OLD_WORKERS
        *ended, before, last = opened
        assert all(await asyncio.gather(*(one.ends() for one in ended)))
        assert await all_live([before, last])

    with running_node(old_workers=OLD_WORKERS) as running:
        run(*running, work)
