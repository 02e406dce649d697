"""Limits hold on every way through the running gateway: calls that are kept, asked, or need no token.

Each test calls from an address of its own, with people and a client of its own, so that no other test's calls count.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import grpc
import pytest

from tests.live.demo_node import whole_lines
from tests.live.kept_world import Caller, Reply, World, run, running_node
from tests.live.node_under_test import NodeUnderTest

PER_SOURCE = 400
PER_PERSON = 30
PER_CLIENT = 60
PER_ROUTE = 5
OFTEN = 3

_CONFIG = """\
listen: 127.0.0.1:{port}
services:
  shop: {{url: http://127.0.0.1:{service}}}
  signed: {{url: http://127.0.0.1:{service}, identity_token: always}}
  nobody: {{url: h2c://127.0.0.1:9}}
roles:
  reader: ["item:read"]
  writer: ["item:*"]
routes:
  - {{path: /items, methods: [GET], service: shop, require: item:read}}
  - {{path: /items, methods: [POST], service: shop, require: item:write}}
  - {{path: "/items/{{id}}", methods: [GET], service: shop, require: item:read, limit: {per_route}/hour}}
  - {{path: /signed, methods: [GET], service: signed, require: item:read}}
  - {{path: /signed/few, methods: [GET], service: signed, require: item:read, limit: {per_route}/hour}}
  - {{path: /often, methods: [GET], service: shop, require: public, limit: {often}/s}}
  - {{path: /seldom, methods: [GET], service: shop, require: public, limit: 1/s}}
  - {{path: /open, service: shop, require: public}}
  - {{path: /open/few, service: shop, require: public, limit: {per_route}/hour}}
  - {{path: "/shop.Greeter/{{method}}", methods: [POST], service: nobody, limit: 1/hour}}
clients:
  - {{id: app, kind: public, first_party: true, grants: [password]}}
  - {{id: other, kind: public, first_party: true, grants: [password]}}
  - {{id: small, kind: public, first_party: true, grants: [password]}}
  - {{id: jobs, kind: confidential, secret: "file:jobs.secret", grants: [client_credentials], permissions: ["item:read"]}}
limits:
  decision_timeout: 2s
  per_source: {per_source}/hour
  per_person: {per_person}/hour
  per_client: {per_client}/hour
"""

Place = tuple[NodeUnderTest, int]


def config(port: int, service: int, *, per_person: int = PER_PERSON) -> str:
    """The configuration's text."""
    return _CONFIG.format(
        port=port,
        service=service,
        per_source=PER_SOURCE,
        per_person=per_person,
        per_client=PER_CLIENT,
        per_route=PER_ROUTE,
        often=OFTEN,
    )


@pytest.fixture
def place(haproxy: object) -> Iterator[Place]:
    """A running gateway with limits, and the port of its service; for one test, because counts last for an hour."""
    with running_node(config) as running:
        yield running


async def until_refused(caller: Caller, token: str, path: str, *lines: str) -> tuple[list[Reply], Reply]:
    """The calls that were let through, and the one that was not."""
    passed: list[Reply] = []
    while True:
        reply = await caller.call(token, "GET", path, *lines)
        if reply.status != 200:
            return passed, reply
        passed.append(reply)
        assert len(passed) <= PER_SOURCE


def assert_too_many(reply: Reply, name: str, calls: int, seconds: int = 3600) -> None:
    """A refusal by this limit, in every form in which it is told."""
    assert reply.status == 429, reply
    assert json.loads(reply.body)["code"] == "too_many_requests"
    assert json.loads(reply.body)["request_id"] == reply.id
    assert reply.fields["content-type"] == "application/problem+json"
    assert reply.fields["retry-after"] == str(seconds)
    assert reply.fields["ratelimit-policy"] == f'"{name}";q={calls};w={seconds}'
    assert reply.fields["ratelimit"] == f'"{name}";r=0;t={seconds}'


async def logged(world: World, reply: Reply) -> dict[str, object]:
    """The access log's line of a reply."""
    await world.log.backend(reply)
    lines = whole_lines(world.node.data / "log" / "access.log")
    return next(one for one in map(json.loads, lines) if one["id"] == reply.id)


async def heard(world: World) -> int:
    """How many requests the service has had."""
    caller = Caller(world.service)
    reply = await caller.call("-", "GET", "/heard")
    await caller.close()
    return int(reply.body)


async def keep(world: World, token: str, caller: Caller) -> None:
    """Call, with few calls, until the call is known without a question."""
    async with asyncio.timeout(60):
        while True:
            reply = await caller.call(token)
            assert reply.status == 200, reply
            if await world.log.backend(reply) == "known.shop":
                return
            await asyncio.sleep(0.2)


def test_a_person(place: Place) -> None:
    """A person's kept calls and asked calls count together, over all their tokens; another person is not touched."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        user, beside = await world.person("reader"), await world.person("reader")
        token, second = await world.token(user), await world.token(user, "jwt", client="other")
        before = await heard(world)
        asked = await caller.call(second, "GET", "/signed")
        assert (asked.status, await world.log.backend(asked)) == (200, "ask.signed")
        await keep(world, token, caller)
        passed, refused = await until_refused(caller, token, "/items")
        assert await world.log.backend(passed[-1]) == "known.shop"
        assert await heard(world) - before == PER_PERSON + 1  # ours to count them
        assert_too_many(refused, "per_person", PER_PERSON)
        line = await logged(world, refused)
        assert (line["be"], line["code"], line["why"]) == ("known.shop", "too_many_requests", "per_person")
        assert (line["who"], line["client"]) == (f"user:{user}", "app")
        for path in ("/items", "/signed"):
            also = await caller.call(second, "GET", path)
            assert_too_many(also, "per_person", PER_PERSON)
        assert await heard(world) - before == PER_PERSON + 2
        assert (await caller.call(await world.token(beside), "GET", "/items")).status == 200

    run(*place, work)


def test_what_is_refused_for_another_reason_does_not_count(place: Place) -> None:
    """Calls without the right, and calls that a limit refuses, use up nothing."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        token = await world.token(await world.person("reader"))
        for _ in range(PER_PERSON):
            assert (await caller.call(token, "POST")).status == 403
        passed, refused = await until_refused(caller, token, "/items/7")
        assert len(passed) == PER_ROUTE
        assert_too_many(refused, "route", PER_ROUTE)
        for _ in range(PER_PERSON):
            assert (await caller.call(token, "GET", "/items/8")).status == 429
        passed, refused = await until_refused(caller, token, "/items")
        assert len(passed) == PER_PERSON - PER_ROUTE
        assert_too_many(refused, "per_person", PER_PERSON)

    run(*place, work)


def test_a_client(place: Place) -> None:
    """All people of one client count together, and a program that acts for itself is no person; another client goes on."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        people = [await world.person("reader") for _ in range(3)]
        tokens = [await world.token(user, client="small") for user in people]
        for token in tokens[:2]:
            for _ in range(PER_PERSON - 1):
                assert (await caller.call(token)).status == 200
        passed, refused = await until_refused(caller, tokens[2], "/items")
        assert len(passed) == PER_CLIENT - 2 * (PER_PERSON - 1)
        assert_too_many(refused, "per_client", PER_CLIENT)
        assert (await caller.call(await world.token(people[2], client="other"))).status == 200
        passed, refused = await until_refused(caller, await world.token(None, client="jobs"), "/items")
        assert len(passed) == PER_CLIENT
        assert_too_many(refused, "per_client", PER_CLIENT)

    run(*place, work)


def test_a_route(place: Place) -> None:
    """Each caller has so many calls of one route, whichever id is in its path: kept, asked, and without a token by source."""

    async def work(world: World) -> None:
        caller, elsewhere = world.caller("127.0.0.2"), world.caller("127.0.0.3")
        for client in ("app", "other"):
            token = await world.token(await world.person("reader"), client=client)
            await keep(world, token, caller)
            for path in ("/items/1", "/signed/few"):
                passed, refused = await until_refused(caller, token, path)
                assert len(passed) == PER_ROUTE
                assert_too_many(refused, "route", PER_ROUTE)
                where = "ask.signed" if path == "/signed/few" else "known.shop"
                assert await world.log.backend(refused) == where
            assert (await caller.call(token, "GET", "/items/2")).status == 429
            assert (await caller.call(token, "GET", "/items")).status == 200
        before = await heard(world)
        for one in (caller, elsewhere):
            passed, refused = await until_refused(one, "-", "/open/few")
            assert len(passed) == PER_ROUTE
            assert_too_many(refused, "route", PER_ROUTE)
            assert (await one.call("-", "GET", "/open")).status == 200
        assert await heard(world) - before == 2 * PER_ROUTE + 3

    run(*place, work)


def test_a_source(place: Place) -> None:
    """A flood from one address is refused before any question, whatever it calls; another address is not touched."""

    async def work(world: World) -> None:
        caller, elsewhere = world.caller("127.0.0.2"), world.caller("127.0.0.3")
        token = await world.token(await world.person("reader"))
        for number in range(PER_SOURCE):
            path = ("/open", "/nothing", "/healthz")[number % 3]
            assert (await caller.call("-", "GET", path)).status in (200, 404)
        before = await heard(world)
        for path in ("/items", "/open", "/nothing", "/healthz", "/oauth/token", "/a//b"):
            refused = await caller.call(token, "GET", path)
            assert_too_many(refused, "per_source", PER_SOURCE)
            line = await logged(world, refused)
            assert (line["be"], line["why"], line["who"]) == ("refuse", "per_source", "-")
        assert await heard(world) - before == 1
        assert (await elsewhere.call(token, "GET", "/items")).status == 200

    run(*place, work)


def test_sources_on_a_socket_of_both_families(haproxy: object) -> None:
    """On `[::]` an IPv4 caller is its address, as everywhere: one that used up its calls takes none from another."""

    async def work(world: World) -> None:
        caller, elsewhere = world.caller("127.0.0.2"), world.caller("127.0.0.3")
        _, refused = await until_refused(caller, "-", "/open")
        assert_too_many(refused, "per_source", PER_SOURCE)
        assert (await logged(world, refused))["src"] == "127.0.0.2"
        assert (await elsewhere.call("-", "GET", "/open")).status == 200

    def on_both(port: int, service: int) -> str:
        here = f"issuer: http://127.0.0.1:{port}\nlisten: '[::]:{port}'"
        return config(port, service).replace(f"listen: 127.0.0.1:{port}", here)

    with running_node(on_both) as place:
        run(*place, work)


def test_who_waits_as_told_may_call(place: Place) -> None:
    """After Retry-After, and no other call, the next one goes on; also for a limit of a single call."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        for path, calls, told in (("/often", OFTEN, 1), ("/seldom", 1, 2)):
            for _ in range(2):
                passed, refused = await until_refused(caller, "-", path)
                assert 1 <= len(passed) <= 2 * calls
                assert refused.fields["retry-after"] == str(told)
                await asyncio.sleep(told)
            assert (await caller.call("-", "GET", path)).status == 200

    run(*place, work)


def test_who_hammers_gets_the_rate_and_no_more(place: Place) -> None:
    """Calls that are refused use up nothing: hammering gets the next calls as they become free, never more in a window."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        began, passed, refused = time.monotonic(), 0, 0
        async with asyncio.timeout(60):
            while passed < 3 * OFTEN:
                status = (await caller.call("-", "GET", "/often")).status
                passed, refused = passed + (status == 200), refused + (status == 429)
                await asyncio.sleep(0.02)
        assert refused > 0
        # Fixed windows of a second begin with the first call: no more than so many in each that was begun.
        assert passed <= OFTEN * (int(time.monotonic() - began) + 1)

    run(*place, work)


def test_grpc(place: Place) -> None:
    """A gRPC caller is told RESOURCE_EXHAUSTED, by any limit."""

    async def work(world: World) -> None:
        token = await world.token(await world.person("reader"))
        codes = await asyncio.to_thread(_greet, world.node.port, token, 2)
        assert codes == [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
        caller = world.caller()
        while (reply := await caller.call("-", "GET", "/open")).status == 200:
            pass
        assert_too_many(reply, "per_source", PER_SOURCE)
        assert await asyncio.to_thread(_greet, world.node.port, token, 1) == [
            grpc.StatusCode.RESOURCE_EXHAUSTED
        ]

    run(*place, work)


def _greet(port: int, token: str, times: int) -> list[grpc.StatusCode]:
    """What real gRPC calls end with."""
    codes = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/shop.Greeter/Say")
        for _ in range(times):
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", metadata=(("authorization", f"Bearer {token}"),), timeout=60)
            assert isinstance(refused.value, grpc.Call)
            codes.append(refused.value.code())
    return codes


def test_another_limit_after_a_reload(place: Place) -> None:
    """A limit is changed by a reload; calls on a connection that was open before it meet the new one."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        token = await world.token(await world.person("reader"))
        assert (await caller.call(token)).status == 200
        world.node.config.write_text(config(world.node.port, world.service, per_person=2))
        code, said = await world.reload()
        assert code == 0, said
        again = world.caller("127.0.0.2")
        passed, refused = await until_refused(again, token, "/items")
        assert len(passed) == 2
        assert_too_many(refused, "per_person", 2)

    run(*place, work)


def test_counts_stay_over_a_reload_that_needs_no_new_worker(place: Place) -> None:
    """Another requirement and another quota change nothing of what was counted."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        token = await world.token(await world.person("writer"))
        for _ in range(PER_ROUTE - 1):
            assert (await caller.call(token, "GET", "/items/1")).status == 200
        text = world.node.config.read_text()
        world.node.config.write_text(text.replace("require: item:read, limit", "require: item:write, limit"))
        code, said = await world.reload()
        assert code == 0, said
        assert "switched in the running HAProxy worker" in said
        passed, refused = await until_refused(caller, token, "/items/1")
        assert len(passed) == 1
        assert_too_many(refused, "route", PER_ROUTE)

    run(*place, work)


def test_explain_tells_the_limit(place: Place) -> None:
    """`sumun explain REQUEST-ID` says which limit refused the call."""

    async def work(world: World) -> None:
        caller = world.caller("127.0.0.2")
        token = await world.token(await world.person("reader"))
        _, refused = await until_refused(caller, token, "/items/1")
        await world.log.backend(refused)
        done = await asyncio.to_thread(
            world.node.sumun, "explain", refused.id, "--data", str(world.node.data)
        )
        assert done.returncode == 0, done.stderr
        assert (
            "429 too_many_requests: the caller had made as many calls as the `limit` of the route"
            in done.stdout
        )

    run(*place, work)
