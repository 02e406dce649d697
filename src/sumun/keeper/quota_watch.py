"""Carries what HAProxy's workers count to the book, and what the book says back into their maps, once a second.

Whatever fails, the workers go on counting, and it is told at a later turn: a count is of the worker's whole life. What
is lost is what a worker counted after the last turn before it ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from sumun.errors import OutageError
from sumun.haproxy import map_commands
from sumun.haproxy.count_commands import SHOW_COUNTS, read_counts
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.map_commands import Row
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.rates import USED_UP
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import to_worker
from sumun.keeper.process_names import name_of
from sumun.keeper.quota_book import Count, QuotaBook
from sumun.keeper.quotas import Used, rows

log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
_TOLD_OF_AFTER_TURNS = 5
_WRITE_AGAIN_TURNS = 60
"""A command that was given up may be carried out after a later one, so what was written is written again sometimes."""


class QuotaWatch:
    """One per node. Lives on one event loop."""

    def __init__(
        self,
        book: QuotaBook,
        quotas: Mapping[str, int],
        masters: MasterSocket,
        master: Path,
        life: str,
    ) -> None:
        """`master` is the path of the master's socket, `life` the name of this node's life among all of all nodes."""
        self._book = book
        self._quotas = quotas
        self._masters = masters
        self._socket = RuntimeSocket(master)
        self._life = life
        self._told: dict[tuple[str, str], int] = {}
        self._written: dict[str, tuple[Row, ...]] = {}
        self._troubled: set[str] = set()

    def adopt(self, quotas: Mapping[str, int]) -> None:
        """Another configuration is in force."""
        self._quotas = quotas

    async def run(self) -> None:
        """Until cancelled."""
        turn, failed = 0, 0
        while True:
            turn += 1
            if turn % _WRITE_AGAIN_TURNS == 0:
                self._written.clear()
            try:
                if self._quotas:
                    await self.turn()
                failed = 0
            except (OutageError, RuntimeSocketError) as trouble:
                failed += 1
                if failed == _TOLD_OF_AFTER_TURNS:  # HAProxy and the store may be starting
                    log.warning("quotas are not added up: %s", trouble)
            await asyncio.sleep(TURN_SECONDS)

    async def turn(self) -> None:
        """Read, add up, write. Raises OutageError, and RuntimeSocketError when nobody says which workers there are."""
        counted = await self._read()
        used = {client: await self._add(client, counted) for client in self._quotas}
        wanted = rows(self._quotas, used)
        for name, (pid, _) in counted.items():
            if self._written.get(name) != wanted:
                try:
                    await self._write(pid, wanted)
                    self._written[name] = wanted
                except RuntimeSocketError as trouble:
                    self._warn(name, "a worker was not told who has used up a quota: %s", trouble)

    async def _read(self) -> dict[str, tuple[int, dict[str, int]]]:
        """Name of each worker that counts -> its process id and its counts."""
        processes = await self._masters.processes()
        pids = (*processes.workers, *processes.old_workers)
        alive = {name: pid for pid in pids if (name := name_of(pid)) is not None}
        self._told = {key: calls for key, calls in self._told.items() if key[0] in alive}
        self._written = {name: one for name, one in self._written.items() if name in alive}
        self._troubled &= alive.keys()
        counted = {}
        for name, pid in alive.items():
            try:
                counts = read_counts(await self._ask(pid, SHOW_COUNTS))
            except RuntimeSocketError as trouble:
                self._warn(name, "a worker did not say how often clients called: %s", trouble)
                continue
            if counts is not None:
                counted[name] = (pid, counts)
        return counted

    async def _add(self, client: str, counted: Mapping[str, tuple[int, Mapping[str, int]]]) -> Used:
        counts = {name: of.get(client, 0) for name, (_, of) in counted.items()}
        before = {name: self._told.get((name, client), 0) for name in counts}
        used = await self._book.add(
            client, [Count(f"{self._life}/{name}", calls, before[name]) for name, calls in counts.items()]
        )
        self._told |= {(name, client): calls for name, calls in counts.items()}
        return used

    async def _write(self, pid: int, wanted: tuple[Row, ...]) -> None:
        version = map_commands.prepared_version(await self._ask(pid, map_commands.prepare(USED_UP)))
        for command in map_commands.add_rows(USED_UP, wanted, version):
            map_commands.refuse_complaints(await self._ask(pid, command))
        map_commands.refuse_complaints(await self._ask(pid, map_commands.commit(USED_UP, version)))

    def _warn(self, about: str, words: str, trouble: Exception) -> None:
        """Once for each worker."""
        if about not in self._troubled:
            log.warning(words, trouble)
        self._troubled.add(about)

    async def _ask(self, pid: int, command: str) -> str:
        answer = await self._socket.ask(to_worker(pid, command))
        if not answer:
            raise RuntimeSocketError(f"the worker {pid} is gone")
        return answer
