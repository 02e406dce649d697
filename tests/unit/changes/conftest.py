"""What the tests of changes are given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from sumun.directory import Directory
from tests.contracts.occasions import CONFIGURED, NOW, person
from tests.unit.changes.house import House, Talk


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """A directory with alice in it, announced."""
    with Directory.open(tmp_path / "sumun.db") as opened:
        opened.users.add(person("alice", "user"), CONFIGURED, NOW)
        opened.outbox.delete([entry.id for entry in opened.outbox.oldest(10)])
        yield opened


@pytest.fixture
def talk(directory: Directory) -> Talk:
    """Runs a conversation with the house."""

    def run(conversation: Callable[[House], Awaitable[None]]) -> None:
        async def whole() -> None:
            house = House(directory)
            try:
                await conversation(house)
            finally:
                await house.threads.close()

        asyncio.run(whole())

    return run
