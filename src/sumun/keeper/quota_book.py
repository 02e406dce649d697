"""The contract of the book in which all nodes add up how often each client has called today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sumun.keeper.quotas import Used


@dataclass(frozen=True, slots=True)
class Count:
    """What one HAProxy worker has counted for one client since it began.

    `worker` names it among all workers of all nodes, and is never used twice. `before` is what its keeper last had from
    it; only a book that has never heard of the worker looks at it.
    """

    worker: str
    calls: int
    before: int = 0


class QuotaBook(Protocol):
    """The contract."""

    async def add(self, client: str, counts: Sequence[Count]) -> Used:
        """Add what is new since each worker's last count, and say what is used today. Raises OutageError.

        A count is of the worker's whole life, so telling it twice adds nothing, and nothing is lost by telling it late.
        What is told first on another day counts for that day.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        ...
