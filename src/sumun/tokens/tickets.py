"""TicketStore: the contract of stores of one-time tickets.

Guarantees every implementation gives:
- Of all who redeem a ticket, on whatever node, at most one is given what it stands for.
- A ticket is gone when its time is over, by the store's clock.
- Only SHA-256 digests of tickets reach the store, never a ticket.
- No answer in time is `StoreUnavailableError`, never None. The ticket may be spent then: it is asked for anew.
"""

from __future__ import annotations

from typing import Protocol

MOST_AT_ONCE = 100
"""Tickets that one token may get within the life of a ticket."""


class TicketStore(Protocol):
    """Live tickets by the SHA-256 digest of the ticket (32 bytes)."""

    async def put(self, digest: bytes, meaning: bytes, token_id: str, lifetime_ms: int) -> bool:
        """Remember a new ticket of this token for so long; False when the token has got too many of late.

        Raises StoreUnavailableError.
        """
        ...

    async def redeem(self, digest: bytes) -> bytes | None:
        """What the ticket stands for, once; None: spent, over, or never there. Raises StoreUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice, and after a failed start."""
        ...
