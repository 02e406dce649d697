"""Carries a command to one HAProxy worker, and reads back what trust hangs on.

Through the master's socket, so that the worker with this process id is reached and no other, an old one as well as the
new one. Each step has a connection of its own and no deadline: while a worker is silent nobody can know whether the
step is still to come, and the ledger waits (or has the worker stopped).

Facts and verdicts, which are many, go to the newest worker straight, on its own socket, once it said who it is: after a
reload another one listens there, which was told to forget what was found under the clients of before, and must not be
told it again.
"""

from __future__ import annotations

from pathlib import Path

from sumun.haproxy import map_commands
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import SHOW_INFO, parse_info, to_worker
from sumun.keeper.commands import Add, Change, Command, Keep, Replace, Step, to_read_back

_NO_DEADLINE_SECONDS = 24 * 3600.0


class WorkerSocket:
    """One worker's maps."""

    def __init__(self, master: Path, pid: int, straight: Path | None = None) -> None:
        """`master` is the master's socket, `straight` the worker's own if it is the newest."""
        self._master = RuntimeSocket(master, _NO_DEADLINE_SECONDS)
        self._straight = None if straight is None else RuntimeSocket(straight, _NO_DEADLINE_SECONDS)
        self._pid = pid

    async def carry_out(self, command: Command) -> list[str | None]:
        """Do all steps in order; returns what `to_read_back` asks for. Raises RuntimeSocketError: some may be done."""
        if (
            isinstance(command, Keep)
            and self._straight is not None
            and await self._kept(command, self._straight)
        ):
            return []
        for step in command.steps:
            await self._do(step)
        return [await self._look_up(name, key) for name, key, _ in to_read_back(command)]

    async def _kept(self, command: Keep, straight: RuntimeSocket) -> bool:
        """False, and nothing done, when it is another worker who listens there."""
        async with straight.talk() as talk:
            if parse_info(await talk.ask(SHOW_INFO))["Pid"] != str(self._pid):
                return False
            for text in map_commands.add_rows(command.map, command.rows):
                map_commands.refuse_complaints(await talk.ask(text))
        return True

    async def _do(self, step: Step) -> None:
        match step:
            case Change(name, key, value):
                await self._write(map_commands.set_row(name, key, value))
            case Add(name, rows):
                for text in map_commands.add_rows(name, rows):
                    await self._write(text)
            case Replace(name, rows):
                version = map_commands.prepared_version(await self._ask(map_commands.prepare(name)))
                for text in map_commands.add_rows(name, rows, version):
                    await self._write(text)
                await self._write(map_commands.commit(name, version))

    async def _look_up(self, name: str, key: str) -> str | None:
        return map_commands.value_in(await self._ask(map_commands.get_row(name, key)))

    async def _write(self, command: str) -> None:
        map_commands.refuse_complaints(await self._ask(command))

    async def _ask(self, command: str) -> str:
        answer = await self._master.ask(to_worker(self._pid, command))
        if not answer:
            raise RuntimeSocketError(f"the worker {self._pid} is gone")
        return answer
