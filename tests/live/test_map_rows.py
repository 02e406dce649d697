"""Rows of maps in a real HAProxy: whatever may stand in one is found again, changed and read back as it was written."""

from __future__ import annotations

import asyncio
import string
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumun.haproxy import map_commands
from sumun.haproxy.runtime import RuntimeSocket

_CONFIGURATION = """\
global
  stats socket {folder}/s.sock level admin
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend unused
  bind unix@{folder}/f.sock
  http-request return status 200 content-type text/plain lf-string %[path,map_str({folder}/m.map)]
"""
ALLOWED = [*(c for c in string.printable if c not in string.whitespace + ";"), "\u00e9", "\ud55c"]


class Map:
    """The one map of a running HAProxy."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder / "m.map")
        self._socket = RuntimeSocket(folder / "s.sock")

    async def add(self, rows: list[map_commands.Row]) -> int:
        """How many commands it took."""
        commands = list(map_commands.add_rows(self.name, rows))
        for command in commands:
            map_commands.refuse_complaints(await self._socket.ask(command))
        return len(commands)

    async def set(self, key: str, value: str) -> None:
        map_commands.refuse_complaints(await self._socket.ask(map_commands.set_row(self.name, key, value)))

    async def get(self, key: str) -> str | None:
        return map_commands.value_in(await self._socket.ask(map_commands.get_row(self.name, key)))


@pytest.fixture
def rows(haproxy: Path, socket_folder: Path) -> Iterator[Map]:
    """An empty map."""
    (socket_folder / "m.map").touch()
    (socket_folder / "h.cfg").write_text(_CONFIGURATION.format(folder=socket_folder))
    process = subprocess.Popen(
        [str(haproxy), "-f", str(socket_folder / "h.cfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not (socket_folder / "s.sock").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Map(socket_folder)
    finally:
        process.kill()
        process.wait()


def test_every_allowed_character(rows: Map) -> None:
    """In front, within, at the end, of keys and of values."""

    async def work() -> None:
        texts = (text for one in ALLOWED for text in (f"{one}xyz", f"xyz{one}", f"xy{one}yx"))
        written = [(text, text) for text in dict.fromkeys(texts)]
        await rows.add(written)
        for key, value in written:
            assert await rows.get(key) == value
            await rows.set(key, f"{value}2")
            assert await rows.get(key) == f"{value}2"

    asyncio.run(work())


def test_a_value_goes_to_the_end_of_its_row(rows: Map) -> None:
    """Blanks and `;` in a value that is added are found again."""

    async def work() -> None:
        written = [
            ("methods", "GET, HEAD, POST"),
            ("last", "!GET:/a/;ask.s|r||7.1"),
            ("odd", "a  b;; show info;c"),
        ]
        await rows.add(written)
        assert [(key, await rows.get(key)) for key, _ in written] == written

    asyncio.run(work())


def test_commands_as_long_as_they_may_be(rows: Map) -> None:
    """A command of the longest length loses no row."""

    async def work() -> None:
        head = len(f"add map {rows.name} <<\n") + 1
        full = [("full", "v" * (map_commands.MOST_BYTES - head - len("full \n")))]
        assert await rows.add(full) == 1
        many = [(f"k{n:05}", f"{n:0>1500}") for n in range(200)]
        assert await rows.add(many) > 15
        assert [await rows.get(key) for key, _ in (*full, *many)] == [value for _, value in (*full, *many)]

    asyncio.run(work())


def test_a_key_that_is_added_twice(rows: Map) -> None:
    """The first row counts, which is why nothing is ever added twice; a change reaches it."""

    async def work() -> None:
        await rows.add([("twice", "first"), ("twice", "second")])
        assert await rows.get("twice") == "first"
        await rows.set("twice", "third")
        assert await rows.get("twice") == "third"

    asyncio.run(work())
