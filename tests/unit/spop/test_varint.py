"""Variable-length integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop.errors import InvalidFrameError, UnencodableError
from sumun.spop.varint import MAX_VARINT, decode_varint, encode_varint


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0, 1),
        (239, 1),
        (240, 2),
        (2287, 2),
        (2288, 3),
        (264_431, 3),
        (264_432, 4),
        (33_818_863, 4),
        (33_818_864, 5),
        (4_328_786_159, 5),
        (4_328_786_160, 6),
        (MAX_VARINT, 10),
    ],
)
def test_sizes(value: int, size: int) -> None:
    """A number takes as many bytes as the table of SPOE.txt 3.1 says, at both ends of each row."""
    assert len(encode_varint(value)) == size
    assert decode_varint(encode_varint(value), 0, size) == (value, size)


def test_known_bytes() -> None:
    """32764, HAProxy's usual max-frame-size, is the three bytes that HAProxy sends for it."""
    assert encode_varint(32_764) == bytes.fromhex("fcf00e")


@given(st.integers(0, MAX_VARINT), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip(value: int, before: bytes, behind: bytes) -> None:
    """Every 64-bit number comes back, whatever stands around it."""
    encoded = encode_varint(value)
    data = before + encoded + behind
    stop = len(before) + len(encoded)
    assert decode_varint(data, len(before), len(data)) == (value, stop)


@given(st.binary(max_size=12))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are one number in its only spelling, or a refusal."""
    try:
        value, stop = decode_varint(data, 0, len(data))
    except InvalidFrameError:
        return
    assert encode_varint(value) == data[:stop]


@given(st.integers(240, MAX_VARINT))
def test_cut_short(value: int) -> None:
    """A number that runs past the end is refused, also when the buffer goes on."""
    encoded = encode_varint(value)
    for end in range(len(encoded)):
        with pytest.raises(InvalidFrameError):
            decode_varint(encoded, 0, end)


@pytest.mark.parametrize("data", [b"\xff" * 9 + b"\x0f", b"\xff" * 11 + b"\x00", b"\xff" * 10 + b"\x00"])
def test_more_than_64_bits(data: bytes) -> None:
    """A number over 64 bits is refused, where HAProxy itself would wrap it."""
    with pytest.raises(InvalidFrameError):
        decode_varint(data, 0, len(data))


def test_an_endless_number() -> None:
    """A number that never ends is refused after its tenth byte: sixty thousand would be slow to add up."""
    with pytest.raises(InvalidFrameError, match="before byte 10 "):
        decode_varint(b"\xff" * 60_000, 0, 60_000)


@pytest.mark.parametrize("value", [-1, MAX_VARINT + 1])
def test_unencodable(value: int) -> None:
    """What has no encoding is our fault, and said so."""
    with pytest.raises(UnencodableError):
        encode_varint(value)
