"""The way to HAProxy's workers through the supervisor, over real sockets, with a master of the test's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sumun.haproxy.runtime import RuntimeSocket
from sumun.node.supervisor.master_relay import MasterRelay


class Master:
    """Answers each command with itself, in capitals; `@!9 show sess` never."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command."""
        command = (await reader.read()).decode()
        self.heard.append(command)
        if command.startswith("@!9 "):
            self.hung = writer  # kept open
            return
        writer.write(command.upper().encode())
        writer.close()


def test_commands_and_answers_go_through(socket_folder: Path) -> None:
    """What is asked arrives as it was, rows and all; its answer comes back whole; what is not ours does not arrive."""

    async def conversation() -> None:
        master = Master()
        server = await asyncio.start_unix_server(master.meet, str(socket_folder / "m"))
        relay = MasterRelay(socket_folder / "w", socket_folder / "m", None)
        await relay.start()
        way = RuntimeSocket(socket_folder / "w")
        rows = "@!7 add map facts.a.map <<\n" + "".join(f"key{n} value\n" for n in range(900))
        assert await way.ask("show proc") == "SHOW PROC\n"
        assert await way.ask(rows) == f"{rows}\n".upper()
        assert await way.ask("reload") == "Permission denied\n"
        assert await way.ask("show proc" + " " * 70_000) == "Permission denied\n"
        assert master.heard == ["show proc\n", f"{rows}\n"]
        server.close()
        assert await way.ask("show proc") == ""  # nobody answers: what came of it is not known
        await relay.close()

    asyncio.run(conversation())


def test_it_closes_while_a_worker_hangs(socket_folder: Path) -> None:
    """Closing waits for no worker that hangs, and complains of nothing."""
    complaints: list[dict[str, Any]] = []

    async def conversation() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        master = Master()
        server = await asyncio.start_unix_server(master.meet, str(socket_folder / "m"))
        relay = MasterRelay(socket_folder / "w", socket_folder / "m", None)
        await relay.start()
        asking = asyncio.create_task(RuntimeSocket(socket_folder / "w").ask("@!9 show sess"))
        while not master.heard:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(2):
            await relay.close()
            assert await asking == ""
        await relay.close()
        master.hung.close()
        server.close()

    asyncio.run(conversation())
    assert complaints == []
