"""DISCONNECT: the last frame each way, with the reason (SPOE.txt 3.2.8, 3.2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sumun.spop.errors import InvalidFrameError, SpopError
from sumun.spop.frames import FrameType, encode_frame, start_of_items
from sumun.spop.key_values import KeyValues, encode_key_values
from sumun.spop.typed_data import DataType, encode_integer, encode_value

NORMAL: Final = 0
"""Status code: "normal (no error occurred)" (3.5)."""

MAX_MESSAGE_BYTES: Final = 255
"""HAProxy 2.6 calls an AGENT-DISCONNECT with a longer message invalid (flt_spoe.c, spoe_handle_agentdiscon_frame)."""


@dataclass(frozen=True, slots=True)
class HaproxyDisconnect:
    """HAPROXY-DISCONNECT: HAProxy wants to close; it waits for our AGENT-DISCONNECT."""

    status_code: int
    message: str


@dataclass(frozen=True, slots=True)
class AgentDisconnect:
    """AGENT-DISCONNECT: we close the socket right after it."""

    status_code: int
    message: str

    @classmethod
    def because_of(cls, error: SpopError) -> AgentDisconnect:
        """The frame that tells the peer of `error`."""
        return cls(error.status_code, str(error))


def decode_haproxy_disconnect(data: bytes, start: int, end: int) -> HaproxyDisconnect:
    """The HAPROXY-DISCONNECT in `data[start:end]`."""
    return HaproxyDisconnect(*_decode(data, start, end))


def decode_agent_disconnect(data: bytes, start: int, end: int) -> AgentDisconnect:
    """The AGENT-DISCONNECT in `data[start:end]`."""
    return AgentDisconnect(*_decode(data, start, end))


def encode_haproxy_disconnect(disconnect: HaproxyDisconnect) -> bytes:
    """The HAPROXY-DISCONNECT frame."""
    return _encode(FrameType.HAPROXY_DISCONNECT, disconnect.status_code, disconnect.message)


def encode_agent_disconnect(disconnect: AgentDisconnect) -> bytes:
    """The AGENT-DISCONNECT frame; the message is cut after MAX_MESSAGE_BYTES."""
    return _encode(FrameType.AGENT_DISCONNECT, disconnect.status_code, disconnect.message)


def _decode(data: bytes, start: int, end: int) -> tuple[int, str]:
    items = KeyValues(data, start_of_items(data, start, end), end)
    status_code = items.get("status-code", int)
    message = items.get("message", str)
    if status_code is None or message is None:
        raise InvalidFrameError('DISCONNECT lacks "status-code" or "message"')
    return status_code, message


def _encode(frame_type: FrameType, status_code: int, message: str) -> bytes:
    short = message.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
    return encode_frame(
        frame_type,
        encode_key_values(
            ("status-code", encode_integer(status_code, DataType.UINT32)),
            ("message", encode_value(short)),
        ),
    )
