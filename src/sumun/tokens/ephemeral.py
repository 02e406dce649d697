"""EphemeralStore: the contract of stores of what is needed for minutes: authorization codes, replayed proofs, log-ins.

Guarantees every implementation gives:
- Of all who `take` one thing, on whatever node, at most one is given it; of all who `add` one, one is told True.
- A thing is gone when its time is over, by the store's clock.
- Only SHA-256 digests of handles reach the store, never a handle.
- A call that returned is as durable as the token store's.
- No answer in time is `StoreUnavailableError`, never None or False. It may have happened then.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a thing is; things of different kinds never meet. The value is part of a key, and short for that."""

    CODE = "code"
    """Authorization codes (RFC 6749 4.1.2)."""
    PUSHED = "par"
    """Pushed authorization requests (RFC 9126)."""
    TRANSACTION = "auth"
    """Authorization requests that wait for a person."""
    DEVICE = "device"
    """Device codes (RFC 8628)."""
    USER_CODE = "usercode"
    """Their user codes."""
    DPOP = "dpop"
    """Proofs that were seen (RFC 9449 11.1)."""
    ASSERTION = "assertion"
    """Client assertions that were seen (RFC 7523 3)."""
    HANDOFF = "handoff"
    """How a session comes to another host."""


class EphemeralStore(Protocol):
    """Things by their kind and the SHA-256 digest (32 bytes) of their handle."""

    async def put(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> None:
        """Remember it for so long, in place of what was there. Raises StoreUnavailableError."""
        ...

    async def add(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> bool:
        """Remember it for so long unless one is there; False when one is. Raises StoreUnavailableError."""
        ...

    async def get(self, kind: Kind, digest: bytes) -> bytes | None:
        """What is there; None: over, taken, or never there. Raises StoreUnavailableError."""
        ...

    async def take(self, kind: Kind, digest: bytes) -> bytes | None:
        """What is there, once; it is gone then. Raises StoreUnavailableError."""
        ...

    async def swap(self, kind: Kind, digest: bytes, old: bytes, new: bytes) -> bool:
        """Put `new` in the place of exactly `old`, which keeps its time; False when that is not there.

        Raises StoreUnavailableError.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice, and after a failed start."""
        ...
