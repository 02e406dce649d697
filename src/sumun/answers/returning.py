"""Who asks again: HAProxy is taught what it may keep at a token's second question, not at its first.

A row costs the keeper and HAProxy more than the whole question does, and a token that is used once never pays it back.
One that is used again is asked about twice instead of once, by each process that answers.

What is remembered is one bit a token, by a hash that nobody outside can know. Another token with the same bit is taught
at its first question, which does no harm.
"""

from __future__ import annotations

_BITS = 2**24
_BYTES = _BITS // 8
MOST = _BITS // 8
"""Tokens; at so many one in eight meets the bit of another, and all are forgotten."""


class Returning:
    """The tokens that one process was asked about. 2 MiB."""

    __slots__ = ("_bits", "_count", "_most")

    def __init__(self, most: int = MOST) -> None:
        """Nobody has asked yet."""
        self._most = most
        self._bits = bytearray(_BYTES)
        self._count = 0

    def comes_again(self, secret: str) -> bool:
        """True when this token was asked about before; from now on it was."""
        place = hash(secret) % _BITS  # SipHash with a key of this process
        bit = 1 << (place & 7)
        if self._bits[place >> 3] & bit:
            return True
        if self._count >= self._most:
            self._bits, self._count = bytearray(_BYTES), 0
        self._bits[place >> 3] |= bit
        self._count += 1
        return False
