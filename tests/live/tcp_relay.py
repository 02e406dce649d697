"""A link that can be cut: a TCP relay in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Thread
from typing import Any


class Cut(StrEnum):
    """How a link is cut."""

    CLOSED = "closed"
    """Connections are reset, and new ones refused."""
    HOLE = "hole"
    """Connections stay, new ones are taken, and nothing comes through. What was sent arrives when it is mended."""


class TcpRelay:
    """Passes on what comes to `port`, while it is not cut."""

    def __init__(self, target: int) -> None:
        """`target` is a port of this machine."""
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._flows = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._links: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take connections."""
        self._thread.start()
        self._do(self._mend())

    def cut(self, how: Cut) -> float:
        """Nothing passes when this returns; gives the moment (steady seconds)."""
        self._do(self._cut(how))
        return time.monotonic()

    def mend(self) -> None:
        """Everything passes again."""
        self._do(self._mend())

    def stop(self) -> None:
        """Close everything."""
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _mend(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._take, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]
        self._flows.set()

    async def _cut(self, how: Cut) -> None:
        self._flows.clear()
        if how is Cut.CLOSED and self._listener is not None:
            self._listener.close()
            self._listener = None
        if how is Cut.CLOSED:
            for writer in self._writers:
                writer.transport.abort()

    async def _stop(self) -> None:
        await self._cut(Cut.CLOSED)
        for task in self._links:
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to the end of either side."""
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        mine = [writer]
        self._writers.add(writer)
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            mine.append(far_writer)
            self._writers.add(far_writer)
            ways = [
                asyncio.create_task(self._pass_on(*way))
                for way in ((reader, far_writer), (far_reader, writer))
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(task)
            for one in mine:
                self._writers.discard(one)
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()


@contextmanager
def relayed(target: int) -> Iterator[TcpRelay]:
    """A relay that is gone afterwards."""
    relay = TcpRelay(target)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
