"""The look-ups of one loop turn become one question to the store, and those for one token one look.

Who asks for what is being looked up already shares that look. Its answer may be older than what the asker knows, so
every answer comes with the `as_of` of the one who began the look: judge by that, not by your own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import TokenStore

MAX_BATCH = 128
"""Digests in one question: a long MGET keeps the single-threaded server from everybody else."""

MAX_WAITING = 10_000
"""Askers at once; beyond it they fail at once as an outage. They last a store's deadline at most, so this is far more
than a node can serve, and 10 MB."""

A = TypeVar("A")


@dataclass(slots=True)
class _Look(Generic[A]):
    """One look at one token, and who waits for it. Each has a future of its own, so one can leave alone."""

    as_of: A
    askers: list[asyncio.Future[tuple[A, TokenRecord | None]]] = field(default_factory=list)


class BatchingReader(Generic[A]):
    """`get(digest, as_of)` for many; `TokenStore.get_many` for few. Lives on one event loop."""

    def __init__(self, store: TokenStore, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        """`store` stays the caller's to close."""
        self._store = store
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._looks: dict[bytes, _Look[A]] = {}
        self._gathered: list[bytes] = []
        self._waiting = 0
        self._asking: set[asyncio.Task[None]] = set()

    async def get(self, digest: bytes, as_of: A) -> tuple[A, TokenRecord | None]:
        """(as_of, record): the record, or None for no such token, as it was at some moment after that `as_of`.

        Raises StoreUnavailableError.
        """
        if self._waiting >= self._max_waiting:
            raise StoreUnavailableError(f"{self._max_waiting} token look-ups are waiting already")
        loop = asyncio.get_running_loop()
        look = self._looks.get(digest)
        if look is None:
            if not self._gathered:
                loop.call_soon(self._send)
            look = self._looks[digest] = _Look(as_of)
            self._gathered.append(digest)
        asker: asyncio.Future[tuple[A, TokenRecord | None]] = loop.create_future()
        look.askers.append(asker)
        self._waiting += 1
        try:
            return await asker
        finally:
            self._waiting -= 1

    def _send(self) -> None:
        gathered, self._gathered = self._gathered, []
        for start in range(0, len(gathered), self._max_batch):
            asking = asyncio.create_task(self._ask(gathered[start : start + self._max_batch]))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def _ask(self, batch: list[bytes]) -> None:
        try:
            records = await self._store.get_many(batch)
        except BaseException as trouble:
            # Whatever it is: the askers hear it, each of them; nobody waits for ever.
            for digest in batch:
                for asker in self._looks.pop(digest).askers:
                    if not asker.done():
                        _fail(asker, trouble)
            if not isinstance(trouble, Exception):
                raise
        else:
            for digest, record in zip(batch, records, strict=True):
                look = self._looks.pop(digest)
                for asker in look.askers:
                    if not asker.done():
                        asker.set_result((look.as_of, record))


def _fail(asker: asyncio.Future[tuple[A, TokenRecord | None]], trouble: BaseException) -> None:
    if isinstance(trouble, Exception):
        asker.set_exception(trouble)
    else:
        asker.cancel()
