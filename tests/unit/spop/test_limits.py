"""Bounds that make sense."""

from __future__ import annotations

import pytest

from sumun.spop import Limits


@pytest.mark.parametrize(
    "bad",
    [
        {"max_frame_size": 255},
        {"max_messages": 0},
        {"max_args": 0},
        {"max_name_bytes": 0},
        {"max_name_bytes": 240},
    ],
)
def test_bounds_no_conversation_could_keep(bad: dict[str, int]) -> None:
    """A bound that SPOP or our reader cannot live with is refused when it is set."""
    with pytest.raises(ValueError, match=next(iter(bad))):
        Limits(**bad)


def test_the_smallest() -> None:
    """256 bytes, one message, one argument, one letter: small but possible."""
    assert Limits(256, 1, 1, 1).max_frame_size == 256
