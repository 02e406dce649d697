"""Farewells in this process: for tests, and for a program of one process. Nothing survives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sumun.sessions.farewells import Farewell, pause_seconds
from sumun.tokens.errors import StoreUnavailableError


class MemoryFarewells:
    """Farewells in a dict. Keeps the Farewells contract."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds."""
        self._clock = clock
        self._due: dict[tuple[str, str, str], tuple[float, int]] = {}
        self._closed = False

    async def add(self, session_id: str, user_id: str, client_ids: Sequence[str]) -> None:
        """These clients are to be told."""
        now = self._now()
        for client_id in client_ids:
            self._due.setdefault((session_id, user_id, client_id), (now, 0))

    async def due(self, most: int) -> list[Farewell]:
        """What is to be said now."""
        now = self._now()
        found = [
            Farewell(*key, tries=tries + 1) for key, (at, tries) in sorted(self._due.items()) if at <= now
        ][:most]
        for one in found:
            self._due[one.session_id, one.user_id, one.client_id] = (
                now + pause_seconds(one.tries),
                one.tries,
            )
        return found

    async def done(self, farewell: Farewell) -> None:
        """It is said."""
        self._now()
        self._due.pop((farewell.session_id, farewell.user_id, farewell.client_id), None)

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    def _now(self) -> float:
        if self._closed:
            raise StoreUnavailableError("the farewells of this process are closed")
        return self._clock()
