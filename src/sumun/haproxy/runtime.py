"""The driver of HAProxy's runtime and master sockets: one connection for each command.

A connection is not kept: after a reload it would still talk to the old worker.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from sumun.haproxy.errors import RuntimeSocketError

ANSWER_SECONDS: Final = 5.0
_MOST_ANSWER_BYTES: Final = 64 * 1024 * 1024


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
