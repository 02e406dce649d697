"""Frames (SPOE.txt 3.2): the envelope of everything on the socket, and the two frames of a question.

    <FRAME-LENGTH: 4 bytes> <FRAME-TYPE: 1 byte> <FLAGS: 4 bytes> <STREAM-ID: varint> <FRAME-ID: varint> <FRAME-PAYLOAD>

    HAProxy sends   HAPROXY-HELLO (hello.py)   NOTIFY   HAPROXY-DISCONNECT (disconnect.py)
    we send         AGENT-HELLO                ACK      AGENT-DISCONNECT

A decoder of this package gets a buffer that may hold many frames: `start` is where FRAME-TYPE stands, `end` is the
first byte behind the frame. An encoder gives the whole frame, its length in front. Each exists in both directions, so
that a tool or a test can play HAProxy's part. Every decoder raises InvalidFrameError for what is cut short, left over
or misplaced, and FragmentationError for a fragment.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from sumun.spop.actions import Action, decode_actions
from sumun.spop.errors import FragmentationError, InvalidFrameError
from sumun.spop.messages import Message, MessageReader, encode_messages
from sumun.spop.varint import ONE_BYTE, decode_varint, encode_varint


class FrameType(IntEnum):
    """FRAME-TYPE. UNSET is the second and any later fragment of a payload, in HAProxy before 3.1."""

    UNSET = 0
    HAPROXY_HELLO = 1
    HAPROXY_DISCONNECT = 2
    NOTIFY = 3
    AGENT_HELLO = 101
    AGENT_DISCONNECT = 102
    ACK = 103


FIN: Final = 0x1
ABORT: Final = 0x2
LENGTH_BYTES: Final = 4

frame_length: Final = Struct("!I").unpack_from
_flags: Final = Struct("!I").unpack_from
_pack_header: Final = Struct("!IBI").pack
_HEADER_BYTES: Final = 5  # FRAME-TYPE and FLAGS
_SMALLEST_FRAME: Final = 7  # those, and two ids of one byte
_NO_IDS: Final = b"\0\0"
_ONLY_FIN: Final = b"\0\0\0\1"
_new_tuple: Final = tuple.__new__  # what Notify(...) does, without its detour
_ACK: Final = int(FrameType.ACK)


class Notify(NamedTuple):
    """NOTIFY (3.2.6): one question. `reference` is both ids as they stood on the wire; the ACK repeats it.

    `stream_id` may be 0: HAProxy 2.6 counts its streams from there. A named tuple, because it is cheap to build.
    """

    stream_id: int
    frame_id: int
    messages: tuple[Message, ...]
    reference: bytes


class Ack(NamedTuple):
    """ACK (3.2.7): the answer to the NOTIFY with the same ids."""

    stream_id: int
    frame_id: int
    actions: tuple[Action, ...]


def decode_notify(data: bytes, start: int, end: int, reader: MessageReader) -> Notify:
    """The NOTIFY in `data[start:end]`, its messages read by `reader`."""
    ids = start + _HEADER_BYTES
    if data[start + 1 : ids] != _ONLY_FIN or end - start < _SMALLEST_FRAME:
        ids = start_of_ids(data, start, end)
    stream_id, position = data[ids], ids + 1
    if stream_id >= ONE_BYTE:
        stream_id, position = decode_varint(data, ids, end)
    if position < end and data[position] < ONE_BYTE:
        frame_id, position = data[position], position + 1
    else:
        frame_id, position = decode_varint(data, position, end)
    messages = reader.decode_messages(data, position, end)
    return _new_tuple(Notify, (stream_id, frame_id, messages, data[ids:position]))


def encode_notify(stream_id: int, frame_id: int, messages: tuple[Message, ...]) -> bytes:
    """The NOTIFY frame. Raises UnencodableError as `encode_messages` does."""
    ids = encode_varint(stream_id) + encode_varint(frame_id)
    return encode_frame(FrameType.NOTIFY, encode_messages(messages), ids)


def encode_ack(reference: bytes, encoded_actions: bytes) -> bytes:
    """The ACK frame for the NOTIFY with this `reference`; `encoded_actions` comes from `encode_actions`."""
    size = _HEADER_BYTES + len(reference) + len(encoded_actions)
    return _pack_header(size, _ACK, FIN) + reference + encoded_actions


def decode_ack(data: bytes, start: int, end: int) -> Ack:
    """The ACK in `data[start:end]`."""
    stream_id, position = decode_varint(data, start_of_ids(data, start, end), end)
    frame_id, position = decode_varint(data, position, end)
    return Ack(stream_id, frame_id, decode_actions(data, position, end))


def encode_frame(frame_type: FrameType, payload: bytes, ids: bytes = _NO_IDS) -> bytes:
    """A frame of any type, whole: FIN set, nothing else. HELLO and DISCONNECT have both `ids` 0."""
    return _pack_header(_HEADER_BYTES + len(ids) + len(payload), frame_type, FIN) + ids + payload


def start_of_ids(data: bytes, start: int, end: int) -> int:
    """The position of STREAM-ID, after a look at length and FLAGS. Reserved flags are ignored, as HAProxy does.

    ABORT only means something for fragments, so it is refused like them.
    """
    if end - start < _SMALLEST_FRAME:
        raise InvalidFrameError(f"a frame of {end - start} bytes; its envelope alone takes {_SMALLEST_FRAME}")
    (flags,) = _flags(data, start + 1)
    if flags & (FIN | ABORT) != FIN:
        raise FragmentationError("a payload must come whole: in one frame, with FIN set and ABORT clear")
    return start + _HEADER_BYTES


def start_of_items(data: bytes, start: int, end: int) -> int:
    """The position of the KV-LIST of a HELLO or DISCONNECT frame, whose ids must both be 0."""
    ids = start_of_ids(data, start, end)
    items = ids + len(_NO_IDS)
    if data[ids:items] != _NO_IDS:
        raise InvalidFrameError("HELLO and DISCONNECT frames must have stream-id and frame-id 0")
    return items
