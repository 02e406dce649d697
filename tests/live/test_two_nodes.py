"""Two sumuns that share one Valkey and one PostgreSQL: what is changed at one is true at the other, or it says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sumun.access import TokenKind
from sumun.changes import Applied, Changes
from sumun.config.plan import ClientKind
from sumun.directory import RegisteredClient
from sumun.identity import ANYTHING
from sumun.node.directory.signing import rotate_keys
from sumun.node.operator.issue_by_hand import revoke_by_hand
from sumun.tokens import format as token_format
from sumun.tokens.store import Rights
from tests.live.kept_world import ACTOR, Caller, World, confirmed, held
from tests.live.node_under_test import NodeUnderTest, node_folder
from tests.live.tcp_relay import Cut
from tests.live.two_nodes import Pair, at_work_on_both, two_nodes
from tests.live.visitor import App, Visitor

log = logging.getLogger(__name__)

LEASE_SECONDS = 4
WAITED_FOR_SECONDS = LEASE_SECONDS * 1.02 + 0.25
"""After so long without a word of it, a process is not waited for (docs/freshness.md)."""
KINDS = ("opaque", "jwt")
READER = held("reader")
LONG = pytest.param(1000, marks=pytest.mark.soak)


@pytest.fixture(scope="module")
def pair(haproxy: Path) -> Iterator[Pair]:
    """Two nodes, started at once on nothing."""
    with two_nodes(lease=LEASE_SECONDS) as running:
        yield running


Work = Callable[[World, World], Awaitable[None]]


def run(pair: Pair, work: Work) -> None:
    """Do this work on both."""

    async def whole() -> None:
        async with at_work_on_both(pair) as (a, b):
            await work(a, b)

    asyncio.run(whole())


async def revoke(world: World, changes: Changes, token: str) -> Applied:
    """As the operator does it, by the token."""
    return await revoke_by_hand(world.shared.in_force.plan, world.directory, changes, "-", token, ACTOR)


def name_of(node: NodeUnderTest) -> str:
    """Its name in the feed."""
    return (node.data / "node-id").read_text().strip()


# -- both work ---------------------------------------------------------------------------------------------------


def test_both_came_up_at_once(pair: Pair) -> None:
    """On an empty database each step was taken once: one signing key, known to both; and each has a name of its own."""
    keys = [node.call("GET", "/.well-known/jwks.json").json for node in (pair.a, pair.b)]
    assert len(keys[0]["keys"]) == 1
    assert keys[0] == keys[1]
    assert name_of(pair.a) != name_of(pair.b)


def test_log_in_at_one_and_call_at_the_other(pair: Pair) -> None:
    """A token of either kind is good at both as soon as it is there; given back at one, it is refused at both."""
    jwt = {"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}
    pair.a.add_person("alice", "reader")
    for here, there in ((pair.a, pair.b), (pair.b, pair.a)):
        for asked in ({}, jwt):
            token = here.log_in("alice", client_id="app", **asked)
            assert [node.call("GET", "/items", token).status for node in (there, here)] == [200, 200]
            given_back = {"client_id": "app", "token": token, "wait": "all"}
            assert here.form("/oauth/revoke", given_back).status == 200
            assert [node.call("GET", "/items", token).status for node in (there, here)] == [401, 401]
            assert here.form("/oauth/revoke", given_back).status == 200


def test_a_code_at_both(pair: Pair) -> None:
    """Logged in at one, known at the other; a code is good once over both, and what it gave ends when it comes again."""
    pair.a.add_person("dora", "reader")
    visitor, elsewhere = Visitor(pair.a.port), Visitor(pair.b.port)
    apps = [App(node, "web", "http://127.0.0.1:51004/back", "item:read") for node in (pair.a, pair.b)]
    apps[1].verifier = apps[0].verifier
    assert visitor.log_in(visitor.open(apps[0].address()), "dora").told["code"]
    elsewhere.cookies.update(visitor.cookies)
    for _ in range(4):
        page = elsewhere.open(apps[0].address())
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda app, page=page: app.redeem(page), apps * 4))
        given = [answer.json["access_token"] for answer in answers if answer.status == 200]
        assert len(given) <= 1
        assert all(answer.json["error"] == "invalid_grant" for answer in answers if answer.status != 200)
        for token in given:
            assert [node.call("GET", "/items", token).status for node in (pair.a, pair.b)] == [401, 401]


def test_wait_is_node_or_all(pair: Pair) -> None:
    """Another word is the client's mistake, and nothing is revoked."""
    token = {"client_id": "app", "token": token_format.new()}
    answer = pair.a.form("/oauth/revoke", {**token, "wait": "everybody"})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert "wait" in answer.json["error_description"]
    assert pair.a.form("/oauth/revoke", {**token, "wait": "node"}).status == 200


