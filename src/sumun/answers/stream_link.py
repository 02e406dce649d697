"""From an answering process to its node's keeper: which allowed requests may stay open; and back: may they still?

Nothing is lost while the keeper is away: what it has not written down is kept here and sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from sumun.answers.errors import KeeperAwayError
from sumun.keeper.stream_wire import Judge, Judged, Opened, OpenStream, Taken, framed, from_keeper, read_frame

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 0.1
_CATCH_UP_SECONDS = 0.5
_LOOK_SECONDS = 0.005
_AT_ONCE = 100
_MOST_NOT_TAKEN = 20_000

Stand = Callable[[], tuple[str, int, int]]
"""(feed incarnation, latest change that is applied, generation in force) of this moment."""


MayGoOn = Callable[[OpenStream], Awaitable[bool | None]]


class StreamLink:
    """Lives on one event loop."""

    def __init__(self, path: Path, stand: Stand) -> None:
        """`path` is the keeper's socket."""
        self._path = path
        self._stand = stand
        self._number = 0
        self._not_taken: dict[int, Opened] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._judging: set[asyncio.Task[None]] = set()

    def opened(self, stream: OpenStream) -> None:
        """This request is about to be allowed. Raises KeeperAwayError when the keeper has been away for too long."""
        if len(self._not_taken) >= _MOST_NOT_TAKEN:
            raise KeeperAwayError(f"{_MOST_NOT_TAKEN} open streams are not handed to the keeper yet")
        self._number += 1
        message = self._not_taken[self._number] = Opened(self._number, [stream])
        if self._writer is not None:
            self._writer.write(framed(message))

    async def run(self, may_go_on: MayGoOn) -> None:
        """Keep the link until cancelled. `may_go_on` judges a stream again; None: it cannot tell."""
        try:
            while True:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, msgspec.MsgspecError):
                    reader, self._writer = await asyncio.open_unix_connection(str(self._path))
                    for message in list(self._not_taken.values()):
                        self._writer.write(framed(message))
                    await self._listen(reader, self._writer, may_go_on)
                self._let_go()
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for task in self._judging:
            task.cancel()

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may_go_on: MayGoOn
    ) -> None:
        while True:
            message = from_keeper(await read_frame(reader))
            if isinstance(message, Taken):
                self._not_taken.pop(message.number, None)
            else:
                task = asyncio.create_task(self._judge(message, writer, may_go_on))
                self._judging.add(task)
                task.add_done_callback(self._judging.discard)

    async def _judge(self, question: Judge, writer: asyncio.StreamWriter, may_go_on: MayGoOn) -> None:
        may: list[bool | None] = [None] * len(question.streams)
        if await self._knows(question):
            may = []
            for start in range(0, len(question.streams), _AT_ONCE):
                some = question.streams[start : start + _AT_ONCE]
                may += await asyncio.gather(*map(may_go_on, some))
        writer.write(framed(Judged(question.number, may)))

    async def _knows(self, asked: Judge) -> bool:
        """True when this process knows what the question takes; it may be a moment behind the keeper."""
        deadline = asyncio.get_running_loop().time() + _CATCH_UP_SECONDS
        while True:
            incarnation, n, adopted = self._stand()
            if incarnation == asked.incarnation and n >= asked.n and adopted >= asked.adopted:
                return True
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
