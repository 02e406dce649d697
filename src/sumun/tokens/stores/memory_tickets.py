"""TicketStore in this process: for tests, and for a program of one process. Nothing survives it."""

from __future__ import annotations

from collections.abc import Callable

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.tickets import MOST_AT_ONCE


class MemoryTickets:
    """Live tickets in a dict. Keeps the TicketStore contract."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds, for expiry."""
        self._clock = clock
        self._tickets: dict[bytes, tuple[bytes, float]] = {}
        self._counts: dict[str, tuple[int, float]] = {}
        self._closed = False

    async def put(self, digest: bytes, meaning: bytes, token_id: str, lifetime_ms: int) -> bool:
        """Remember a new ticket; False when its token has got too many."""
        now = self._checked()
        ends = now + lifetime_ms / 1000
        count, window_ends = self._counts.get(token_id, (0, ends))
        if count >= MOST_AT_ONCE:
            return False
        self._counts[token_id] = (count + 1, window_ends)
        self._tickets[digest] = (meaning, ends)
        return True

    async def redeem(self, digest: bytes) -> bytes | None:
        """What the ticket stands for, once."""
        self._checked()
        return self._tickets.pop(digest, (None, 0.0))[0]

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    def _checked(self) -> float:
        """Now, and nothing is there whose time is over."""
        if self._closed:
            raise StoreUnavailableError("the ticket store of this process is closed")
        now = self._clock()
        self._tickets = {key: one for key, one in self._tickets.items() if one[1] > now}
        self._counts = {key: one for key, one in self._counts.items() if one[1] > now}
        return now
