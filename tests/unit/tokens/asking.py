"""A store that can only be awaited, as one that is looked into (`TokenStore.look`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sumun.tokens.record import TokenRecord
from sumun.tokens.store import Hear, Look

_under_way: set[asyncio.Task[None]] = set()


def by_asking(get_many: Callable[[Sequence[bytes]], Awaitable[list[TokenRecord | None]]]) -> Look:
    """What it answers, or why it does not, is told when it is there."""

    def look(digests: Sequence[bytes], hear: Hear) -> None:
        async def ask() -> None:
            try:
                found = await get_many(digests)
            except Exception as trouble:  # noqa: BLE001 - told, whatever it is
                hear(trouble)  # type: ignore[arg-type]
            else:
                hear(found)

        task = asyncio.create_task(ask())
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)

    return look
