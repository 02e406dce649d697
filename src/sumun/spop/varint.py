"""Variable-length integers, in HAProxy's own "peers" encoding (SPOE.txt 3.1).

           0 <= X < 240        1 byte    [ XXXX XXXX ]
         240 <= X < 2288       2 bytes   [ 1111 XXXX ] [ 0XXX XXXX ]
        2288 <= X < 264432     3 bytes   [ 1111 XXXX ] [ 1XXX XXXX ]   [ 0XXX XXXX ]
      264432 <= X < 33818864   4 bytes   [ 1111 XXXX ] [ 1XXX XXXX ]*2 [ 0XXX XXXX ]
      ... and so on up to 2**64 - 1, 10 bytes

Every byte is *added* at its shift, so each number has exactly one spelling and there is no overlong form to refuse.
HAProxy lets a number run over 64 bits and wraps it; we refuse it.
"""

from __future__ import annotations

from typing import Final

from sumun.spop.errors import InvalidFrameError, UnencodableError

ONE_BYTE: Final = 240
"""The first value that needs a second byte. Readers that are in a hurry test the first byte against it themselves."""

MAX_VARINT: Final = 2**64 - 1
_LAST_SHIFT: Final = 60  # of the tenth byte: 4 bits in the first, 7 in each of the eight between


def decode_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The number at `position`, and the position behind it. `end` is the first byte that is not ours to read.

    Raises InvalidFrameError when the number runs past `end` or over 64 bits.
    """
    if position >= end:
        raise InvalidFrameError(f"a number was expected at byte {position}, but the frame ends there")
    value = data[position]
    position += 1
    if value < ONE_BYTE:
        return value, position
    shift = 4
    while position < end and shift <= _LAST_SHIFT:
        byte = data[position]
        position += 1
        value += byte << shift
        if byte < 128:
            if value > MAX_VARINT:
                break
            return value, position
        shift += 7
    raise InvalidFrameError(f"the number before byte {position} is cut short or has more than 64 bits")


def encode_varint(value: int) -> bytes:
    """The bytes of `value`. Raises UnencodableError outside 0 .. 2**64 - 1."""
    if not 0 <= value <= MAX_VARINT:
        raise UnencodableError("a number outside 0 .. 2**64 - 1 has no SPOP encoding")
    if value < ONE_BYTE:
        return _BYTE[value]
    encoded = bytearray((value & 0x0F | 0xF0,))
    value = (value - ONE_BYTE) >> 4
    while value >= 128:
        encoded.append(value & 0x7F | 0x80)
        value = (value - 128) >> 7
    encoded.append(value)
    return bytes(encoded)


_BYTE: Final = tuple(bytes((value,)) for value in range(ONE_BYTE))
