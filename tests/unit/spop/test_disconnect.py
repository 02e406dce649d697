"""The last frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import AgentDisconnect, HaproxyDisconnect
from sumun.spop.disconnect import (
    decode_agent_disconnect,
    decode_haproxy_disconnect,
    encode_agent_disconnect,
    encode_haproxy_disconnect,
)
from sumun.spop.errors import FrameTooBigError, InvalidFrameError
from sumun.spop.frames import FrameType, encode_frame
from sumun.spop.key_values import encode_key_values
from sumun.spop.typed_data import encode_value


@given(st.integers(0, 2**32 - 1), st.text(max_size=60))
def test_round_trip(status_code: int, message: str) -> None:
    """Both sides' DISCONNECT comes back."""
    theirs = encode_haproxy_disconnect(HaproxyDisconnect(status_code, message))
    ours = encode_agent_disconnect(AgentDisconnect(status_code, message))
    assert decode_haproxy_disconnect(theirs, 4, len(theirs)) == HaproxyDisconnect(status_code, message)
    assert decode_agent_disconnect(ours, 4, len(ours)) == AgentDisconnect(status_code, message)


@pytest.mark.parametrize(
    ("message", "sent"), [("x" * 300, "x" * 255), ("가" * 100, "가" * 85), ("a\ud800", "a?")]
)
def test_long_messages_are_cut(message: str, sent: str) -> None:
    """255 bytes is what HAProxy 2.6 takes, and no character is cut in two."""
    frame = encode_agent_disconnect(AgentDisconnect(4, message))
    assert decode_agent_disconnect(frame, 4, len(frame)).message == sent


def test_because_of() -> None:
    """A refusal is told with its own status code and sentence."""
    assert AgentDisconnect.because_of(FrameTooBigError("too big")) == AgentDisconnect(3, "too big")


@pytest.mark.parametrize("lacking", ["status-code", "message"])
def test_mandatory_items(lacking: str) -> None:
    """Without a code or a message it is an invalid frame."""
    items = {"status-code": encode_value(0), "message": encode_value("normal")}
    del items[lacking]
    frame = encode_frame(FrameType.HAPROXY_DISCONNECT, encode_key_values(*items.items()))
    with pytest.raises(InvalidFrameError):
        decode_haproxy_disconnect(frame, 4, len(frame))