def test_a_denial_outlives_every_token(pair: Pair) -> None:
    """What is taken away at A is denied for longer than a JWT of any node can live, whatever A's file says of lifetimes."""

    async def work(a: World, b: World) -> None:
        user = await a.person("reader")
        confirmed(await a.changes.disable_user(user, actor=ACTOR))
        in_a_day = int((time.time() + 24 * 3600) * 1000)
        assert f"user:{user}" in {denial.key for denial in b.directory.denials.alive(in_a_day)}

    run(pair, work)


# -- a change at A, while B keeps what it changes ----------------------------------------------------------------


def test_a_token_that_is_revoked_elsewhere(pair: Pair) -> None:
    """B refuses a kept token of either kind as soon as A says that every node has confirmed; its neighbour stays kept."""

    async def work(a: World, b: World) -> None:
        caller = b.caller()
        user = await a.person("reader")
        for kind in KINDS:
            token, other = await a.token(user, kind), await a.token(user, kind)
            await b.keep(token, caller)
            await b.keep(other, caller)
            confirmed(await revoke(a, a.changes.for_all(), token))
            reply = await caller.call(token)
            assert (reply.status, await b.log.backend(reply)) == (401, "ask.shop")
            still = await caller.call(other)
            assert (still.status, await b.log.backend(still)) == (200, "known.shop")

    run(pair, work)


def test_rights_that_are_changed_elsewhere(pair: Pair) -> None:
    """A role taken and given, a token edited in place: the very next call at B follows, up and down."""

    async def work(a: World, b: World) -> None:
        caller, changes = b.caller(), a.changes.for_all()
        user = await a.person("reader")
        for _ in range(2):
            token, own = await a.token(user), await a.token(user, own=READER)
            claims = await a.token(user, "jwt")
            for one in (token, own, claims):
                await b.keep(one, caller)
            confirmed(await changes.withdraw(user, READER, actor=ACTOR))
            assert [(await caller.call(one)).status for one in (token, own, claims)] == [403, 200, 401]
            confirmed(await changes.grant(user, READER, actor=ACTOR))
            assert [(await caller.call(one)).status for one in (token, own, claims)] == [200, 200, 401]
            (record,) = await a.shared.stores.tokens.get_many([token_format.digest(own)])
            assert record is not None
            for rights, method, expected in (
                (Rights(frozenset(), frozenset()), "GET", 403),
                (Rights(frozenset({"writer"}), frozenset()), "POST", 200),
            ):
                confirmed(await changes.edit_token(record.token_id, rights, actor=ACTOR))
                assert (await caller.call(own, method)).status == expected

    run(pair, work)


