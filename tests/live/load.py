"""Load: callers that call all the time, and know what they must be answered while an operator changes things."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self

from sumun.changes import Applied
from tests.live.kept_world import LEASE_SECONDS, Caller, Reply, World


@dataclass
class Looped:
    """A token in a loop.

    expected    what the next call must be answered; changes when a command that changed it has returned
    changing    a command is under way: either answer is right
    edition     counts the commands: an answer counts when it began and ended under the same one
    """

    token: str
    expected: int = 200
    changing: bool = False
    edition: int = 0


class Load:
    """Callers on keep-alive connections, each with the next call as soon as one is answered.

    seen        statuses
    wrong       answers that contradict a command that had returned, and requests that were lost
    reconnected keep-alive connections that the gateway closed between two requests, as it may
    """

    def __init__(
        self,
        world: World,
        looped: Sequence[Looped] | Callable[[], Sequence[Looped]],
        *,
        outage: frozenset[int] = frozenset(),
        callers: int = 6,
    ) -> None:
        """`looped`: what is called, or who says so. `outage`: statuses of an outage that the test makes; a broken connection is one too."""
        self._world = world
        self._looped = looped if callable(looped) else lambda: looped
        self._outage = outage
        self._callers = [world.caller() for _ in range(callers)]
        self._tasks: list[asyncio.Task[None]] = []
        self.seen: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.broken = 0

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._hammer(caller)) for caller in self._callers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wrong += [repr(one) for one in done if not isinstance(one, asyncio.CancelledError)]

    @property
    def connections(self) -> int:
        """How many there were."""
        return sum(caller.connections for caller in self._callers)

    async def _hammer(self, caller: Caller) -> None:
        while True:
            one = random.choice(self._looped())
            edition, expected, sure = one.edition, one.expected, not one.changing
            reply = await self._reply(caller, one.token)
            if reply is None:
                continue
            self.seen[reply.status] += 1
            is_right = reply.status == expected or reply.status in self._outage
            if sure and edition == one.edition and not is_right:
                self.wrong.append(f"{reply.status} for {expected}, {reply.id}")

    async def _reply(self, caller: Caller, token: str) -> Reply | None:
        before = caller.connections
        try:
            try:
                return await caller.call(token)
            except (OSError, asyncio.IncompleteReadError):
                if caller.connections != before:
                    raise
                return await caller.call(token)  # closed between two requests (RFC 9112 9.3.1): try once more
        except (OSError, asyncio.IncompleteReadError) as error:
            self.broken += 1
            if not self._outage:
                self.wrong.append(f"lost: {error!r}")
            await asyncio.sleep(0.01)
            return None


Change = Callable[[], Awaitable[Applied]]

SETTLED_SECONDS = LEASE_SECONDS + 1.0
"""After so long even a node that could not be told has stopped believing."""


async def change(one: Looped, what: Change, expected: int, *, may_be_unconfirmed: bool = False) -> Applied:
    """Make the change; when it has returned, it counts: at once, or after the lease if it says that it is unconfirmed."""
    one.changing = True
    one.edition += 1
    applied = await what()
    if applied.unconfirmed:
        assert may_be_unconfirmed, applied
        await asyncio.sleep(SETTLED_SECONDS)
    one.expected, one.changing = expected, False
    return applied
