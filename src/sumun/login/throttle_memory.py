"""LoginThrottle in the memory of one process: for the secrets of clients, and for tests.

It cannot be down. Several processes each count for themselves, so a guesser has as many budgets as there are processes.
"""

from __future__ import annotations

from collections.abc import Callable

from sumun.login.throttle import Admitted, Attempt, Budget, Budgets, RateLimited, limited

# Debts are bounded by the budgets themselves (who is refused writes nothing); this bounds the known pairs as well.
MOST_ENTRIES = 100_000
_TOTAL = "total"


class MemoryLoginThrottle:
    """Keeps the contract of `throttle.LoginThrottle`. Lives on one event loop."""

    def __init__(
        self, budgets: Budgets, monotonic: Callable[[], float], most_entries: int = MOST_ENTRIES
    ) -> None:
        """`monotonic` gives seconds and never goes back."""
        self._pair = Budget.of(budgets.per_account_and_source, budgets.window_seconds)
        self._source = Budget.of(budgets.per_source, budgets.window_seconds)
        self._total = Budget.of(budgets.total, budgets.window_seconds)
        self._known_for_ms = budgets.known_for_seconds * 1000
        self._monotonic = monotonic
        self._most_entries = most_entries
        self._until_ms: dict[str, int] = {}
        self._last_until_ms = 0
        self._known_until_ms: dict[str, int] = {}

    async def admit(self, attempt: Attempt) -> Admitted | RateLimited:
        """See the contract."""
        now_ms = self._now_ms()
        if self._last_until_ms <= now_ms:  # nobody owes anything: the way of nearly every call
            self._until_ms.clear()
            return Admitted()
        concerned = self._concerned(attempt, now_ms)
        return limited(
            max(budget.wait_ms(self._until_ms.get(key, 0), now_ms) for key, budget in concerned.items())
        )

    async def failed(self, attempt: Attempt) -> None:
        """See the contract."""
        now_ms = self._now_ms()
        self._make_room(now_ms)
        for key, budget in self._concerned(attempt, now_ms).items():
            until_ms = budget.after_failure(self._until_ms.get(key, 0), now_ms)
            self._until_ms[key] = until_ms
            self._last_until_ms = max(self._last_until_ms, until_ms)

    async def count(self, attempt: Attempt) -> Admitted | RateLimited:
        """See the contract."""
        admitted = await self.admit(attempt)
        if isinstance(admitted, Admitted):
            await self.failed(attempt)  # neither of the two waits for anything
        return admitted

    async def take_back(self, attempt: Attempt) -> None:
        """See the contract."""
        for key, budget in self._concerned(attempt, self._now_ms()).items():
            self._until_ms[key] = budget.after_taking_back(self._until_ms.get(key, 0))

    async def succeeded(self, attempt: Attempt) -> None:
        """See the contract."""
        pair = attempt.pair_digest
        self._until_ms.pop(pair, None)
        now_ms = self._now_ms()
        self._known_until_ms.pop(
            pair, None
        )  # so that it goes to the end: the first in the dict is the oldest
        self._known_until_ms[pair] = now_ms + self._known_for_ms
        if len(self._known_until_ms) > self._most_entries:
            del self._known_until_ms[next(iter(self._known_until_ms))]

    async def close(self) -> None:
        """See the contract."""

    def _concerned(self, attempt: Attempt, now_ms: int) -> dict[str, Budget]:
        pair = attempt.pair_digest
        if self._known_until_ms.get(pair, 0) > now_ms:
            return {pair: self._pair}
        return {pair: self._pair, attempt.source_digest: self._source, _TOTAL: self._total}

    def _make_room(self, now_ms: int) -> None:
        if len(self._until_ms) < self._most_entries:
            return
        self._until_ms = {key: until for key, until in self._until_ms.items() if until > now_ms}
        for key in list(self._until_ms)[: max(0, len(self._until_ms) - self._most_entries // 2)]:
            if key != _TOTAL:
                del self._until_ms[key]

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)
