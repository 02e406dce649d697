"""Typed values."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import Value
from sumun.spop.errors import InvalidFrameError, UnencodableError
from sumun.spop.typed_data import DataType, decode_value, encode_integer, encode_text, encode_value
from sumun.spop.varint import encode_varint
from tests.unit.spop.values import values


@given(values, st.binary(max_size=3), st.binary(max_size=20))
def test_round_trip(value: Value, before: bytes, behind: bytes) -> None:
    """Every value comes back equal and of its own type, whatever stands around it."""
    encoded = encode_value(value)
    data = before + encoded + behind
    found, stop = decode_value(data, len(before), len(data))
    assert (found, type(found)) == (value, type(value))
    assert stop == len(before) + len(encoded)


@given(values)
def test_cut_short(value: Value) -> None:
    """A value that runs past the end is refused, also when the buffer goes on."""
    encoded = encode_value(value)
    for end in range(len(encoded)):
        with pytest.raises(InvalidFrameError):
            decode_value(encoded, 0, end)


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a value that stays inside them, or a refusal."""
    try:
        _, stop = decode_value(data, 0, len(data))
    except InvalidFrameError:
        return
    assert stop <= len(data)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, "00"),
        (False, "01"),
        (True, "11"),
        (70_000, "04f08821"),
        (-5, "04fbf0fefefefefefefe0e"),
        (2**63, "05f0f1fefefefefefefe06"),
        (IPv4Address("127.0.0.1"), "067f000001"),
        (IPv6Address("2001:db8::"), "0720010db8000000000000000000000000"),
        ("GET", "0803474554"),
        ("", "0800"),
        (b"\x00\xff", "090200ff"),
    ],
)
def test_known_bytes(value: Value, encoded: str) -> None:
    """Each type has the bytes that HAProxy sends or takes for it."""
    assert encode_value(value).hex() == encoded


@given(st.sampled_from([DataType.INT32, DataType.UINT32, DataType.INT64, DataType.UINT64]), st.data())
def test_integers_in_their_type(data_type: DataType, data: st.DataObject) -> None:
    """Every integer that fits one of the four types comes back from it."""
    bits = 32 if data_type in (DataType.INT32, DataType.UINT32) else 64
    signed = data_type in (DataType.INT32, DataType.INT64)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    value = data.draw(st.integers(low, high) | st.sampled_from([low, high]))
    encoded = encode_integer(value, data_type)
    assert encoded[0] == data_type
    assert decode_value(encoded, 0, len(encoded)) == (value, len(encoded))
    for outside in (low - 1, high + 1):
        with pytest.raises(UnencodableError):
            encode_integer(outside, data_type)


@pytest.mark.parametrize(
    ("data_type", "number"),
    [
        (DataType.INT32, 2**31),
        (DataType.INT32, 2**32 - 1),
        (DataType.UINT32, 2**32),
        (DataType.UINT32, 2**64 - 1),
    ],
)
def test_a_number_too_big_for_its_type(data_type: DataType, number: int) -> None:
    """A 32-bit type that carries more than 32 bits is refused."""
    data = bytes((data_type,)) + encode_varint(number)
    with pytest.raises(InvalidFrameError):
        decode_value(data, 0, len(data))


@pytest.mark.parametrize("data_type", range(10, 16))
def test_types_that_do_not_exist(data_type: int) -> None:
    """Types 10 to 15 are refused."""
    with pytest.raises(InvalidFrameError):
        decode_value(bytes((data_type, 0, 0)), 0, 3)


def test_flags_without_meaning() -> None:
    """High bits mean something for BOOLEAN alone, and there only the lowest of them, as in HAProxy."""
    assert decode_value(b"\xe8\x02ab", 0, 4) == ("ab", 4)
    assert decode_value(b"\xe1", 0, 1) == (False, 1)
    assert decode_value(b"\xf1", 0, 1) == (True, 1)


def test_bytes_that_are_not_utf8_survive() -> None:
    """A client's header that is not UTF-8 is no fault of the frame, and goes back as it came."""
    data = b"\x08\x04\xea\xb9\x80\xff"
    value, _ = decode_value(data, 0, len(data))
    assert value == "김\udcff"
    assert encode_value(value) == data


@pytest.mark.parametrize("value", [-(2**63) - 1, 2**64, "\ud800", 1.5, object(), ["x"]])
def test_unencodable(value: Value) -> None:
    """What SPOP cannot hold is our fault, and said so."""
    with pytest.raises(UnencodableError):
        encode_value(value)


def test_an_integer_in_a_type_of_another_kind() -> None:
    """A number cannot be sent as a STRING by mistake."""
    with pytest.raises(UnencodableError):
        encode_integer(1, DataType.STRING)


def test_text_without_a_type() -> None:
    """Names have their length in front and nothing else."""
    assert encode_text("수문") == b"\x06" + "수문".encode()
