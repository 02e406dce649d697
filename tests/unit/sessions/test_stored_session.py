"""The stored bytes of a session."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sumun.sessions import Authentication, Session
from sumun.sessions.stored_session import CorruptSessionError, decode, encode

SESSION = Session(
    "sid_a",
    Authentication("alice", 1_700_000_000, 3, ("pwd",), "x"),
    1000,
    2000,
    500,
    9000,
    "파이어폭스",
    "::1",
)


def test_there_and_back() -> None:
    """Every field survives."""
    assert decode(encode(SESSION)) == SESSION


def test_the_last_use_stands_in_front() -> None:
    """What a script wrote there counts, whatever stood there when the session was written."""
    data = encode(SESSION)
    assert data.startswith(b"1 2000 500 9000 {")
    assert decode(data.replace(b"1 2000 ", b"1 2345 ", 1)) == replace(SESSION, last_seen_ms=2345)


@pytest.mark.parametrize(
    "data",
    [b"", b"1", b"2 2000 500 9000 {}", b"1 x 500 9000 {}", b"1 2000 500 9000 {}", b"1 2000 500 9000 \xff"],
)
def test_what_is_no_session(data: bytes) -> None:
    """Bytes that are none are an error of our own, which repeats nothing of them."""
    with pytest.raises(CorruptSessionError) as caught:
        decode(data)
    assert "500" not in str(caught.value)
