"""`sumun replay` on the log of a running node: what it foretells is what the gateway then does."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sumun.cli.main import sumun
from tests.live.demo_node import whole_lines
from tests.live.kept_world import Caller, Reply, World, config, held, run, running_node
from tests.live.node_under_test import NodeUnderTest


@pytest.fixture(scope="module")
def node() -> Iterator[tuple[NodeUnderTest, int]]:
    """One running node for this file."""
    with running_node() as found:
        yield found


@dataclass(frozen=True, slots=True)
class Sent:
    """One call that was made. `code`: of a refusal of the gateway, or nothing."""

    token: str
    method: str
    path: str
    reply: Reply

    @property
    def heard(self) -> tuple[int, str]:
        """What the caller was told."""
        body = json.loads(self.reply.body or b"{}")
        return self.reply.status, body.get("code", "") if isinstance(body, dict) else ""


async def send(caller: Caller, token: str, method: str, path: str) -> Sent:
    """Make a call."""
    return Sent(token, method, path, await caller.call(token, method, path))


def replayed(log: Path, against: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code, and the objects that are printed."""
    arguments = ("replay", str(log), "--against", str(against), "--json", *options)
    result = CliRunner().invoke(sumun, arguments)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def narrowed(text: str) -> str:
    """Another configuration: writers lose, readers gain, a route goes and one is new, another takes JWTs only."""
    for old, new in (
        ('writer: ["item:read", "item:write"]', 'writer: ["item:read"]'),
        ('reader: ["item:read"]', 'reader: ["item:read", "item:write"]'),
        ("- {path: /extra, methods: [GET], service: shop, require: item:extra}", ""),
        (
            '"/items/{id}", methods: [GET], service: shop,',
            '"/items/{id}", methods: [GET], service: shop, tokens: [jwt],',
        ),
        (
            'permissions: ["item:read"], scopes: ["item:read"]',
            'permissions: ["item:write"], scopes: ["item:*"]',
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def test_what_it_foretells_is_what_happens(node: tuple[NodeUnderTest, int], tmp_path: Path) -> None:
    """The same log changes nothing under what is in force; under another file, exactly the calls that change."""

    async def work(world: World) -> None:
        caller = world.caller()
        reader, writer = await world.person("reader"), await world.person("writer")
        tokens = [
            await world.token(reader),
            await world.token(writer),
            await world.token(writer, "jwt"),
            await world.token(writer, scopes=("item:read",)),
            await world.token(reader, own=held("writer")),
            await world.token(None, client="jobs"),
            "smn_at_junk",
        ]
        paths = [
            ("GET", "/items"),
            ("POST", "/items"),
            ("GET", "/items/7"),
            ("GET", "/extra"),
        ]
        paths += [("PUT", "/items"), ("GET", "/nothing")]
        for token in tokens[:3]:
            await world.keep(token, caller)
        calls = [await send(caller, token, *call) for token in tokens for call in paths]
        backends = {await world.log.backend(call.reply) for call in calls}
        assert {"known.shop", "ask.shop", "refuse"} <= backends

        log, new = world.node.data / "log" / "access.log", world.node.config.with_name("new.yaml")
        new.write_text(narrowed(world.node.config.read_text()))
        code, (summary,) = replayed(log, world.node.config)
        assert (code, summary["changed"]) == (0, 0), summary
        assert set(summary["not_replayed"]) == {"sumun answered it itself: no route is for it"}  # /healthz
        code, (*told, summary) = replayed(log, new, "--each")
        assert code == 1
        packed = tmp_path / "access.log.1.gz"
        packed.write_bytes(gzip.compress(log.read_bytes()))
        assert replayed(packed, new, "--each") == (code, [*told, summary])

        world.node.config.write_text(new.read_text())
        assert (await world.reload())[0] == 0
        after = [await send(caller, call.token, call.method, call.path) for call in calls]
        changed = {
            was.reply.id: now.heard for was, now in zip(calls, after, strict=True) if was.heard != now.heard
        }
        known = {call.reply.id for call in calls}
        foretold = {
            one["id"]: (one["after"]["status"] or 200, one["after"]["code"] or "")
            for one in told
            if one["id"] in known
        }
        assert foretold == changed
        assert len(changed) > 10

    run(*node, work)


def test_the_log_of_an_older_sumun(node: tuple[NodeUnderTest, int], tmp_path: Path) -> None:
    """Lines that do not say what a caller held are counted, or judged by the directory: as those that say it."""

    async def work(world: World) -> None:
        caller = world.caller()
        tokens = [await world.token(await world.person(role)) for role in ("reader", "writer")]
        calls = [
            await send(caller, token, method, "/items") for token in tokens for method in ("GET", "POST")
        ]
        for call in calls:
            await world.log.backend(call.reply)
        ids = {call.reply.id for call in calls}
        written = whole_lines(world.node.data / "log" / "access.log")
        lines = [line for text in written if text.startswith("{") and (line := json.loads(text))["id"] in ids]
        assert len(lines) == len(calls)
        new, log, older = (
            world.node.config.with_name("newer.yaml"),
            tmp_path / "new.log",
            tmp_path / "older.log",
        )
        text = config(world.node.port, world.service)
        new.write_text(
            text.replace(
                "[GET], service: shop, require: item:read", "[GET], service: shop, require: item:extra"
            )
        )
        for file, without in ((log, ()), (older, ("held",))):
            kept = [{name: value for name, value in line.items() if name not in without} for line in lines]
            file.write_text("".join(f"{json.dumps(line)}\n" for line in kept))

        (*told, summary) = replayed(log, new, "--each")[1]
        assert {one["call"] for one in told} <= {"GET /items", "POST /items"}
        assert summary["replayed"] == len(calls)
        assert told
        code, (alone,) = replayed(older, new, "--each")
        assert (code, alone["replayed"], sum(alone["not_replayed"].values())) == (0, 0, len(calls))
        command = (
            "replay",
            str(older),
            "--against",
            str(new),
            "--data",
            str(world.node.data),
            "--each",
            "--json",
        )
        said = await asyncio.to_thread(world.node.sumun, *command)
        assert said.returncode == 1, said.stderr
        assert [json.loads(line) for line in said.stdout.splitlines()] == [*told, summary]

    run(*node, work)


def test_wrong_input(node: tuple[NodeUnderTest, int], tmp_path: Path) -> None:
    """A file that is no access log, one that is not there and a configuration that is not good end with 2 or 3."""
    good = tmp_path / "good.yaml"
    good.write_text(config(8080, 9101))
    (tmp_path / "jobs.secret").write_text("secret\n")
    for log, against, code in (
        (good, good, 2),
        (tmp_path / "nothing.log", good, 3),
        (node[0].data / "log" / "access.log", tmp_path / "nothing.yaml", 2),
    ):
        result = node[0].sumun("replay", str(log), "--against", str(against))
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
