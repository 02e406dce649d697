"""EphemeralStore in this process: for tests, and for a program of one process. Nothing survives it."""

from __future__ import annotations

from collections.abc import Callable

from sumun.tokens.ephemeral import Kind
from sumun.tokens.errors import StoreUnavailableError


class MemoryEphemeral:
    """Things in a dict. Keeps the EphemeralStore contract."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds, for expiry."""
        self._clock = clock
        self._things: dict[tuple[Kind, bytes], tuple[bytes, float]] = {}
        self._closed = False

    async def put(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> None:
        """Remember it."""
        self._things[kind, digest] = (value, self._checked() + lifetime_ms / 1000)

    async def add(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> bool:
        """Remember it unless one is there."""
        ends = self._checked() + lifetime_ms / 1000
        return self._things.setdefault((kind, digest), mine := (value, ends)) is mine

    async def get(self, kind: Kind, digest: bytes) -> bytes | None:
        """What is there."""
        self._checked()
        return self._things.get((kind, digest), (None, 0.0))[0]

    async def take(self, kind: Kind, digest: bytes) -> bytes | None:
        """What is there, once."""
        self._checked()
        return self._things.pop((kind, digest), (None, 0.0))[0]

    async def swap(self, kind: Kind, digest: bytes, old: bytes, new: bytes) -> bool:
        """Put `new` in the place of exactly `old`."""
        self._checked()
        value, ends = self._things.get((kind, digest), (None, 0.0))
        if value != old:
            return False
        self._things[kind, digest] = (new, ends)
        return True

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    def _checked(self) -> float:
        """Now, and nothing is there whose time is over."""
        if self._closed:
            raise StoreUnavailableError("the ephemeral store of this process is closed")
        now = self._clock()
        self._things = {key: one for key, one in self._things.items() if one[1] > now}
        return now
