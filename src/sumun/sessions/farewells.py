"""Farewells: the contract of stores of what clients are still to be told: that a session of which they knew has ended.

Guarantees every implementation gives:
- What was added is in `due` until it is `done`, whatever ends meanwhile. Adding again what waits changes nothing.
- Of all who ask for what is due, on whatever node, one is given a farewell at a time; it is due again, for anybody,
  after the pause of its try.
- No answer in time is `StoreUnavailableError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

FIRST_PAUSE_SECONDS: Final = 2
"""From the first try to the second; each pause is three times the one before."""

MOST_TRIES: Final = 8
"""The last one is 36 minutes after the first."""


class Farewell(Struct, frozen=True):
    """One client is to be told that a session of this person has ended. `tries` counts from 1.

    user_id   empty: nobody knows whose it was, and the client is told the session's id alone
    """

    session_id: str
    user_id: str
    client_id: str
    tries: int = 1


class Farewells(Protocol):
    """What is still to be said."""

    async def add(self, session_id: str, user_id: str, client_ids: Sequence[str]) -> None:
        """These clients are to be told. Raises StoreUnavailableError."""
        ...

    async def due(self, most: int) -> list[Farewell]:
        """What is to be said now, to so many at most. Raises StoreUnavailableError."""
        ...

    async def done(self, farewell: Farewell) -> None:
        """It is said, or given up. Raises StoreUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        ...


def pause_seconds(tries: int) -> int:
    """How long until the next try."""
    return int(FIRST_PAUSE_SECONDS * 3 ** (tries - 1))
