"""Who comes again, as far as one process remembers."""

from __future__ import annotations

from sumun.answers.returning import Returning
from sumun.tokens import format as token_format


def test_the_second_time() -> None:
    """Every token is new once and known ever after; of 20,000 new ones one at most is taken for another."""
    returning = Returning()
    tokens = [token_format.new() for _ in range(20_000)]
    assert sum(map(returning.comes_again, tokens)) < 3
    assert all(map(returning.comes_again, tokens))


def test_too_many_to_remember() -> None:
    """When there are too many all are new again, so that the memory never fills up and says yes to everybody."""
    returning = Returning(most=3)
    assert [returning.comes_again(name) for name in ("one", "two", "three", "one", "four", "one")] == [
        *(False, False, False, True),
        *(False, False),
    ]
