"""A reload that nobody notices: routes, roles and what routes need change in the worker that serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.kept_world import World, run, running_node
from tests.live.node_under_test import NodeUnderTest


@pytest.fixture(scope="module")
def place(haproxy: object) -> Iterator[tuple[NodeUnderTest, int]]:
    """One running gateway with two HAProxy threads and two answering processes, and the port of its service."""
    with running_node() as running:
        yield running


Place = tuple[NodeUnderTest, int]


async def reloaded(world: World, **changed: object) -> str:
    """Another configuration is in force; what was said."""
    await world.write_config(**changed)
    code, said = await world.reload()
    assert code == 0, said
    return said


def test_what_a_role_bundles(place: Place) -> None:
    """Taken and given while a keep-alive client calls: the next call is what the configuration says, by the same worker."""

    async def work(world: World) -> None:
        caller = world.caller()
        token = await world.token(await world.person("reader"))
        before = world.workers()
        for _ in range(3):
            await world.keep(token, caller)
            said = await reloaded(world, reader="item:other")
            assert "switched in the running HAProxy worker" in said
            assert (await caller.call(token)).status == 403
            await reloaded(world)
            assert (await caller.call(token)).status == 200
        await world.keep(token, caller)
        assert world.workers() == before
        assert caller.connections == 1

    run(*place, work)
