"""The look-ups of one loop turn become one question to the store.

Only questions that were not sent yet are shared: an answer that is under way may be older than the asker's ticket
(`recognition/memory.py`), and must not be taken for a look at the store from now on.
"""

from __future__ import annotations

import asyncio

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import TokenStore

MAX_BATCH = 128
"""Digests in one question: a long MGET keeps the single-threaded server from everybody else."""

MAX_WAITING = 10_000
"""Look-ups under way at once; beyond it they fail at once as an outage. They last a store's deadline at most, so this
is far more than a node can serve, and 10 MB."""


class BatchingReader:
    """`get(digest)` for many; `TokenStore.get_many` for few. Lives on one event loop."""

    def __init__(self, store: TokenStore, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        """`store` stays the caller's to close."""
        self._store = store
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._gathering: dict[bytes, asyncio.Future[TokenRecord | None]] = {}
        self._waiting = 0
        self._asking: set[asyncio.Task[None]] = set()

    async def get(self, digest: bytes) -> TokenRecord | None:
        """The record as it is from now on, or None for no such token. Raises StoreUnavailableError."""
        if self._waiting >= self._max_waiting:
            raise StoreUnavailableError(f"{self._max_waiting} token look-ups are waiting already")
        found = self._gathering.get(digest)
        if found is None:
            loop = asyncio.get_running_loop()
            if not self._gathering:
                loop.call_soon(self._send)
            found = self._gathering[digest] = loop.create_future()
        self._waiting += 1
        try:
            return await asyncio.shield(found)  # one impatient asker does not take the answer from the others
        finally:
            self._waiting -= 1

    def _send(self) -> None:
        gathered, self._gathering = list(self._gathering.items()), {}
        for start in range(0, len(gathered), self._max_batch):
            asking = asyncio.create_task(self._ask(gathered[start : start + self._max_batch]))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def _ask(self, batch: list[tuple[bytes, asyncio.Future[TokenRecord | None]]]) -> None:
        try:
            records = await self._store.get_many([digest for digest, _ in batch])
            for (_, found), record in zip(batch, records, strict=True):
                found.set_result(record)
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the askers hear it, each of them
            for _, found in batch:
                if not found.done():
                    found.set_exception(trouble)
                    found.exception()  # nobody may be waiting any more: that is no mistake to be logged
