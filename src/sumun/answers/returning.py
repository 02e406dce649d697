"""Who asks again: HAProxy is taught what it may keep at a token's second question, not at its first.

A row costs the keeper and HAProxy more than the whole question does, and a token that is used once never pays it back.
One that is used again is asked about twice instead of once, by each process that answers.

What is remembered is two bits a token, by a hash that nobody outside can know (a Bloom filter). A token whose two bits
are those of others is taught at its first question, which does no harm.
"""

from __future__ import annotations

_BITS = 2**24
_BYTES = _BITS // 8
_LAST = _BITS - 1
MOST = _BITS // 8
"""Tokens; at so many, one in twenty that are new meets bits of others, and all are forgotten."""


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
        number = hash(secret)  # SipHash with a key of this process
        one, two = number & _LAST, number >> 32 & _LAST
        bits = self._bits
        if bits[one >> 3] >> (one & 7) & bits[two >> 3] >> (two & 7) & 1:
            return True
        if self._count >= self._most:
            bits, self._count = bytearray(_BYTES), 0
            self._bits = bits
        bits[one >> 3] |= 1 << (one & 7)
        bits[two >> 3] |= 1 << (two & 7)
        self._count += 1
        return False
