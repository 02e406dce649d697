"""Refresh tokens, and tokens issued under a session or a grant, through the running gateway."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from sumun.identity import ANYTHING, Subject
from sumun.tokens.mint import OPAQUE_RANDOM_BYTES, Grant, mint_opaque
from tests.live.kept_world import ACTOR, Caller, World, held, run, running_node
from tests.live.node_under_test import NodeUnderTest

Place = tuple[NodeUnderTest, int]

AT_ONCE = 8
_CONFIG = """\
listen: 127.0.0.1:{port}
services:
  shop: {{url: http://127.0.0.1:{service}, audience: "https://shop.example"}}
  other: {{url: http://127.0.0.1:{service}, audience: "https://other.example"}}
  plain: {{url: http://127.0.0.1:{service}}}
routes:
  - {{path: /other, methods: [GET], service: other, require: item:read}}
  - {{path: /plain, methods: [GET], service: plain, require: item:read}}
  - {{path: /items, methods: [GET], service: shop, require: item:read}}
  - {{path: /items, methods: [POST], service: shop, require: item:write}}
  - {{path: /events, methods: [GET], service: shop, require: item:read}}
tokens: {{refresh: {{overlap: {overlap}}}}}
clients:
  - {{id: app, kind: public, first_party: true, grants: [password, refresh_token], scopes: ["*:*"], may_ask_for: [jwt]}}
  - {{id: jobs, kind: confidential, secret: "file:jobs.secret", may_ask_for: [jwt],
      grants: ["urn:ietf:params:oauth:grant-type:token-exchange"]}}
limits: {{decision_timeout: 2s, wrong_tokens_per_source: 1000000}}
"""


@pytest.fixture(scope="module")
def quick(haproxy: object) -> Iterator[Place]:
    """A gateway where a refresh token may come again for a second, for all tests that replay one."""
    with running_node(
        lambda port, service: _CONFIG.format(port=port, service=service, overlap="1s")
    ) as running:
        yield running


@pytest.fixture
def patient(haproxy: object) -> Iterator[Place]:
    """A gateway with room for requests that wait for each other on a busy machine."""
    with running_node(
        lambda port, service: _CONFIG.format(port=port, service=service, overlap="2m")
    ) as running:
        yield running


async def form(world: World, path: str, fields: Mapping[str, str]) -> tuple[int, Any]:
    """POST a form to the gateway: status and JSON; 503, which says "again", is sent again."""
    body = urlencode(fields).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.node.port)
        writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
        told, _, content = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status = int(told.split(b" ", 2)[1])
        if status != 503:
            return status, json.loads(content) if content else None
        await asyncio.sleep(0.1)


async def person(world: World, *permissions: str) -> str:
    """A person who has the password `correct horse`; the id."""
    name = f"p-{secrets.token_hex(6)}"
    done = await asyncio.to_thread(
        world.node.sumun, "user", "add", name, "--password-stdin", stdin="correct horse\n"
    )
    assert done.returncode == 0, done.stderr
    await world.changes.grant(name, held(permissions=permissions), actor=ACTOR)
    return name


async def login(world: World, name: str, **more: str) -> Any:
    """The password grant."""
    told = {"grant_type": "password", "client_id": "app", "username": name, "password": "correct horse"}
    status, answer = await form(world, "/oauth/token", told | more)
    assert status == 200, answer
    return answer


async def refresh(world: World, token: str, **more: str) -> tuple[int, Any]:
    """The refresh token grant."""
    told = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": token}
    return await form(world, "/oauth/token", told | more)


async def until_replayed(world: World, token: str) -> None:
    """Show a used token until its time is over."""
    async with asyncio.timeout(60):
        while (await refresh(world, token))[0] == 200:
            await asyncio.sleep(0.1)


async def refresh_at_once(world: World, caller: Caller, token: str) -> str:
    """Eight requests with one token: all are answered alike, and each access token works. Gives the successor."""
    answers = await asyncio.gather(*(refresh(world, token) for _ in range(AT_ONCE)))
    assert [status for status, _ in answers] == [200] * AT_ONCE, answers
    following = {told["refresh_token"] for _, told in answers}
    assert len(following) == 1
    for _, told in answers:
        assert (await caller.call(told["access_token"])).status == 200
    return str(following.pop())


async def many_clients(world: World, clients: int, at_a_time: int) -> None:
    """Each client refreshes twice, eight times at once, and then once more: nobody has lost the login."""
    name = await person(world, "item:read")
    tokens = [(await login(world, name))["refresh_token"] for _ in range(clients)]
    room = asyncio.Semaphore(at_a_time)

    async def client(token: str) -> int:
        async with room:
            caller = world.caller()
            for _ in range(2):
                token = await refresh_at_once(world, caller, token)
            await caller.close()
            return (await refresh(world, token))[0]

    kept = await asyncio.gather(*(client(token) for token in tokens))
    assert kept == [200] * clients


def test_many_clients_refresh_at_once(patient: Place) -> None:
    """40 clients, each with eight requests at a time: none loses its login."""
    run(*patient, lambda world: many_clients(world, 40, 10))


@pytest.mark.soak
def test_a_thousand_clients_refresh_at_once(patient: Place) -> None:
    """1,000 clients, each with eight requests at a time: none loses its login."""
    run(*patient, lambda world: many_clients(world, 1000, 25))


@pytest.mark.parametrize("kind", ["access_token", "jwt"])
def test_a_replay_ends_the_login_at_the_gate(quick: Place, kind: str) -> None:
    """A token that comes again late is refused, and what HAProxy kept of its family is refused on the next call."""

    async def work(world: World) -> None:
        name = await person(world, "item:read")
        asked = {"requested_token_type": f"urn:ietf:params:oauth:token-type:{kind}"}
        first = await login(world, name, **asked)
        _, second = await refresh(world, first["refresh_token"], **asked)
        bystander = await login(world, name, **asked)
        caller = world.caller()
        for told in (first, second, bystander):
            await world.keep(told["access_token"], caller)
        await until_replayed(world, first["refresh_token"])
        for told in (first, second):
            assert (await caller.call(told["access_token"])).status == 401
            assert (await refresh(world, told["refresh_token"]))[0] == 400
        assert (await caller.call(bystander["access_token"])).status == 200
        assert (await refresh(world, bystander["refresh_token"]))[0] == 200

    run(*quick, work)


def test_it_is_given_back(quick: Place) -> None:
    """When a refresh token was revoked, what HAProxy kept of its access token is refused on the next call."""

    async def work(world: World) -> None:
        told = await login(world, await person(world, "item:read"))
        caller = world.caller()
        await world.keep(told["access_token"], caller)
        given_back = {"client_id": "app", "token": told["refresh_token"]}
        assert (await form(world, "/oauth/revoke", given_back))[0] == 200
        assert (await caller.call(told["access_token"])).status == 401
        assert (await refresh(world, told["refresh_token"]))[0] == 400

    run(*quick, work)


@pytest.mark.parametrize("kind", ["access_token", "jwt"])
def test_a_token_for_one_service_is_none_at_another(quick: Place, kind: str) -> None:
    """It opens its service, kept and asked, and no other, whatever HAProxy knows of others who hold the same."""

    async def work(world: World) -> None:
        name = await person(world, "item:read")
        asked = {"requested_token_type": f"urn:ietf:params:oauth:token-type:{kind}"}
        everywhere = (await login(world, name, **asked))["access_token"]
        narrow = (await login(world, name, resource="https://shop.example", **asked))["access_token"]
        caller = world.caller()
        for path in ("/items", "/other", "/plain"):
            assert (await caller.call(everywhere, "GET", path)).status in (200, 404)
        await world.keep(everywhere, caller)
        await world.keep(narrow, caller)
        for path, status in (("/other", 401), ("/plain", 401), ("/items", 200), ("/other", 401)):
            reply = await caller.call(narrow, "GET", path)
            assert reply.status == status, path
            if status == 401:
                assert json.loads(reply.body)["code"] == "invalid_token"
        assert await world.log.backend(await caller.call(narrow)) == "known.shop"

    run(*quick, work)


@pytest.mark.parametrize("kind", ["access_token", "jwt"])
def test_what_is_exchanged_ends_with_the_token_that_it_came_of(quick: Place, kind: str) -> None:
    """The person's token and what a service got for it are kept by HAProxy, and refused together on the next call."""

    async def work(world: World) -> None:
        token = (await login(world, await person(world, "item:read")))["access_token"]
        wanted = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "client_id": "jobs",
            "client_secret": "jobs-secret-of-the-test",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": f"urn:ietf:params:oauth:token-type:{kind}",
            "resource": "https://shop.example",
        }
        status, told = await form(world, "/oauth/token", wanted)
        assert status == 200, told
        caller = world.caller()
        reply = await world.keep(told["access_token"], caller)
        assert ["x-client-id", "jobs"] in [[name.lower(), value] for name, value in reply.seen]
        await world.keep(token, caller)
        assert (await caller.call(told["access_token"], "GET", "/other")).status == 401
        assert (await form(world, "/oauth/revoke", {"client_id": "app", "token": token}))[0] == 200
        assert (await caller.call(told["access_token"])).status == 401
        assert (await caller.call(token)).status == 401

    run(*quick, work)


def test_what_is_issued_under_a_session_or_grant(quick: Place) -> None:
    """Narrowed, withdrawn, ended: what HAProxy kept is decided anew on the next call, for each token under it."""

    async def work(world: World) -> None:
        name = await person(world, "item:read", "item:write")
        every = held(permissions=("item:read", "item:write")).permissions
        grant = await world.changes.allow_grant(name, "app", every, frozenset(), actor=ACTOR)
        tokens = []
        for session in ("sid_" + "1" * 22, "sid_" + "2" * 22):
            token, digest, record = mint_opaque(
                Grant(
                    Subject.user(name),
                    "app",
                    frozenset({ANYTHING}),
                    frozenset(),
                    frozenset(),
                    0,
                    0,
                    0,
                    session_id=session,
                    grant_id=grant.id,
                ),
                now=time.time(),
                lifetime_seconds=600,
                random=secrets.token_bytes(OPAQUE_RANDOM_BYTES),
            )
            assert await world.shared.stores.tokens.put(digest, record)
            tokens.append(token)
        caller = world.caller()

        async def answers() -> list[tuple[int, int]]:
            return [
                ((await caller.call(one)).status, (await caller.call(one, "POST")).status) for one in tokens
            ]

        for token in tokens:
            await world.keep(token, caller)
            await world.keep(token, caller, "POST")
        left = held(permissions=("item:read",)).permissions
        assert not (await world.changes.narrow_grant(grant.id, left, frozenset(), actor=ACTOR)).unconfirmed
        assert await answers() == [(200, 403), (200, 403)]
        for token in tokens:
            await world.keep(token, caller)
        assert not (await world.changes.end_session("sid_" + "1" * 22, actor=ACTOR)).unconfirmed
        assert await answers() == [(401, 401), (200, 403)]
        assert not (await world.changes.withdraw_grant(grant.id, actor=ACTOR)).unconfirmed
        assert await answers() == [(401, 401), (401, 401)]

    run(*quick, work)
