"""The look-ups of one loop turn become one question to the store, and those for one token one look.

Who asks for what is being looked up already shares that look. Its answer may be older than what the asker knows, so
every answer comes with the `as_of` of the one who began the look: judge by that, not by your own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import Look

log = logging.getLogger(__name__)

MAX_BATCH = 128
"""Digests in one question: a long MGET keeps the single-threaded server from everybody else."""

MAX_WAITING = 10_000
"""Askers at once; beyond it they fail at once as an outage. They last a store's deadline at most, so this is far more
than a node can serve, and 10 MB."""

A = TypeVar("A")

Hear: TypeAlias = Callable[[A, TokenRecord | BaseException | None], None]
"""Told (as_of, what was found): the record, None for no such token, or why nobody knows. It must not raise."""


class BatchingReader(Generic[A]):
    """`ask(digest, as_of, hear)` for many; `TokenStore.look` for few. Lives on one event loop."""

    def __init__(self, look: Look, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        """`look` is a `TokenStore.look`."""
        self._look = look
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        # One look at each token: since when news would matter, and who waits for it.
        self._looks: dict[bytes, tuple[A, list[Hear[A]]]] = {}
        self._gathered: list[bytes] = []
        self._waiting = 0

    def ask(self, digest: bytes, as_of: A, hear: Hear[A]) -> None:
        """Have `hear` told of the record, as it was at some moment after the `as_of` that it is told.

        It is called later, never from here. Raises StoreUnavailableError when too many wait.
        """
        if self._waiting >= self._max_waiting:
            raise StoreUnavailableError(f"{self._max_waiting} token look-ups are waiting already")
        look = self._looks.get(digest)
        if look is None:
            if not self._gathered:
                asyncio.get_running_loop().call_soon(self._send)
            self._looks[digest] = as_of, [hear]
            self._gathered.append(digest)
        else:
            look[1].append(hear)
        self._waiting += 1

    async def get(self, digest: bytes, as_of: A) -> tuple[A, TokenRecord | None]:
        """(as_of, record), as `ask` tells them. Raises StoreUnavailableError."""
        asker: asyncio.Future[tuple[A, TokenRecord | None]] = asyncio.get_running_loop().create_future()
        self.ask(digest, as_of, partial(_settle, asker))
        return await asker

    def _send(self) -> None:
        gathered, self._gathered = self._gathered, []
        for start in range(0, len(gathered), self._max_batch):
            batch = gathered[start : start + self._max_batch]
            try:
                self._look(batch, partial(self._heard, batch))
            except Exception as failure:  # noqa: BLE001 - the askers hear it, each of them; nobody waits for ever
                self._heard(batch, failure)

    def _heard(self, batch: list[bytes], found: list[TokenRecord | None] | Exception) -> None:
        if not isinstance(found, list):
            for digest in batch:
                self._tell(digest, found)
        else:
            for digest, record in zip(batch, found, strict=True):
                self._tell(digest, record)

    def _tell(self, digest: bytes, found: TokenRecord | BaseException | None) -> None:
        as_of, hearers = self._looks.pop(digest)
        self._waiting -= len(hearers)
        for hear in hearers:
            try:
                hear(as_of, found)
            except Exception:
                # Its own fault; whoever else waits in this batch would wait for ever, and so would all who join.
                log.exception("what was looked up was not taken")


def _settle(
    asker: asyncio.Future[tuple[A, TokenRecord | None]], as_of: A, found: TokenRecord | BaseException | None
) -> None:
    if asker.done():
        return  # it went away
    if not isinstance(found, BaseException):
        asker.set_result((as_of, found))
    elif isinstance(found, Exception):
        asker.set_exception(found)
    else:
        asker.cancel()