def test_a_person_or_client_that_is_stopped_elsewhere(pair: Pair) -> None:
    """Disabled, a new password, a client disabled: B refuses every token of theirs that it kept, and nobody else's."""

    async def work(a: World, b: World) -> None:
        caller, changes = b.caller(), a.changes.for_all()
        bystander = await a.token(await a.person("reader"))
        await b.keep(bystander, caller)
        partner = RegisteredClient(
            *("partner", ClientKind.CONFIDENTIAL, frozenset({"client_credentials"}), b"x" * 32, True, ()),
            *(frozenset({ANYTHING}), frozenset({"reader"}), frozenset(), TokenKind.OPAQUE, 600),
        )
        confirmed(await changes.register_client(partner, actor=ACTOR))
        stops: tuple[Callable[[str], Awaitable[Applied]], ...] = (
            lambda user: changes.disable_user(user, actor=ACTOR),
            lambda user: changes.set_password(user, "y" * 20, actor=ACTOR),
            lambda _: changes.disable_client("partner", actor=ACTOR),
        )
        for stop in stops:
            user = await a.person("reader")
            tokens = [await a.token(user, kind, client="partner") for kind in KINDS]
            for token in tokens:
                await b.keep(token, caller)
            confirmed(await stop(user))
            assert [(await caller.call(token)).status for token in tokens] == [401, 401]
        assert (await caller.call(bystander)).status == 200

    run(pair, work)


def test_keys_that_are_changed_elsewhere(pair: Pair) -> None:
    """B knows a new key before A signs with it, and believes a retired one no more when A says so."""

    async def work(a: World, b: World) -> None:
        caller = b.caller()
        user = await a.person("reader")
        old = await a.token(user, "jwt")
        (kid,) = [row.kid for row in a.directory.keys.list() if row.state.value == "active"]
        confirmed(await rotate_keys(a.shared.in_force.plan, a.changes, ACTOR))
        new = await a.token(user, "jwt")
        assert (await caller.call(new)).status == 200
        await b.keep(old, caller)
        confirmed(await a.changes.for_all().retire_key(kid, actor=ACTOR))
        assert [(await caller.call(token)).status for token in (old, new)] == [401, 200]

    run(pair, work)


@pytest.mark.parametrize("count", [40, LONG])
def test_how_late_the_other_node_is(pair: Pair, count: int) -> None:
    """B follows A's changes in milliseconds when nothing is broken, and in no case later than it may."""

    async def work(a: World, b: World) -> None:
        user = await a.person("reader")
        caller = b.caller()
        took, late = [], []
        for number in range(count):
            token = await a.token(user, KINDS[number % 2])
            await b.keep(token, caller)
            began = time.monotonic()
            change = asyncio.create_task(revoke(a, a.changes, token))
            change.add_done_callback(lambda _: took.append(time.monotonic() - began))  # noqa: B023 - awaited below
            while True:
                asked = time.monotonic()
                if (await caller.call(token)).status == 401:
                    break
            confirmed(await change)
            late.append(asked - began)
        assert max(late) - max(took) < LEASE_SECONDS
        for what, seconds in (("A says done", took), ("B refuses", late)):
            cuts = statistics.quantiles(seconds, n=100)
            log.info("%s, ms after the call: p50 %.1f p99 %.1f", what, cuts[49] * 1e3, cuts[98] * 1e3)

    run(pair, work)


def test_streams_that_are_open_at_the_other_node(pair: Pair) -> None:
    """An event stream and a WebSocket at B end with their token, which is revoked at A; others go on."""

    async def work(a: World, b: World) -> None:
        user = await a.person("reader")
        for kind in KINDS:
            token, other = await a.token(user, kind), await a.token(user, kind)
            async with events(b, token) as first, chat(b, token) as second, events(b, other) as spared:
                confirmed(await revoke(a, a.changes, token))
                await is_cut(first, second)
                await goes_on(spared)
                async with events(b, await a.token(await a.person("reader"))) as bystander:
                    confirmed(await a.changes.withdraw(user, READER, actor=ACTOR))
                    await is_cut(spared)
                    await goes_on(bystander)
                confirmed(await a.changes.grant(user, READER, actor=ACTOR))

    run(pair, work)


async def is_cut(*readers: asyncio.StreamReader) -> None:
    """They end soon."""
    async with asyncio.timeout(60):
        for reader in readers:
            with contextlib.suppress(OSError):
                assert await reader.read() == b""


