"""The feed in memory, as it should be: it also knows that it may have forgotten who its readers were."""

from __future__ import annotations

from collections.abc import Callable

from sumun.tokens.stores.memory_feed import MemoryFeed


class Feed(MemoryFeed):
    """A feed that lost its readers together with its numbers says so until the last of them must have given up."""

    def __init__(self, clock: Callable[[], float], longest_life: float) -> None:
        super().__init__(clock)
        self.clock = clock
        self.longest_life = longest_life
        self.forgot_readers_at = float("-inf")

    def fail_over(self, n: int, *, readers_too: bool) -> None:
        """Another server takes over, counting from `n`; it may know nothing of who reads."""
        self.begin_anew(n)
        if readers_too:
            self._readers.clear()
            self.forgot_readers_at = self.clock()

    async def unconfirmed(self, node: str | None, n: int) -> frozenset[str]:
        known = await super().unconfirmed(node, n)
        may_be_others = self.clock() < self.forgot_readers_at + self.longest_life
        return known | {"?"} if may_be_others else known

    def trim(self) -> None:
        """Only the latest news is kept."""
        self.lose_before(self._n)

    @property
    def n(self) -> int:
        return self._n
