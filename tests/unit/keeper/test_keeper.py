"""src/sumun/keeper/keeper.py: what it makes of HAProxy's processes. Its rules: test_ledger.py."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.runtime_commands import Processes
from sumun.keeper import Bounds, Ledger, Reading
from sumun.keeper.keeper import Keeper, Names
from sumun.tokens.feed import Position


class Masters:
    """HAProxy's master: `seen` is what `show proc` says, None while it does not answer."""

    def __init__(self, seen: Processes | None) -> None:
        self.seen = seen

    async def processes(self) -> Processes:
        if self.seen is None:
            raise RuntimeSocketError("nobody listens")
        return self.seen


def keeper(masters: Masters) -> tuple[Keeper, Ledger]:
    """A keeper that is never run, and its ledger, which stands at news 5."""
    ledger = Ledger(serve_known_for_seconds=10, bounds=Bounds())
    ledger.begun(Position("inc", 5))
    unused: Any = None
    return Keeper(
        ledger, unused, Path("/nowhere"), Path("/nowhere"), masters, Names("n1", "keeper"),  # type: ignore[arg-type]
        generation=1, serve_known_for_seconds=10, streams=unused, steady=lambda: 100.0, wall=lambda: 1e9,
    ), ledger  # fmt: skip


def confirmable(ledger: Ledger) -> Position | None:
    return ledger.confirmable(Reading(100.0, 1e9))


def test_a_keeper_that_cannot_look_confirms_nothing() -> None:
    """While HAProxy's master does not answer, a worker may believe on the word of an earlier keeper."""
    it, ledger = keeper(Masters(None))
    asyncio.run(it._look())
    assert confirmable(ledger) is None


def test_workers_that_are_gone_are_not_waited_for() -> None:
    """The master answers no more: who was seen and lives still counts, who is dead does not."""
    masters = Masters(Processes(1, 0, 0, (os.getpid(),), ()))
    it, ledger = keeper(masters)
    asyncio.run(it._look())
    masters.seen = None
    asyncio.run(it._look())
    assert confirmable(ledger) is None  # this very process has not answered yet
    it._workers = {"no such process": 2**22 + 1}
    asyncio.run(it._look())
    assert confirmable(ledger) == Position("inc", 5)
