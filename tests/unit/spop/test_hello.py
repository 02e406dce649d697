"""The HELLO handshake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import AgentHello, HaproxyHello
from sumun.spop.errors import (
    BadMaxFrameSizeError,
    CapabilitiesMissingError,
    FragmentationError,
    InvalidFrameError,
    MaxFrameSizeMissingError,
    SpopError,
    UnsupportedVersionError,
    VersionMissingError,
)
from sumun.spop.frames import FrameType, encode_frame
from sumun.spop.hello import (
    decode_agent_hello,
    decode_haproxy_hello,
    encode_agent_hello,
    encode_haproxy_hello,
    negotiate,
)
from sumun.spop.key_values import encode_key_values
from sumun.spop.typed_data import DataType, encode_integer, encode_value
from tests.unit.spop.test_frames import status_code
from tests.unit.spop.values import hellos

OFFER = {
    "supported-versions": encode_value("2.0"),
    "max-frame-size": encode_integer(16_380, DataType.UINT32),
    "capabilities": encode_value("pipelining,async"),
}
NONE: frozenset[str] = frozenset()


def decoded(items: dict[str, bytes]) -> HaproxyHello:
    """A HAPROXY-HELLO with just these items, decoded."""
    frame = encode_frame(FrameType.HAPROXY_HELLO, encode_key_values(*items.items()))
    return decode_haproxy_hello(frame, 4, len(frame))


@given(hellos, st.booleans())
def test_haproxy_hello_round_trip(hello: HaproxyHello, healthcheck: bool) -> None:
    """Every HAPROXY-HELLO comes back."""
    hello = HaproxyHello(
        hello.supported_versions, hello.max_frame_size, hello.capabilities, healthcheck, hello.engine_id
    )
    frame = encode_haproxy_hello(hello)
    assert decode_haproxy_hello(frame, 4, len(frame)) == hello


@given(st.integers(256, 2**32 - 1), st.frozensets(st.sampled_from(["pipelining", "async"])))
def test_agent_hello_round_trip(size: int, capabilities: frozenset[str]) -> None:
    """Every AGENT-HELLO comes back."""
    frame = encode_agent_hello(AgentHello("2.0", size, capabilities))
    assert decode_agent_hello(frame, 4, len(frame)) == AgentHello("2.0", size, capabilities)


@pytest.mark.parametrize("lacking", ["version", "max-frame-size", "capabilities"])
def test_an_agent_hello_that_lacks_an_item(lacking: str) -> None:
    """HAProxy's part of the codec refuses an AGENT-HELLO without one of the three mandatory items."""
    items = {
        "version": encode_value("2.0"),
        "max-frame-size": encode_value(256),
        "capabilities": encode_value(""),
    }
    del items[lacking]
    frame = encode_frame(FrameType.AGENT_HELLO, encode_key_values(*items.items()))
    with pytest.raises(InvalidFrameError):
        decode_agent_hello(frame, 4, len(frame))


def test_spaces_and_unknown_items() -> None:
    """Spaces in lists are ignored, capabilities and items nobody knows do no harm (3.2.1, 3.2.4)."""
    hello = decoded(
        {
            "later": encode_value(b"x"),
            **OFFER,
            "capabilities": encode_value(" pipelining , quantum ,, async"),
            "healthcheck": encode_value(False),
        }
    )
    assert hello.capabilities == {"pipelining", "async", "quantum"}
    assert not hello.healthcheck


@pytest.mark.parametrize(
    ("lacking", "error", "status_code"),
    [
        ("supported-versions", VersionMissingError, 5),
        ("max-frame-size", MaxFrameSizeMissingError, 6),
        ("capabilities", CapabilitiesMissingError, 7),
    ],
)
def test_mandatory_items(lacking: str, error: type[SpopError], status_code: int) -> None:
    """Each of the three mandatory items has a status code for its absence."""
    with pytest.raises(error) as refusal:
        decoded({key: value for key, value in OFFER.items() if key != lacking})
    assert refusal.value.status_code == status_code


@pytest.mark.parametrize(
    "wrong",
    [
        {"supported-versions": encode_value(2)},
        {"max-frame-size": encode_value("16380")},
        {"capabilities": encode_value(None)},
        {"healthcheck": encode_value(1)},
        {"engine-id": encode_value(b"x")},
    ],
)
def test_items_of_the_wrong_type(wrong: dict[str, bytes]) -> None:
    """An item of another type than SPOE.txt names is an invalid frame."""
    with pytest.raises(InvalidFrameError):
        decoded(OFFER | wrong)


@pytest.mark.parametrize("size", [-1, 0, 255])
def test_frame_sizes_nobody_may_announce(size: int) -> None:
    """A max-frame-size below 256 bytes is refused with its own status (3.2)."""
    with pytest.raises(BadMaxFrameSizeError):
        decoded(OFFER | {"max-frame-size": encode_value(size)})
    assert decoded(OFFER | {"max-frame-size": encode_value(256)}).max_frame_size == 256


def test_a_hello_above_its_own_limit() -> None:
    """A HELLO longer than the max-frame-size it announces is refused (3.2.4)."""
    with pytest.raises(BadMaxFrameSizeError, match="HELLO itself"):
        decoded(OFFER | {"max-frame-size": encode_value(256), "engine-id": encode_value("x" * 200)})


def test_a_fragmented_hello() -> None:
    """A HELLO without FIN is a fragment."""
    frame = bytearray(encode_haproxy_hello(HaproxyHello("2.0", 16_380, NONE)))
    frame[8] = 0
    with pytest.raises(FragmentationError):
        decode_haproxy_hello(bytes(frame), 4, len(frame))


@pytest.mark.parametrize("offered", ["2.0", "1.0,2.0", " 1.5 , 2.7 ", "2.0,3.0"])
def test_versions_we_speak(offered: str) -> None:
    """Any 2.x will do, since it includes all its earlier minor versions; we answer 2.0."""
    assert negotiate(HaproxyHello(offered, 300, NONE), 65_532, NONE) == AgentHello("2.0", 300, NONE)


@pytest.mark.parametrize(
    "offered", ["", "1.0", "3.0", "2", "2.", ".0", "20", "2.x", "２.0", "2.0.1", "2 .0 1", "2." + "0" * 5000]
)
def test_versions_we_do_not_speak(offered: str) -> None:
    """Anything without a readable 2.x is refused with its own status."""
    with pytest.raises(UnsupportedVersionError):
        negotiate(HaproxyHello(offered, 300, NONE), 65_532, NONE)


def test_the_smaller_size_and_the_common_capabilities() -> None:
    """The smaller frame size wins, and only what both sides can do is agreed."""
    offer = HaproxyHello("2.0", 32_764, frozenset({"pipelining", "fragmentation"}))
    ours = frozenset({"pipelining", "async"})
    assert negotiate(offer, 8000, ours) == AgentHello("2.0", 8000, frozenset({"pipelining"}))


@given(st.binary(max_size=120))
def test_any_bytes(payload: bytes) -> None:
    """Any payload is a HELLO or a typed refusal."""
    frame = encode_frame(FrameType.HAPROXY_HELLO, payload)
    assert status_code(lambda: decode_haproxy_hello(frame, 4, len(frame))) in (None, 4, 5, 6, 7, 9)
    assert status_code(lambda: decode_agent_hello(frame, 4, len(frame))) in (None, 4)