async def goes_on(reader: asyncio.StreamReader) -> None:
    """It does not end."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)


@asynccontextmanager
async def opened(world: World, token: str, ends: bytes, *lines: str) -> AsyncIterator[asyncio.StreamReader]:
    """An open stream, read up to what ends its beginning."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.node.port)
    head = ("GET /events HTTP/1.1", "Host: shop.test", f"Authorization: Bearer {token}", *lines, "", "")
    writer.write("\r\n".join(head).encode())
    said = await reader.readuntil(ends)
    assert said.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")), said
    try:
        yield reader
    finally:
        writer.close()


Opened = contextlib.AbstractAsyncContextManager[asyncio.StreamReader]


def events(world: World, token: str) -> Opened:
    """An event stream."""
    return opened(world, token, b"hello\n\n", "Accept: text/event-stream")


def chat(world: World, token: str) -> Opened:
    """A WebSocket."""
    fields = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    return opened(world, token, b"\r\n\r\n", *fields, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


def test_a_reload_of_one_node(pair: Pair) -> None:
    """A's reload is A's business: B's worker stays, with its streams, and knows what it knew."""

    async def work(a: World, b: World) -> None:
        token = await a.token(await a.person("reader"))
        async with events(b, token) as stream:
            await reload(a, b, token)
            await goes_on(stream)

    async def reload(a: World, b: World, token: str) -> None:
        caller = b.caller()
        await b.keep(token, caller)
        workers = b.workers()
        text = a.node.config.read_text()
        a.node.config.write_text(text.replace('reader: ["item:read"]', 'reader: ["item:none"]'))
        try:
            assert (await a.reload())[0] == 0
            assert (await a.caller().call(token)).status == 403
            reply = await caller.call(token)
            assert (reply.status, await b.log.backend(reply)) == (200, "known.shop")
            assert b.workers() == workers
        finally:
            a.node.config.write_text(text)
            assert (await a.reload())[0] == 0

    run(pair, work)


# -- B's parts die -----------------------------------------------------------------------------------------------


async def status(caller: Caller, token: str) -> int:
    """What the call is answered; 0 when the connection breaks."""
    try:
        return (await caller.call(token)).status
    except (OSError, asyncio.IncompleteReadError):
        return 0


@pytest.mark.parametrize("part", ["keeper", "answer-0", "http", "worker"])
def test_a_part_of_the_other_node_is_killed(pair: Pair, part: str) -> None:
    """Killed with kept decisions and changed at once: B never says yes after A's call, or after the time that it names."""

    async def work(a: World, b: World) -> None:
        caller, changes = b.caller(), a.changes.for_all()
        user = await a.person("reader")
        tokens = [await a.token(user, kind) for kind in KINDS]
        for token in tokens:
            await b.keep(token, caller)
        b.kill(part)
        applied = await changes.disable_user(user, actor=ACTOR)
        if applied.unconfirmed:
            assert {one.partition("/")[0] for one in applied.unconfirmed} == {name_of(pair.b)}
            await asyncio.sleep(WAITED_FOR_SECONDS)
        other = await a.token(await a.person("reader"))
        seen = {token: Counter({await status(caller, token): 1}) for token in tokens}
        async with asyncio.timeout(60):
            while await status(caller, other) != 200 or any(401 not in seen[token] for token in tokens):
                for token in tokens:
                    seen[token][await status(caller, token)] += 1
        assert all(seen[token].keys() <= {401, 503, 0} for token in tokens), seen

    run(pair, work)


def test_the_whole_other_node_is_killed(pair: Pair) -> None:
    """kill -9, a change, a start: the first thing that B says of the token is no. Who waits for all hears whom for."""

    async def work(a: World, b: World) -> None:
        caller, changes = b.caller(), a.changes.for_all()
        user = await a.person("reader")
        tokens = [await a.token(user, kind) for kind in KINDS]
        for token in tokens:
            await b.keep(token, caller)
        assert b.node.process is not None
        killed = time.monotonic()
        for pid in b.node.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        b.node.process.wait()
        applied = await changes.disable_user(user, actor=ACTOR)
        assert {one.partition("/")[0] for one in applied.unconfirmed} <= {name_of(pair.b)}
        assert applied.unconfirmed or time.monotonic() - killed > LEASE_SECONDS
        await asyncio.to_thread(b.node.start)
        assert [await status(caller, token) for token in tokens] == [401, 401]
        await _until(lambda: time.monotonic() > killed + WAITED_FOR_SECONDS)
        confirmed(await changes.enable_user(user, actor=ACTOR))

    run(pair, work)


@pytest.mark.soak
def test_a_copied_data_folder(pair: Pair) -> None:
    """Two nodes of one name are two all the same: the one that hangs is waited for, whatever the other confirms."""

    async def work(a: World, folder: Path) -> None:
        copy = pair.another(folder)
        copy.data.mkdir(mode=0o700)
        for name in ("sumun-data", "node-id"):
            shutil.copy(pair.b.data / name, copy.data / name)
        await asyncio.to_thread(copy.start)
        try:
            assert name_of(copy) == name_of(pair.b)
            await _until(lambda: pair.valkey.admin_text("HKEYS", "smn:readers").count("/keeper:") == 3)
            os.kill(copy.part("keeper"), signal.SIGSTOP)
            applied = await a.changes.for_all().disable_user(await a.person("reader"), actor=ACTOR)
            assert applied.behind() == f"{name_of(pair.b)} (keeper)"
        finally:
            os.kill(copy.part("keeper"), signal.SIGCONT)
            await asyncio.to_thread(copy.stop)

    with node_folder() as folder:
        run(pair, lambda a, _: work(a, folder))


# -- B's links are cut -------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What B answered to one token: when the call began, and how it ended."""

    token: str
    fresh: Iterator[str] | None = None
    calls: list[tuple[float, int]] = field(default_factory=list)

    def last(self, wanted: int) -> float:
        """When the last call began that ended like this."""
        return max((began for began, status in self.calls if status == wanted), default=float("-inf"))

    def after(self, moment: float) -> set[int]:
        """How calls ended that began after this moment."""
        return {status for began, status in self.calls if began > moment}


@asynccontextmanager
async def watched(world: World, *all_seen: Seen) -> AsyncIterator[None]:
    """Each token is called again and again meanwhile."""

    async def watch(seen: Seen) -> None:
        caller = world.caller()
        while True:
            token = seen.token if seen.fresh is None else next(seen.fresh)
            began = time.monotonic()
            seen.calls.append((began, await status(caller, token)))
            await asyncio.sleep(0.005)

    tasks = [asyncio.create_task(watch(seen)) for seen in all_seen]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in done), done


