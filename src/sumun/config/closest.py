"""The known word that a mistyped one is closest to: "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64  # letters; longer words are not compared: the table below grows with the square
_MOST_KNOWN = 2000  # words; a list longer than this is not searched, the message does without


def closest(word: str, known: Iterable[str], at_most: int | None = None) -> str | None:
    """The nearest of `known`, or None when none is near; of equally near ones the first in alphabetical order.

    `at_most` is the number of slips allowed; without it, a third of the word's letters.
    """
    if not 0 < len(word) <= _LONGEST:
        return None
    limit = len(word) // 3 if at_most is None else at_most
    candidates = sorted(set(known))
    if len(candidates) > _MOST_KNOWN:
        return None
    best: tuple[int, str] | None = None
    for candidate in candidates:
        if abs(len(candidate) - len(word)) > limit or len(candidate) > _LONGEST:
            continue
        slips = distance(word.lower(), candidate.lower())
        if slips <= limit and (best is None or slips < best[0]):
            best = (slips, candidate)
    return None if best is None else best[1]


def distance(one: str, two: str) -> int:
    """How many slips (a letter left out, added, wrong, or two neighbours swapped) lead from one word to the other.

    Optimal string alignment: a pair that was swapped is not edited again.
    """
    before: list[int] = []
    last = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            slips = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                slips = min(slips, before[j - 2] + 1)
            row.append(slips)
        before, last = last, row
    return last[-1]
