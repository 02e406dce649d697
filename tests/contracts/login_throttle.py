"""What every LoginThrottle keeps. A suite for one of them: a class that says how to open it, and how time goes on.

class TestMine(LoginThrottleContract):
    def open(self): ...                    # async context manager: a throttle with BUDGETS that knows nothing
    async def later(self, seconds): ...    # time goes on by this much, or a little more
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from sumun.login.throttle import Admitted, Attempt, Budgets, LoginThrottle, RateLimited
from tests.contracts.in_loop import in_loop

# A window that is short, for a real clock must pass it; and so long that a slow machine does not.
WINDOW_SECONDS = 8
BUDGETS = Budgets(per_account_and_source=2, per_source=4, total=8, window_seconds=WINDOW_SECONDS)

HOME, CAFE = "192.0.2.1", "198.51.100.7"
ALICE = Attempt("alice", HOME)


async def fail(throttle: LoginThrottle, attempt: Attempt, times: int = 1) -> None:
    """So many failures."""
    for _ in range(times):
        await throttle.failed(attempt)


async def is_admitted(throttle: LoginThrottle, attempt: Attempt) -> bool:
    """Whether it may be tried now."""
    return isinstance(await throttle.admit(attempt), Admitted)


class LoginThrottleContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[LoginThrottle]:
        raise NotImplementedError

    async def later(self, seconds: float) -> None:
        raise NotImplementedError

    @in_loop
    async def test_a_budget_of_failures(self, throttle: LoginThrottle) -> None:
        """So many failures are free; then one waits as long as the hint says, and not longer."""
        for _ in range(2):
            assert await throttle.admit(ALICE) == Admitted()
            await throttle.failed(ALICE)
        refused = await throttle.admit(ALICE)
        assert isinstance(refused, RateLimited)
        assert refused.retry_after_seconds == WINDOW_SECONDS // 2  # half the window pays for one of two
        await self.later(refused.retry_after_seconds)
        assert await is_admitted(throttle, ALICE)
        await throttle.failed(ALICE)
        assert not await is_admitted(throttle, ALICE)

    @in_loop
    async def test_asking_costs_nothing(self, throttle: LoginThrottle) -> None:
        """Who only asks, and whoever was right, uses nothing up."""
        for _ in range(20):
            assert await is_admitted(throttle, ALICE)
        for _ in range(20):
            await throttle.succeeded(ALICE)
        assert await is_admitted(throttle, ALICE)

    @in_loop
    async def test_pairs_are_apart(self, throttle: LoginThrottle) -> None:
        """Another account there and the same account elsewhere have budgets of their own."""
        await fail(throttle, ALICE, 2)
        assert not await is_admitted(throttle, ALICE)
        assert await is_admitted(throttle, Attempt("bob", HOME))
        assert await is_admitted(throttle, Attempt("alice", CAFE))

    @in_loop
    async def test_one_password_on_many_accounts(self, throttle: LoginThrottle) -> None:
        """A source has a budget for all accounts together; another source is not concerned."""
        for number in range(4):
            await fail(throttle, Attempt(f"person{number}", CAFE))
        assert not await is_admitted(throttle, Attempt("alice", CAFE))
        assert await is_admitted(throttle, ALICE)

    @in_loop
    async def test_many_sources_together(self, throttle: LoginThrottle) -> None:
        """There is a budget for everything, so many sources get no further than a few."""
        for number in range(8):
            await fail(throttle, Attempt(f"person{number}", f"203.0.113.{number}"))
        assert not await is_admitted(throttle, ALICE)

    @in_loop
    async def test_nobody_can_lock_alice_out(self, throttle: LoginThrottle) -> None:
        """Where she has logged in before she goes on logging in, whatever others try, from there or elsewhere."""
        await throttle.succeeded(ALICE)
        await fail(throttle, Attempt("alice", CAFE), 20)
        for number in range(20):
            await fail(throttle, Attempt(f"person{number}", HOME))
            await fail(throttle, Attempt("alice", f"203.0.113.{number}"))
        assert not await is_admitted(throttle, Attempt("alice", CAFE))
        assert not await is_admitted(throttle, Attempt("bob", HOME))
        assert await is_admitted(throttle, ALICE)
        await throttle.failed(ALICE)
        assert await is_admitted(throttle, ALICE)

    @in_loop
    async def test_a_known_pair_costs_others_nothing(self, throttle: LoginThrottle) -> None:
        """Alice's own typing errors where she is known use up her budget there, and nothing else."""
        await throttle.succeeded(ALICE)
        await fail(throttle, ALICE, 20)
        assert not await is_admitted(throttle, ALICE)
        assert await is_admitted(throttle, Attempt("bob", HOME))
        assert await is_admitted(throttle, Attempt("bob", CAFE))

    @in_loop
    async def test_success_forgets_only_its_own(self, throttle: LoginThrottle) -> None:
        """Being right clears the pair; a guesser does not clear the source by logging in as himself."""
        await fail(throttle, ALICE, 2)
        await throttle.succeeded(ALICE)
        assert await is_admitted(throttle, ALICE)
        for number in range(4):
            await fail(throttle, Attempt(f"person{number}", CAFE))
            await throttle.succeeded(Attempt("mallory", CAFE))
        assert not await is_admitted(throttle, Attempt("alice", CAFE))

    @in_loop
    async def test_failures_at_once_all_count(self, throttle: LoginThrottle) -> None:
        """Failures that were under way together are all counted, and shut nobody out for more than two windows."""
        attempts = [Attempt("alice", HOME) for _ in range(50)]
        await asyncio.gather(*(throttle.failed(attempt) for attempt in attempts))
        refused = await throttle.admit(ALICE)
        assert isinstance(refused, RateLimited)
        assert WINDOW_SECONDS < refused.retry_after_seconds <= 2 * WINDOW_SECONDS

    @in_loop
    async def test_counted_in_one_step(self, throttle: LoginThrottle) -> None:
        """Of tries that are under way together no more are admitted than fit; those that are refused cost nothing."""
        answers = await asyncio.gather(*(throttle.count(Attempt("alice", HOME)) for _ in range(50)))
        assert sorted(isinstance(answer, Admitted) for answer in answers) == [False] * 48 + [True] * 2
        refused = next(answer for answer in answers if isinstance(answer, RateLimited))
        assert refused.retry_after_seconds <= WINDOW_SECONDS // 2
        await throttle.count(Attempt("bob", HOME))
        await throttle.count(Attempt("bob", HOME))
        assert not await is_admitted(throttle, Attempt("cai", HOME))

    @in_loop
    async def test_taken_back(self, throttle: LoginThrottle) -> None:
        """What was right after all costs nothing, however often; it forgives no failure, of whoever it is."""
        for _ in range(20):
            assert await throttle.count(ALICE) == Admitted()
            await throttle.take_back(ALICE)
        await throttle.failed(ALICE)
        assert await throttle.count(ALICE) == Admitted()
        await throttle.take_back(ALICE)
        await throttle.failed(ALICE)
        assert not await is_admitted(throttle, ALICE)
        await fail(throttle, Attempt("bob", HOME), 2)
        assert not await is_admitted(throttle, Attempt("cai", HOME))

    @in_loop
    async def test_spelling_does_not_help(self, throttle: LoginThrottle) -> None:
        """An account in other letters, and an address in another spelling or in the same /64, are the same."""
        await fail(throttle, Attempt("alice", "2001:db8:1:2::1"))
        await fail(throttle, Attempt("ＡLICE", "2001:DB8:1:2:ffff::9"))
        assert not await is_admitted(throttle, Attempt("Alice", "2001:db8:1:2::5"))
        assert await is_admitted(throttle, Attempt("alice", "2001:db8:1:3::1"))
        await fail(throttle, ALICE, 2)
        assert not await is_admitted(throttle, Attempt("alice", f"::ffff:{HOME}"))

    @in_loop
    async def test_any_text(self, throttle: LoginThrottle) -> None:
        """Whatever is typed as an account, and a source that is no address, is counted like any other."""
        for attempt in (Attempt("", ""), Attempt("한글 \t\x85", "nowhere"), Attempt("x" * 65536, "::1%eth0")):
            await fail(throttle, attempt, 2)
            assert not await is_admitted(throttle, attempt)

    @in_loop
    async def test_closing_twice(self, throttle: LoginThrottle) -> None:
        """Closing may happen twice."""
        await throttle.close()
        await throttle.close()
