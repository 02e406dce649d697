"""What of HAProxy's master socket a part may use that has dropped root: a fixed few commands for workers, and no more.

    keeper -> workers.sock -> (one of ours?) -> master.sock -> worker

The master runs as root, and whoever holds its socket can read and write its memory (`mcli-debug-mode on`, `debug dev`):
so that socket stays root's, and the supervisor passes on what is written here. One command a connection, ended by
closing its half, as on the master socket itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

from sumun.haproxy.count_commands import SHOW_COUNTS
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.known import FACTS, MARKS, STATE, VERDICTS
from sumun.haproxy.rates import USED_UP
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import SHOW_PROC
from sumun.node.machine.privileges import Account
from sumun.node.machine.unix_socket import bind_unix

log = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024
_READ_SECONDS = 10.0
_ANSWER_SECONDS = 3600.0  # who asks waits for as long as it likes, and closes

_MAP = "(?:" + "|".join(re.escape(name) for name in (*FACTS, VERDICTS, *MARKS.values(), STATE, USED_UP)) + ")"
_WORD = r"[^\x00-\x20\x7f;]+"
_WRITES = (
    rf"set map {_MAP} {_WORD} {_WORD}|get map {_MAP} {_WORD}|prepare map {_MAP}|commit map @\d+ {_MAP}|"
    rf"add map (?:@\d+ )?{_MAP} <<\n(?:{_WORD} {_WORD}\n)+"
)
_STREAM = r"@![1-9]\d{0,9} (?:show sess(?: 0x[0-9a-f]+)?|shutdown session 0x[0-9a-f]+)"
_OURS = re.compile(
    rf"{SHOW_PROC}|@![1-9]\d{{0,9}} {SHOW_COUNTS}|@![1-9]\d{{0,9}} (?:{_WRITES})|{_STREAM}(?:; {_STREAM})*",
)


def is_ours(command: str) -> bool:
    """Whether the command is one that the keeper gives: a worker's maps and streams, and which workers there are."""
    return _OURS.fullmatch(command) is not None


class MasterRelay:
    """Listens for the account of the parts. Lives on the supervisor's event loop."""

    def __init__(self, path: Path, master: Path, account: Account | None) -> None:
        """`path` is where the parts ask, `master` is HAProxy's master socket."""
        self._path = path
        self._master = RuntimeSocket(master, _ANSWER_SECONDS)
        self._account = account
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises OSError."""
        listening = bind_unix(self._path, self._account)
        self._server = await asyncio.start_unix_server(self._meet, sock=listening)

    async def close(self) -> None:
        """Stop listening, and wait for no answer any more. May be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer), name="to a worker of HAProxy")
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                command = await _whole(reader)
            if command is None or not is_ours(command):
                log.error("a part asked HAProxy's master for something that no part asks for; refused")
                writer.write(b"Permission denied\n")
            else:
                writer.write((await self._master.ask(command)).encode())
            await writer.drain()
        except (TimeoutError, OSError, ValueError, RuntimeSocketError) as error:
            log.debug("not passed on to a worker: %s", type(error).__name__)  # it hears that from the end
        finally:
            writer.close()


async def _whole(reader: asyncio.StreamReader) -> str | None:
    """One command, without the line's end; None when it is too long."""
    data = bytearray()
    while part := await reader.read(_MOST_BYTES):
        data += part
        if len(data) > _MOST_BYTES:
            return None
    return data.decode().removesuffix("\n")
