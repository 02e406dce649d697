"""Many reads on their way at a time over one connection: for the look-ups of every turn of the loop.

The library's connection does what is hard (log in, TLS, parsing); its pool gives a connection to one command at a time,
which costs more than the command. The server answers in the order in which it was asked, so the oldest reader is the
one that an answer is for. Nothing is repeated: when the connection breaks, all who wait are told.

Who gave up waiting has its place in the order until its answer came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from libvalkey import pack_command
from valkey.asyncio.connection import AbstractConnection
from valkey.exceptions import ConnectionError as NoConnectionError
from valkey.exceptions import ResponseError


class Pipeline:
    """One connected connection. Lives on one event loop; not for commands that block, nor for writes."""

    def __init__(self, connection: AbstractConnection) -> None:
        """`connection` is connected, and this pipeline's own from here on."""
        self._connection = connection
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self.is_open = True
        self._is_given_up = False
        self._loop = asyncio.get_running_loop()
        self._listening = asyncio.create_task(self._listen())

    async def ask(self, *words: str | bytes | int) -> Any:
        """The answer to one command. Raises ResponseError, valkey's ConnectionError, OSError."""
        if not (self.is_open and self._connection.is_connected):
            raise NoConnectionError("closed")
        command = pack_command(words)
        answer = self._loop.create_future()
        self._waiting.append(answer)
        # Nothing is awaited before the bytes are handed over, so commands leave in the order of `_waiting`.
        try:
            await self._connection.send_packed_command(command, check_health=False)
            return await answer
        except BaseException:
            answer.cancel()
            raise
        finally:
            self._end_if_idle()

    def give_up(self) -> None:
        """Ask nothing more here; the connection goes when nobody waits any more, each for its own time."""
        self._is_given_up = True
        self._end_if_idle()

    async def close(self) -> None:
        """Let go of the connection: who waits is told that it broke. May be called twice."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    def _end_if_idle(self) -> None:
        if self._is_given_up and all(answer.done() for answer in self._waiting):
            self._listening.cancel()

    async def _listen(self) -> None:
        trouble: BaseException = NoConnectionError("closed")
        try:
            while True:
                try:
                    answer = await self._connection.read_response(disconnect_on_error=False)
                except ResponseError as refused:
                    self._hand_over(refused)
                else:
                    self._hand_over(answer)
        except (NoConnectionError, OSError) as broken:
            trouble = broken
        finally:
            self.is_open = False
            while self._waiting:
                self._hand_over(trouble)
            await self._connection.disconnect(nowait=True)

    def _hand_over(self, answer: object) -> None:
        waiting = self._waiting.popleft()
        if waiting.done():
            return  # it waited for long enough
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
