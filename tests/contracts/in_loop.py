"""Run one check of a contract in an event loop of its own, with the part under test opened and closed around it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar


class Opens(Protocol):
    """A contract suite: `open` gives the part under test."""

    def open(self) -> AbstractAsyncContextManager[Any]: ...


Suite = TypeVar("Suite", bound=Opens)


def in_loop(check: Callable[[Suite, Any], Awaitable[None]]) -> Callable[[Suite], None]:
    """`async def test_x(self, part)` becomes a test that pytest runs as it is."""

    @functools.wraps(check)
    def run(self: Suite) -> None:
        async def whole() -> None:
            async with self.open() as part:
                await check(self, part)

        asyncio.run(whole())

    del run.__wrapped__  # or pytest takes `part` for a fixture
    return run