@pytest.mark.parametrize("how", list(Cut))
def test_the_link_to_valkey_is_cut(pair: Pair, how: Cut) -> None:
    """B serves what it knows for `serve_known_for` and not a moment longer, then 503; and learns before it says yes again."""

    async def work(a: World, b: World) -> None:
        user, bystander = await a.person("reader"), await a.person("reader")
        lost = [Seen(await a.token(user, kind)) for kind in KINDS]
        stays = [Seen(await a.token(bystander, kind)) for kind in KINDS]
        # Claims that B never saw: nobody has to be asked about them either.
        new = [await a.token(bystander, "jwt") for _ in range(200)]
        unseen = Seen("", fresh=(new[i % len(new)] for i in range(1_000_000)))
        everyone = (*lost, *stays, unseen)
        for one in (*lost, *stays):
            await b.keep(one.token, b.caller())
        async with (
            events(b, lost[0].token) as goes,
            events(b, stays[0].token) as lives,
            watched(b, *everyone),
        ):
            cut = await asyncio.to_thread(pair.to_valkey.cut, how)
            try:
                await _told_at_a(a, pair, user, cut)
                assert (await a.caller().call(lost[0].token)).status == 401
                over = cut + LEASE_SECONDS
                await _until(lambda: all(one.after(over + 0.5) for one in everyone))
                for one in everyone:
                    assert one.after(over) == {503}, Counter(s for t, s in one.calls if t > over)
                    assert one.after(cut) == {200, 503}
                assert stays[1].last(200) - cut > LEASE_SECONDS / 4, "it does not serve what it knows"
            finally:
                await asyncio.to_thread(pair.to_valkey.mend)
            mended = time.monotonic()
            await _until(lambda: all(one.last(200) > mended for one in (*stays, unseen)))
            await _until(lambda: all(one.last(401) > mended for one in lost))
            await is_cut(goes)
            await goes_on(lives)
        for one in lost:
            assert one.after(over) == {503, 401}
        confirmed(await a.changes.for_all().enable_user(user, actor=ACTOR))

    run(pair, work)


