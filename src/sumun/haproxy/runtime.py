"""The driver of HAProxy's runtime and master sockets: one connection for each command.

A connection is not kept: after a reload it would still talk to the old worker. A talk is some commands to whoever took
the connection, the same process for all of them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from sumun.haproxy.errors import RuntimeSocketError

ANSWER_SECONDS: Final = 5.0
_MOST_ANSWER_BYTES: Final = 64 * 1024 * 1024
_PROMPT: Final = b"\n> "
_FOR_ROWS: Final = re.compile(r"\A(?:\+ )+")
"""One for each row that was sent."""


class RuntimeSocket:
    """One of HAProxy's sockets."""

    def __init__(self, path: Path, answer_seconds: float = ANSWER_SECONDS) -> None:
        """`path` is the socket; an answer must be complete within `answer_seconds`."""
        self.path = path
        self._answer_seconds = answer_seconds

    async def ask(self, command: str) -> str:
        """Send one command (or several with `;`) and return the whole answer.

        Raises RuntimeSocketError when nobody listens, or the answer is not complete in time.
        """
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self._ask(command)
        except TimeoutError:
            raise RuntimeSocketError(
                f"{self.path}: HAProxy did not answer within {self._answer_seconds:g} s"
            ) from None
        except OSError as error:
            raise RuntimeSocketError(f"{self.path}: {error.strerror or error}") from error

    async def _ask(self, command: str) -> str:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        try:
            writer.write(f"{command}\n".encode())
            # The master socket of 2.6 closes only when the other side has closed its half.
            writer.write_eof()
            answer = bytearray()
            while part := await reader.read(65536):
                answer += part
                if len(answer) > _MOST_ANSWER_BYTES:
                    raise RuntimeSocketError(
                        f"{self.path}: the answer is longer than {_MOST_ANSWER_BYTES} bytes"
                    )
            return answer.decode("utf-8", "replace")
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[Talk]:
        """One connection for some commands: a worker's own socket, not the master's. Raises RuntimeSocketError."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.path))
        except OSError as error:
            raise RuntimeSocketError(f"{self.path}: {error.strerror or error}") from error
        try:
            yield Talk(self.path, reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class Talk:
    """Commands over one connection, one after the other."""

    def __init__(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """`path` is for messages."""
        self._path = path
        self._reader = reader
        self._writer = writer
        self._prompts = False

    async def ask(self, command: str) -> str:
        """Send one command and return its answer. Raises RuntimeSocketError: the connection broke."""
        try:
            if not self._prompts:
                self._writer.write(b"prompt\n")
            self._writer.write(f"{command}\n".encode())
            if not self._prompts:
                await self._reader.readuntil(_PROMPT)
                self._prompts = True
            answer = (await self._reader.readuntil(_PROMPT)).removesuffix(_PROMPT).decode("utf-8", "replace")
        except asyncio.IncompleteReadError:
            raise RuntimeSocketError(f"{self._path}: HAProxy closed the connection") from None
        except asyncio.LimitOverrunError:
            raise RuntimeSocketError(f"{self._path}: the answer is too long for a talk") from None
        except OSError as error:
            raise RuntimeSocketError(f"{self._path}: {error.strerror or error}") from error
        return _FOR_ROWS.sub("", answer, 1)
