"""Marks: the number of the latest change that concerns a token, a subject, a client, the keys or everything.

What someone learned elsewhere while the memory stood at `n` is true as long as nothing it is about has a mark above
`n`. Bounded: when the oldest mark is dropped, nobody whose look began before it can be told "unchanged" any more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from sumun.tokens.feed import Change, ChangeKind

MAX_MARKS = 20_000
"""Only looks that are under way need marks, and those last a second or two: this is 10,000 changes a second."""

_EVERYTHING = Change(ChangeKind.EVERYTHING)


class Marks:
    """Change -> the number of the latest news about it, oldest first."""

    def __init__(self, most: int = MAX_MARKS) -> None:
        """Keep `most` marks."""
        self._most = most
        self._marks: OrderedDict[Change, int] = OrderedDict()
        self._floor = 0

    def set(self, change: Change, n: int) -> None:
        """News number `n` is about this."""
        self._marks[change] = n
        self._marks.move_to_end(change)
        while len(self._marks) > self._most:
            _, self._floor = self._marks.popitem(last=False)

    def none_after(self, n: int, about: Iterable[Change]) -> bool:
        """True when surely no news after `n` was about any of these or about everything."""
        if n < self._floor or self._marks.get(_EVERYTHING, 0) > n:
            return False
        return all(self._marks.get(change, 0) <= n for change in about)