async def _told_at_a(a: World, pair: Pair, user: str, cut: float) -> None:
    """A's operator hears that B has not confirmed, as long as B may still serve what it knew; then it is done."""
    command = ("user", "disable", user, "--yes")
    done = await asyncio.to_thread(a.node.sumun, *command)
    assert (done.returncode, done.stdout) == (0, f"user {user} disabled.\n"), done.stderr
    given_back = {"client_id": "app", "token": token_format.new(), "wait": "all"}
    answer = await asyncio.to_thread(a.node.form, "/oauth/revoke", given_back)
    passed = time.monotonic() - cut
    if passed < LEASE_SECONDS:
        assert answer.status == 503
        named = f"not confirmed by {name_of(pair.b)} ("
        assert named in a.node.log()
        if passed < LEASE_SECONDS - 1:  # its parts give up one after the other, within a moment
            assert "keeper" in a.node.log().partition(named)[2].partition(")")[0]
    while True:
        done = await asyncio.to_thread(a.node.sumun, *command, "--wait", "all")
        if done.returncode == 0:
            break
        assert done.returncode == 1
        assert f"but not confirmed by {name_of(pair.b)} (" in done.stderr
        assert name_of(pair.a) not in done.stderr
    assert time.monotonic() - cut > LEASE_SECONDS
    assert done.stdout.endswith("it is so already, on every node.\n")


async def _until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", list(Cut))
def test_the_link_to_postgres_is_cut(pair: Pair, how: Cut) -> None:
    """B goes on with what it knows and follows the news; whom it cannot look up it turns away with 503, until it can."""

    async def work(a: World, b: World) -> None:
        user, bystander = await a.person("reader"), await a.person("reader")
        lost = [Seen(await a.token(user, kind)) for kind in KINDS]
        stays = Seen(await a.token(bystander))
        stranger = await a.token(await a.person("reader"))
        for one in (*lost, stays):
            await b.keep(one.token, b.caller())
        await asyncio.to_thread(pair.to_postgres.cut, how)
        try:
            assert await status(b.caller(), stranger) == 503
            async with watched(b, *lost, stays):
                confirmed(await a.changes.disable_user(user, actor=ACTOR))
                over = time.monotonic() + LEASE_SECONDS
                await _until(lambda: all(one.after(over + 0.3) for one in (*lost, stays)))
                assert all(one.after(over) == {503} for one in lost)
                assert stays.after(0) == {200}
                await asyncio.to_thread(pair.to_postgres.mend)
                mended = time.monotonic()
                await _until(lambda: all(one.last(401) > mended for one in lost))
            assert all(one.after(over) == {503, 401} for one in lost)
            assert stays.after(0) == {200}
        finally:
            await asyncio.to_thread(pair.to_postgres.mend)
        async with asyncio.timeout(60):
            while await status(b.caller(), stranger) != 200:
                await asyncio.sleep(0.05)

    run(pair, work)
