"""Carries out the switch of a worker's routes (`route_switch`), through the master's socket."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from sumun.haproxy import map_commands
from sumun.haproxy.errors import HalfSwitchedError, RuntimeSocketError
from sumun.haproxy.route_switch import Switch
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import to_worker


async def switch(master: RuntimeSocket, worker: int, maps: Iterable[Switch]) -> None:
    """Write the versions of all maps, then put them in force one right after the other.

    Raises RuntimeSocketError, when nothing is in force; HalfSwitchedError, when some of it may be.
    """
    prepared: list[tuple[str, int]] = []
    try:
        for one in maps:
            for command in map_commands.add_rows(one.map, one.added.items()):
                await _write(master, worker, command)
            answer = await _ask(master, worker, map_commands.prepare(one.map))
            version = map_commands.prepared_version(answer)
            prepared.append((one.map, version))
            for command in map_commands.add_rows(one.map, one.rows.items(), version):
                await _write(master, worker, command)
    except RuntimeSocketError:
        for name, version in prepared:
            with suppress(RuntimeSocketError):
                await _ask(master, worker, map_commands.give_up(name, version))
        raise
    try:
        for name, version in prepared:
            await _write(master, worker, map_commands.commit(name, version))
    except RuntimeSocketError as error:
        raise HalfSwitchedError(f"HAProxy did not say whether it switched its routes: {error}") from error


async def _write(master: RuntimeSocket, worker: int, command: str) -> None:
    map_commands.refuse_complaints(await _ask(master, worker, command))


async def _ask(master: RuntimeSocket, worker: int, command: str) -> str:
    answer = await master.ask(to_worker(worker, command))
    if not answer:
        raise RuntimeSocketError(f"the worker {worker} is gone")
    return answer
