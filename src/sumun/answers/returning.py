"""Who asks again: HAProxy is taught what it may keep at a token's second question, not at its first.

A row costs the keeper and HAProxy more than the whole question does, and a token that is used once never pays it back.
One that is used again is asked about twice instead of once, by each process that answers.

What is remembered of a token is one byte, in a place that its hash chooses; nobody outside can know the hash. Another
token in the same place takes it over, and the first is then new once more. A token that meets its own byte by chance
(one in 255 at worst) is taught at its first question, which does no harm.
"""

from __future__ import annotations

PLACES = 2**22
"""4 MiB. Of a million tokens that ask in turn, one in five has lost its place when it comes again."""


class Returning:
    """The tokens that one process was asked about."""

    __slots__ = ("_last", "_places")

    def __init__(self, places: int = PLACES) -> None:
        """Nobody has asked yet. `places` is a power of two, in bytes."""
        self._places = bytearray(places)
        self._last = places - 1

    def comes_again(self, secret: str) -> bool:
        """True when this token was asked about before; from now on it was."""
        number = hash(secret)  # SipHash with a key of this process
        place, mark = number & self._last, number >> 32 & 255 or 1
        places = self._places
        if places[place] == mark:
            return True
        places[place] = mark
        return False
