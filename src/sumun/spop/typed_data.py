"""Typed values (SPOE.txt 3.1): one byte of type and flags, then the value.

The text says "TYPE: 4 bits, FLAGS: 4 bits" and means: type in the low four bits, flags in the high four
(SPOE_DATA_T_MASK 0x0F, SPOE_DATA_FL_TRUE 0x10 in HAProxy's spoe-t.h).

    on the wire               in Python
    NULL                      None           HAProxy sends it when a sample has no value
    BOOL                      bool
    INT32 UINT32 INT64 UINT64 int            HAProxy sends INT64 only; signed ones are 64-bit two's complement
    IPV4, IPV6                IPv4Address, IPv6Address
    STRING                    str            bytes that are not UTF-8 become lone surrogates and back (PEP 383)
    BINARY                    bytes

A string that is not UTF-8 is no fault of HAProxy's: a client wrote it into a header. Refusing the frame for it would
let one client cut a connection that many share.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from sumun.spop.errors import InvalidFrameError, UnencodableError
from sumun.spop.varint import MAX_VARINT, ONE_BYTE, decode_varint, encode_varint

Value: TypeAlias = bool | int | str | bytes | IPv4Address | IPv6Address | None


class DataType(IntEnum):
    """The type in the low four bits; 10 to 15 are not in use."""

    NULL = 0
    BOOL = 1
    INT32 = 2
    UINT32 = 3
    INT64 = 4
    UINT64 = 5
    IPV4 = 6
    IPV6 = 7
    STRING = 8
    BINARY = 9


TYPE_MASK: Final = 0x0F
TRUE_FLAG: Final = 0x10

_INTEGER_RANGES: Final = {
    DataType.INT32: (-(2**31), 2**31 - 1),
    DataType.UINT32: (0, 2**32 - 1),
    DataType.INT64: (-(2**63), 2**63 - 1),
    DataType.UINT64: (0, MAX_VARINT),
}
_FIRST_NEGATIVE: Final = 2**63

# The same few clients ask again and again; building an address object costs ten times this look-up. 4096 of either kind
# is under 1 MiB, and the oldest goes first.
ipv4_address: Final = lru_cache(maxsize=4096)(IPv4Address)
ipv6_address: Final = lru_cache(maxsize=4096)(IPv6Address)


def decode_length_prefixed(data: bytes, position: int, end: int) -> tuple[bytes, int]:
    """The bytes behind the length at `position`, and the position behind them.

    Raises InvalidFrameError when they run past `end`.
    """
    length, start = decode_varint(data, position, end)
    stop = start + length
    if stop > end:
        raise InvalidFrameError(f"{length} bytes are announced, but only {end - start} are left")
    return data[start:stop], stop


def decode_value(data: bytes, position: int, end: int) -> tuple[Value, int]:
    """The typed value at `position`, and the position behind it. `end` is the first byte that is not ours to read.

    Raises InvalidFrameError on a type that does not exist, a number its type cannot hold, or bytes that run past
    `end`. Flags that mean nothing for a type are ignored, as HAProxy does.
    """
    if position >= end:
        raise InvalidFrameError(f"a value was expected at byte {position}, but the frame ends there")
    type_and_flags = data[position]
    position += 1
    data_type = type_and_flags & TYPE_MASK
    if data_type == DataType.STRING:
        raw, position = decode_length_prefixed(data, position, end)
        return raw.decode("utf-8", "surrogateescape"), position
    if data_type == DataType.BINARY:
        return decode_length_prefixed(data, position, end)
    if data_type == DataType.NULL:
        return None, position
    if data_type == DataType.BOOL:
        return type_and_flags & TRUE_FLAG != 0, position
    if data_type <= DataType.UINT64:
        return _decode_integer(data, position, end, DataType(data_type))
    if data_type <= DataType.IPV6:
        return _decode_address(data, position, end, DataType(data_type))
    raise InvalidFrameError(f"data type {data_type} before byte {position} does not exist; 0 to 9 do")


def _decode_integer(data: bytes, position: int, end: int, data_type: DataType) -> tuple[int, int]:
    value, stop = decode_varint(data, position, end)
    lowest, highest = _INTEGER_RANGES[data_type]
    if lowest < 0 and value >= _FIRST_NEGATIVE:
        value -= MAX_VARINT + 1
    if not lowest <= value <= highest:
        raise InvalidFrameError(f"the number at byte {position} does not fit its type {data_type.name}")
    return value, stop


def _decode_address(data: bytes, position: int, end: int, data_type: DataType) -> tuple[Value, int]:
    size, address = (4, ipv4_address) if data_type == DataType.IPV4 else (16, ipv6_address)
    stop = position + size
    if stop > end:
        raise InvalidFrameError(f"the {data_type.name} address at byte {position} is cut short")
    return address(data[position:stop]), stop


def encode_length_prefixed(raw: bytes) -> bytes:
    """`raw` behind its length."""
    return encode_varint(len(raw)) + raw


def encode_text(text: str) -> bytes:
    """`text` as length-prefixed UTF-8; the surrogates that `decode_value` made become the bytes they stood for.

    Raises UnencodableError for any other lone surrogate.
    """
    try:
        return encode_length_prefixed(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise UnencodableError("a text with lone surrogates has no UTF-8 encoding") from None


def encode_value(value: Value) -> bytes:
    """`value` in its natural type: int as INT64 (UINT64 from 2**63 on), str as STRING, bytes as BINARY.

    Raises UnencodableError for an int outside -2**63 .. 2**64 - 1, what `encode_text` refuses, and any other type.
    """
    if isinstance(value, str):
        return _STRING + encode_text(value)
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        return encode_integer(value, DataType.INT64 if value < _FIRST_NEGATIVE else DataType.UINT64)
    if isinstance(value, bytes):
        return _BINARY + encode_length_prefixed(value)
    if value is None:
        return _NULL
    if isinstance(value, IPv4Address):
        return _IPV4 + value.packed
    if isinstance(value, IPv6Address):
        return _IPV6 + value.packed
    raise UnencodableError(f"a {type(value).__name__} has no SPOP type")


def encode_integer(value: int, data_type: DataType) -> bytes:
    """`value` as the integer type named. Raises UnencodableError when it does not fit, or the type is no integer's."""
    lowest, highest = _INTEGER_RANGES.get(data_type, (0, -1))
    if not lowest <= value <= highest:
        raise UnencodableError(f"the number does not fit {data_type.name}: {lowest} to {highest} do")
    return bytes((data_type,)) + encode_varint(value & MAX_VARINT)


_NULL: Final = bytes((DataType.NULL,))
_FALSE: Final = bytes((DataType.BOOL,))
_TRUE: Final = bytes((DataType.BOOL | TRUE_FLAG,))
_IPV4: Final = bytes((DataType.IPV4,))
_IPV6: Final = bytes((DataType.IPV6,))
_STRING: Final = bytes((DataType.STRING,))
_BINARY: Final = bytes((DataType.BINARY,))
SHORT_STRING_HEADS: Final = tuple(bytes((DataType.STRING, size)) for size in range(ONE_BYTE))
"""Type and length of a STRING, by its length in bytes, for those whose length is one byte on the wire."""
