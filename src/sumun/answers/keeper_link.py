"""From an answering process to its node's keeper: what HAProxy may keep, many at a time.

Losing some does no harm: what is not kept is asked about again. What is learned within a few milliseconds is written in
one go, because each message costs both processes more than its lessons do; what comes while the keeper is away or slow
is dropped, and the link is made again in the background.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from sumun.haproxy.kept import Fact, Verdict

log = logging.getLogger(__name__)

_MOST_WAITING_BYTES = 1 << 20
_AGAIN_SECONDS = 0.5
GATHER_SECONDS = 0.005
"""A caller who comes again within it is asked about once more."""

_encode = msgspec.msgpack.Encoder().encode
LENGTH = struct.Struct("!I")


class Lessons(msgspec.Struct, array_like=True, gc=False):
    """What one message to the keeper holds. Each verdict stands once; a fact comes with the number of its own.

    `incarnation` is the feed's in which `as_of` counts; `adopted` the generation whose clients were in force when the
    facts were found.
    """

    incarnation: str
    adopted: int
    facts: list[tuple[Fact, int]]
    verdicts: list[Verdict]

    def each(self) -> Iterator[tuple[Fact, Verdict]]:
        """The lessons. IndexError for a message that is not ours."""
        return ((fact, self.verdicts[number]) for fact, number in self.facts)


class KeeperLink:
    """Hands lessons over. Lives on one event loop."""

    def __init__(self, path: Path, stand: Callable[[], tuple[str, int]]) -> None:
        """`path` is the keeper's socket; `stand` gives (feed incarnation, adopted generation) of this moment."""
        self._path = path
        self._stand = stand
        self._facts: list[tuple[Fact, int]] = []
        self._verdicts: dict[Verdict, int] = {}
        self._gathered_at: tuple[str, int] = ("", 0)
        self._transport: asyncio.WriteTransport | None = None
        self.dropped = 0

    def learn(self, fact: Fact, verdict: Verdict) -> None:
        """Take one lesson; it leaves with the others of these milliseconds, unless something else is in force then."""
        if self._transport is None:
            self.dropped += 1
            return
        stand = self._stand()
        if not self._facts:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._send)
        elif stand != self._gathered_at:
            self.dropped += len(self._facts)
            self._facts.clear()
            self._verdicts.clear()
        self._gathered_at = stand
        self._facts.append((fact, self._verdicts.setdefault(verdict, len(self._verdicts))))

    async def run(self) -> None:
        """Keep the link until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                with contextlib.suppress(OSError):
                    self._transport, line = await loop.create_unix_connection(_Line, str(self._path))
                    await line.lost.wait()
                self._transport = None
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def _send(self) -> None:
        facts, self._facts = self._facts, []
        verdicts, self._verdicts = self._verdicts, {}
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > _MOST_WAITING_BYTES:
            self.dropped += len(facts)
            return
        body = _encode(Lessons(*self._gathered_at, facts, list(verdicts)))
        transport.write(LENGTH.pack(len(body)) + body)


class _Line(asyncio.Protocol):
    """One connection; the keeper says nothing on it."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
