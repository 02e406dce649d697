"""The envelope, NOTIFY and ACK."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import Ack, Action, Limits, Message, encode_actions
from sumun.spop.errors import FragmentationError, InvalidFrameError, SpopError
from sumun.spop.frames import (
    FrameType,
    decode_ack,
    decode_notify,
    encode_ack,
    encode_frame,
    encode_notify,
    start_of_ids,
    start_of_items,
)
from sumun.spop.messages import MessageReader
from sumun.spop.varint import encode_varint
from tests.unit.spop.values import actions, ids, message_lists


def status_code(decode: Callable[[], object]) -> int | None:
    """The status code of the refusal that `decode` raises; None when it raises none. Other errors go through."""
    try:
        decode()
    except SpopError as refusal:
        return refusal.status_code
    return None


def with_flags(frame: bytes, flags: int) -> bytes:
    """`frame` with other FLAGS."""
    return frame[:5] + flags.to_bytes(4, "big") + frame[9:]


@given(ids, ids, message_lists, st.binary(max_size=30))
def test_notify_round_trip(
    stream_id: int, frame_id: int, messages: tuple[Message, ...], behind: bytes
) -> None:
    """A NOTIFY comes back with its ids, its messages, and the ids' own bytes for the ACK."""
    frame = encode_notify(stream_id, frame_id, messages)
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    notify = decode_notify(frame + behind, 4, len(frame), MessageReader(Limits()))
    assert notify[:3] == (stream_id, frame_id, messages)
    assert notify.reference == encode_varint(stream_id) + encode_varint(frame_id)


@given(ids, ids, st.lists(actions, max_size=5).map(tuple))
def test_ack_round_trip(stream_id: int, frame_id: int, sent: tuple[Action, ...]) -> None:
    """An ACK repeats the ids and carries the actions."""
    frame = encode_ack(encode_varint(stream_id) + encode_varint(frame_id), encode_actions(sent))
    assert frame[4] == FrameType.ACK
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert decode_ack(frame, 4, len(frame)) == Ack(stream_id, frame_id, sent)


@given(ids, ids, st.data())
def test_a_notify_too_short_for_its_envelope(stream_id: int, frame_id: int, data: st.DataObject) -> None:
    """A NOTIFY that ends inside its ids is refused, also when the buffer goes on."""
    frame = encode_notify(stream_id, frame_id, ())
    end = data.draw(st.integers(4, len(frame) - 1))
    for buffer in (frame[:end], frame + b"\x00" * 20):
        with pytest.raises(InvalidFrameError):
            decode_notify(buffer, 4, end, MessageReader(Limits()))


@pytest.mark.parametrize("flags", [0, 2, 3, 0x8000_0002])
def test_fragments(flags: int) -> None:
    """Without FIN, or with ABORT, a frame is a fragment: status 10."""
    frame = with_flags(encode_notify(1, 1, ()), flags)
    with pytest.raises(FragmentationError) as refusal:
        decode_notify(frame, 4, len(frame), MessageReader(Limits()))
    assert refusal.value.status_code == 10


def test_reserved_flags() -> None:
    """Flags without a meaning are ignored, as HAProxy does."""
    frame = with_flags(encode_notify(7, 9, ()), 0xFFFF_FFFD)
    assert decode_notify(frame, 4, len(frame), MessageReader(Limits()))[:2] == (7, 9)


def test_ids_of_frames_without_a_stream() -> None:
    """HELLO and DISCONNECT must have both ids 0."""
    good = encode_frame(FrameType.HAPROXY_HELLO, b"")
    assert start_of_items(good, 4, len(good)) == len(good)
    for reference in (b"\x00\x01", b"\x01\x00", b"\xf0\x00"):
        bad = encode_frame(FrameType.HAPROXY_HELLO, b"", reference)
        with pytest.raises(InvalidFrameError, match="frame-id 0"):
            start_of_items(bad, 4, len(bad))


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a frame or a typed refusal, never another error."""
    for decode in (
        lambda: start_of_ids(data, 0, len(data)),
        lambda: start_of_items(data, 0, len(data)),
        lambda: decode_ack(data, 0, len(data)),
        lambda: decode_notify(data, 0, len(data), MessageReader(Limits())),
    ):
        assert status_code(decode) in (None, 4, 10)
