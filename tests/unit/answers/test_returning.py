"""Who comes again, as far as one process remembers."""

from __future__ import annotations

from sumun.answers.returning import Returning
from sumun.tokens import format as token_format


def test_the_second_time() -> None:
    """Every token is new once and known afterwards: of 20,000 new ones next to none is taken for another, and of those
    that come again next to none has lost its place.
    """
    returning = Returning()
    tokens = [token_format.new() for _ in range(20_000)]
    assert sum(map(returning.comes_again, tokens)) < 10
    assert sum(map(returning.comes_again, tokens)) > 19_500


def test_more_than_there_are_places() -> None:
    """Of more tokens than there are places few are taken for known, however many there were: it never fills up."""
    returning = Returning(places=64)
    for _ in range(3):
        assert sum(returning.comes_again(token_format.new()) for _ in range(3000)) < 100
