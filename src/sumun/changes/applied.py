"""Applied: what became of a change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Applied:
    """The change is stored and announced.

    n            its number in the feed, or a later one; None when nothing changed (there was nothing to do)
    unconfirmed  the live processes (`node/process`) that had not confirmed `n` when the wait ended; empty: all have
    """

    n: int | None
    unconfirmed: frozenset[str] = frozenset()


NOTHING_CHANGED = Applied(None)
