"""Many reads on their way at a time over one connection: for the look-ups of every turn of the loop.

There is no task, future or timer for each read, which would cost more than the read itself. The server answers in the
order in which it was asked, so the oldest reader is the one that an answer is for. Nothing is repeated: when the
connection breaks, all who wait are told. Who waited for too long has its place in the order until its answer came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, cast

from libvalkey import ProtocolError, Reader, pack_command
from valkey.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from valkey.exceptions import ConnectionError as NoConnectionError
from valkey.exceptions import ResponseError

Hear = Callable[[Any], None]
"""Told an answer, or why there is none: ResponseError, valkey's ConnectionError, TimeoutError. It must not raise."""

_NO_DEADLINE_SECONDS = 24 * 3600.0


async def open_pipeline(described: AbstractConnection, seconds: float) -> Pipeline:
    """One to where the library's connection would lead: by TLS if that would, logged in, with its database.

    Raises ResponseError, valkey's ConnectionError, OSError, TimeoutError after so many seconds.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        if isinstance(described, UnixDomainSocketConnection):
            _, pipeline = await loop.create_unix_connection(Pipeline, described.path)
        elif isinstance(described, Connection):
            tls = described.ssl_context.get() if isinstance(described, SSLConnection) else None
            _, pipeline = await loop.create_connection(Pipeline, described.host, described.port, ssl=tls)
        else:
            raise TypeError(f"no way to open a {type(described).__name__}")
        try:
            if described.password:
                await _answer(pipeline, "AUTH", described.username or "default", described.password)
            if described.db:
                await _answer(pipeline, "SELECT", str(described.db))
        except BaseException:
            pipeline.close()
            raise
    return pipeline


async def _answer(pipeline: Pipeline, *words: str) -> None:
    told = asyncio.get_running_loop().create_future()
    pipeline.ask(words, _NO_DEADLINE_SECONDS, lambda answer: None if told.done() else told.set_result(answer))
    answer = await told
    if isinstance(answer, Exception):
        raise answer


class _Waiting:
    """One read whose answer did not come yet. `hear` is None when it was told that it came too late."""

    __slots__ = ("expires_at", "hear")

    def __init__(self, hear: Hear, expires_at: float) -> None:
        self.hear: Hear | None = hear
        self.expires_at = expires_at


class Pipeline(asyncio.Protocol):
    """One connection. Lives on one event loop; not for commands that block, nor for writes."""

    _transport: asyncio.Transport  # from connection_made on, which asyncio calls first

    def __init__(self) -> None:
        """To be connected (`open_pipeline`)."""
        self.is_open = False
        self._reader = Reader(protocolError=ProtocolError, replyError=ResponseError)
        self._waiting: deque[_Waiting] = deque()
        self._is_given_up = False
        self._loop = asyncio.get_running_loop()
        # One timer serves all: it rings for the first who will have waited for long enough.
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf

    def ask(self, words: tuple[str | bytes | int, ...], seconds: float, hear: Hear) -> None:
        """Have `hear` told the answer to this command, later, or why there is none within so many seconds."""
        expires_at = self._loop.time() + seconds
        self._waiting.append(_Waiting(hear, expires_at))
        self._transport.write(pack_command(words))
        if expires_at < self._rings_at:
            self._ring_at(expires_at)

    def give_up(self) -> None:
        """Ask nothing more here; the connection goes when nobody waits any more, each for its own time."""
        self._is_given_up = True
        self._end_if_idle()

    def close(self) -> None:
        """Let go of the connection: who waits is told that it broke. May be called twice."""
        self._transport.abort()

    # -- called by the loop --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is connected."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Answers, whole or in pieces."""
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                if not self._waiting:
                    raise ProtocolError("an answer to no question")
                hear = self._waiting.popleft().hear
                if hear is not None:
                    hear(answer)
        except ProtocolError:
            self._transport.abort()
        if self._is_given_up:
            self._end_if_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever brought it about."""
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            if one.hear is not None:
                one.hear(exc if isinstance(exc, OSError) else NoConnectionError("closed"))

    def _ring_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._rings_at = self._loop.call_at(when, self._look_at_the_clock), when

    def _look_at_the_clock(self) -> None:
        self._timer, self._rings_at = None, inf
        now = self._loop.time()
        late: list[Hear] = []
        for one in self._waiting:
            if one.hear is not None and one.expires_at <= now:
                late.append(one.hear)
                one.hear = None
        patient = [one.expires_at for one in self._waiting if one.hear is not None]
        if patient:
            self._ring_at(min(patient))
        for hear in late:
            hear(TimeoutError())
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._is_given_up and all(one.hear is None for one in self._waiting):
            self._transport.abort()
