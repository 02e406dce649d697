"""The login throttle of one process keeps the contract, within its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sumun.login.throttle import Admitted, Attempt, Budgets, LoginThrottle
from sumun.login.throttle_memory import MemoryLoginThrottle
from tests.contracts.login_throttle import BUDGETS, LoginThrottleContract


class TestMemoryLoginThrottle(LoginThrottleContract):
    now = 0.0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LoginThrottle]:
        yield MemoryLoginThrottle(BUDGETS, lambda: self.now)

    async def later(self, seconds: float) -> None:
        self.now += seconds


def test_bounded() -> None:
    """However many pairs fail or succeed, only so many are remembered, and the total is never forgotten."""

    async def story() -> None:
        throttle = MemoryLoginThrottle(Budgets(1, 1, 2000, 300), lambda: 0.0, most_entries=100)
        for number in range(1000):
            await throttle.failed(Attempt(f"a{number}", f"10.0.{number // 250}.{number % 250}"))
            await throttle.succeeded(Attempt(f"b{number}", "192.0.2.1"))
        assert len(throttle._until_ms) <= 102
        assert len(throttle._known_until_ms) <= 100
        for number in range(1000, 2000):
            await throttle.failed(Attempt(f"a{number}", f"10.0.{number // 250}.{number % 250}"))
        assert await throttle.admit(Attempt("x", "198.51.100.1")) != Admitted()

    asyncio.run(story())


def test_known_for_a_while() -> None:
    """A pair is known for so long after its last success, and then like any other."""
    now = 0.0

    async def story() -> None:
        nonlocal now
        throttle = MemoryLoginThrottle(Budgets(5, 1, 1, 60, known_for_seconds=100), lambda: now)
        alice = Attempt("alice", "192.0.2.1")
        await throttle.succeeded(alice)
        await throttle.failed(Attempt("bob", "192.0.2.1"))
        assert await throttle.admit(alice) == Admitted()
        now = 99.0
        await throttle.failed(Attempt("bob", "192.0.2.1"))
        assert await throttle.admit(alice) == Admitted()
        now = 101.0
        assert await throttle.admit(alice) != Admitted()

    asyncio.run(story())


@pytest.mark.parametrize("wrong", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)])
def test_budgets_of_nothing(wrong: tuple[int, int, int, int]) -> None:
    """A budget of nothing is refused: it would lock everybody out."""
    with pytest.raises(ValueError, match="at least 1"):
        Budgets(*wrong)
