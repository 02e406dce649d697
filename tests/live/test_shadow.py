"""Shadow rules in a running node: they report asked and kept calls, and change no answer."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sumun.cli.main import sumun
from tests.live.demo_node import whole_lines
from tests.live.kept_world import Caller, Reply, World, config, run, running_node
from tests.live.node_under_test import NodeUnderTest


@pytest.fixture(scope="module")
def node() -> Iterator[tuple[NodeUnderTest, int]]:
    """One running node for this file; it begins without a shadow rule."""
    with running_node() as found:
        yield found


def shadowed(text: str, port: int) -> str:
    """The same file with three shadow rules: one that asks more, one that asks less, one that takes JWTs only."""
    text = text.replace("node:", f"operator: {{listen: 127.0.0.1:{port + 2}}}\nnode:")
    for old, new in (
        ("{path: /items, methods: [GET], service: shop, require: item:read", "shadow: {require: item:list}"),
        (
            "{path: /items, methods: [POST], service: shop, require: item:write",
            "shadow: {require: item:read}",
        ),
        (
            '{path: "/items/{id}", methods: [GET], service: shop, require: item:read',
            "shadow: {tokens: [jwt]}",
        ),
    ):
        assert old in text
        text = text.replace(old, f"{old}, {new}")
    return text


async def logged(world: World, reply: Reply) -> dict[str, str]:
    """The line of a call; it is written as the answer ends."""
    path = world.node.data / "log" / "access.log"
    async with asyncio.timeout(60):
        while True:
            for line in whole_lines(path):
                if f'"id":"{reply.id}"' in line:
                    found: dict[str, str] = json.loads(line)
                    return found
            await asyncio.sleep(0.01)


async def kept(world: World, caller: Caller, token: str, path: str) -> Reply:
    """Call until nobody is asked any more."""
    async with asyncio.timeout(60):
        while True:
            reply = await caller.call(token, "GET", path)
            assert reply.status == 200
            if not (await world.log.backend(reply)).startswith("ask."):
                return reply
            await asyncio.sleep(0.01)


def told(log: Path, *options: str) -> tuple[int, list[dict[str, object]]]:
    """What `sumun shadow --json` says."""
    result = CliRunner().invoke(sumun, ("shadow", str(log), "--json", *options))
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_asked_and_kept_calls_are_reported_and_answered_as_ever(node: tuple[NodeUnderTest, int]) -> None:
    """With the rules in force every call is answered as without them; each that they would turn is in the log, once."""

    async def work(world: World) -> None:
        caller = world.caller()
        reader, log = await world.person("reader"), world.node.data / "log" / "access.log"
        opaque, jwt = await world.token(reader), await world.token(reader, "jwt")
        calls = [(opaque, "POST", "/items"), (jwt, "GET", "/items/7"), (opaque, "GET", "/extra")]
        before = [await caller.call(*call) for call in calls]
        plain = await kept(world, caller, opaque, "/items")
        assert "shadow" not in await logged(world, plain)
        assert told(log) == (0, [{"replayed": told(log)[1][0]["replayed"], "changed": 0, "not_replayed": {}}])

        text = shadowed(config(world.node.port, world.service), world.node.port)
        world.node.config.write_text(text)
        assert (await world.reload())[0] == 0
        caller = world.caller()  # the old worker answers on the other connection once more
        asked = await caller.call(opaque, "GET", "/items")
        after = [await caller.call(*call) for call in calls]
        assert [one.status for one in after] == [one.status for one in before] == [403, 200, 403]
        hit = await kept(world, caller, opaque, "/items")
        other = await kept(world, caller, opaque, "/items/7")
        clean = await kept(world, caller, jwt, "/items/7")
        # What the service hears of a kept call is what it heard before, but for the request's own id.
        assert heard(hit) == heard(plain)

        refused = "insufficient_scope/item:list"
        for reply, backend, shadow in (
            (asked, "ask.shop", refused),
            (hit, "shadow.shop", refused),
            (other, "shadow.shop", "invalid_token/wrong_token_kind"),
            (clean, "known.shop", "-"),
            (after[0], "ask.shop", "allow"),
            (after[1], "ask.shop", "-"),
            (after[2], "ask.shop", "-"),
        ):
            line = await logged(world, reply)
            assert (line["be"], line["shadow"]) == (backend, shadow), line

        code, (*each, summary) = told(log, "--each")
        assert code == 1
        assert summary["changed"] == len(each)
        ids = {str(one["id"]) for one in each}
        assert {asked.id, hit.id, other.id, after[0].id} <= ids
        assert not {clean.id, after[1].id, after[2].id, plain.id} & ids
        lines = [json.loads(line) for line in whole_lines(log) if line.startswith("{")]
        assert ids == {line["id"] for line in lines if line.get("shadow", "-") != "-"}

        async with asyncio.timeout(60):
            while not {
                'sumun_shadow_total{outcome="insufficient_scope",route="get-items"}',
                'sumun_shadow_total{outcome="allow",route="post-items"}',
            } <= {line.rpartition(" ")[0] for line in metrics(world.node.port + 2).splitlines()}:
                await asyncio.sleep(0.1)

        kept_counts = haproxy_requests(world.node.port + 2, "shadow.shop")
        assert kept_counts == len([line for line in lines if line["be"] == "shadow.shop"])

        # What the rules reported is what a replay of the older calls foretells, and what happens when they decide.
        result = CliRunner().invoke(
            sumun, ("replay", str(log), "--against", str(world.node.config), "--shadow", "--each", "--json")
        )
        foretold = {json.loads(line).get("id") for line in result.stdout.splitlines()}
        assert ids | {before[0].id, plain.id} <= foretold
        assert not {clean.id, before[1].id, before[2].id} & foretold

    run(*node, work)


def heard(reply: Reply) -> list[list[str]]:
    """What the service heard, without what differs from call to call."""
    return [pair for pair in reply.seen if pair[0] != "x-request-id"]


def haproxy_requests(port: int, backend: str) -> int:
    """How many requests HAProxy counted for a backend."""
    name = f'haproxy_backend_http_requests_total{{proxy="{backend}"}} '
    (line,) = [line for line in metrics(port, "/metrics/haproxy").splitlines() if line.startswith(name)]
    return int(float(line.removeprefix(name)))


def metrics(port: int, path: str = "/metrics") -> str:
    """The operator's page."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        text: str = answer.read().decode()
        return text
