"""The state machine: every arrow of the two tables in connection.py, and any cut of the stream."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import (
    AgentConnection,
    AgentDisconnect,
    AgentHello,
    Disconnected,
    Event,
    HaproxyDisconnect,
    HaproxyHello,
    HealthCheck,
    Hello,
    Limits,
    Message,
    Notify,
    Reading,
    Refused,
    Scope,
    SetVar,
    Writing,
    encode_actions,
)
from sumun.spop.connection import NORMAL_END
from sumun.spop.disconnect import decode_agent_disconnect, encode_agent_disconnect, encode_haproxy_disconnect
from sumun.spop.errors import (
    FragmentationError,
    FrameTooBigError,
    InvalidFrameError,
    SpopError,
    UnencodableError,
    UnsupportedVersionError,
    WrongStateError,
)
from sumun.spop.frames import FrameType, decode_ack, encode_frame, encode_notify
from sumun.spop.hello import decode_agent_hello, encode_haproxy_hello
from tests.unit.spop.feeding import (
    HELLO,
    HELLO_FRAME,
    after_hello,
    comparable,
    cuts,
    fed_byte_by_byte,
    fed_in_pieces,
    fed_whole,
)
from tests.unit.spop.values import notify_frames

ASK = (Message("ask", {"cred": "smn_at_x", "grpc": False}),)
ALLOW = SetVar(Scope.TRANSACTION, "allow", True)
UNKNOWN_FRAME = b"\x00\x00\x00\x08\x63\xff\xff\xff\xff\x01\x01?"
BYE_FRAME = encode_haproxy_disconnect(HaproxyDisconnect(0, "normal"))


def question(frame: bytes, connection: AgentConnection) -> Notify:
    """The one NOTIFY that `frame` is."""
    (notify,) = connection.receive(frame)
    assert isinstance(notify, Notify)
    return notify


def refusal(connection: AgentConnection, data: bytes) -> SpopError:
    """The refusal that `data` ends in."""
    event = connection.receive(data)[-1]
    assert isinstance(event, Refused)
    return event.error


# --- the conversation as it should be


def test_a_whole_conversation() -> None:
    """HELLO, two questions answered in the other order, DISCONNECT: as in SPOE.txt 3.2.3."""
    connection = AgentConnection()
    agreed = AgentHello("2.0", 16_380, frozenset({"pipelining", "async"}))
    assert connection.receive(HELLO_FRAME) == [Hello(HELLO, agreed)]
    hello = connection.agent_hello()
    assert decode_agent_hello(hello, 4, len(hello)) == agreed
    first = question(encode_notify(300, 1, ASK), connection)
    second = question(encode_notify(0, 1, ()), connection)
    for asked, actions in ((second, [ALLOW]), (first, [])):
        ack = connection.ack(asked, actions)
        assert decode_ack(ack, 4, len(ack)) == (asked.stream_id, asked.frame_id, tuple(actions))
    assert connection.receive(BYE_FRAME) == [Disconnected(HaproxyDisconnect(0, "normal"))]
    bye = connection.disconnect()
    assert decode_agent_disconnect(bye, 4, len(bye)) == NORMAL_END
    assert (connection.reading, connection.writing) == (Reading.ENDED, Writing.CLOSED)


def test_a_health_check() -> None:
    """`option spop-check` gets its AGENT-HELLO, and then the conversation is over (3.2.5)."""
    connection = AgentConnection()
    check = encode_haproxy_hello(HaproxyHello("2.0", 16_380, frozenset(), healthcheck=True))
    agreed = AgentHello("2.0", 16_380, frozenset())
    assert connection.receive(check + encode_notify(1, 1, ASK)) == [HealthCheck(agreed)]
    hello = connection.agent_hello()
    assert decode_agent_hello(hello, 4, len(hello)) == agreed
    assert (connection.reading, connection.writing) == (Reading.ENDED, Writing.CLOSED)
    with pytest.raises(WrongStateError):
        connection.disconnect()


def test_only_capabilities_that_haproxy_offers() -> None:
    """HAProxy 3.x offers no "async", so AGENT-HELLO does not name it; nor what the driver does not want."""
    for ours, offered, agreed in (
        ({"pipelining", "async"}, {"pipelining"}, {"pipelining"}),
        ({"pipelining"}, {"pipelining", "async"}, {"pipelining"}),
        ({"pipelining", "async"}, {"pipelining", "async", "fragmentation"}, {"pipelining", "async"}),
    ):
        connection = AgentConnection(capabilities=frozenset(ours))
        (hello,) = connection.receive(encode_haproxy_hello(HaproxyHello("2.0", 16_380, frozenset(offered))))
        assert isinstance(hello, Hello)
        assert hello.agreed.capabilities == agreed


def test_unknown_frames_are_skipped() -> None:
    """A frame of unknown type is skipped, whatever its flags and payload (3.2.2)."""
    connection = after_hello()
    events = connection.receive(UNKNOWN_FRAME + encode_notify(1, 1, ASK) + UNKNOWN_FRAME)
    assert [type(event) for event in events] == [Notify]
    assert connection.reading is Reading.OPEN


# --- refusals


@pytest.mark.parametrize(
    "first",
    [
        encode_notify(1, 1, ASK),
        BYE_FRAME,
        encode_agent_disconnect(AgentDisconnect(0, "normal")),
        UNKNOWN_FRAME,
        encode_frame(FrameType.UNSET, b""),
        b"\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_first_frame_that_is_no_hello(first: bytes) -> None:
    """Nothing is read before the HELLO; the refusal can be told, and that is the end."""
    connection = AgentConnection()
    error = refusal(connection, first)
    assert isinstance(error, InvalidFrameError | FrameTooBigError)
    bye = connection.disconnect(AgentDisconnect.because_of(error))
    assert decode_agent_disconnect(bye, 4, len(bye)).status_code == error.status_code
    assert connection.receive(HELLO_FRAME) == []


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (HELLO_FRAME, InvalidFrameError),
        (encode_frame(FrameType.AGENT_HELLO, b""), InvalidFrameError),
        (encode_frame(FrameType.AGENT_DISCONNECT, b""), InvalidFrameError),
        (encode_frame(FrameType.ACK, b""), InvalidFrameError),
        (encode_frame(FrameType.NOTIFY, b"\xff"), InvalidFrameError),
        (encode_frame(FrameType.HAPROXY_DISCONNECT, b""), InvalidFrameError),
        (b"\x00\x00\x00\x00", InvalidFrameError),
        (b"\x00\x00\x00\x01\x03", InvalidFrameError),
        (b"\x00\x00\x00\x06\x03\x00\x00\x00\x01\x00", InvalidFrameError),
        (encode_frame(FrameType.UNSET, b""), FragmentationError),
        (b"\x00\x00\x00\x07\x03\x00\x00\x00\x00\x01\x01", FragmentationError),
        (b"\x00\x00\x00\x07\x03\x00\x00\x00\x03\x01\x01", FragmentationError),
        (b"\x00\x00\x3f\xfd", FrameTooBigError),
        (b"\xff\xff\xff\xff", FrameTooBigError),
    ],
)
def test_refusals_after_the_hello(frame: bytes, error: type[SpopError]) -> None:
    """What has no place here is refused with its status; questions before it still count, nothing behind it does."""
    connection = after_hello()
    events = connection.receive(encode_notify(1, 1, ASK) + frame + encode_notify(2, 1, ASK))
    assert [type(event) for event in events] == [Notify, Refused]
    assert isinstance(events[1], Refused)
    assert type(events[1].error) is error
    assert connection.receive(encode_notify(3, 1, ASK)) == []


def test_a_hello_we_cannot_agree_to() -> None:
    """Another major version is refused, and AGENT-HELLO must not be sent."""
    connection = AgentConnection()
    offer = encode_haproxy_hello(HaproxyHello("3.0", 16_380, frozenset()))
    assert isinstance(refusal(connection, offer), UnsupportedVersionError)
    with pytest.raises(WrongStateError):
        connection.agent_hello()


def test_the_agreed_frame_size_counts_at_once() -> None:
    """Once 256 bytes are agreed, 257 are refused by their length alone, also in the same read as the HELLO."""
    small = encode_haproxy_hello(HaproxyHello("2.0", 256, frozenset()))
    for data in (
        small + b"\x00\x00\x01\x01",
        small + b"\x00\x00\x01\x00" + b"\x63" * 256 + b"\x00\x00\x01\x01",
    ):
        connection = AgentConnection()
        assert isinstance(refusal(connection, data), FrameTooBigError)
    connection = AgentConnection()
    assert len(connection.receive(small + b"\x00\x00\x01\x00" + b"\x63" * 256)) == 1


def test_our_own_limit_counts_before_the_hello() -> None:
    """A first frame over our own limit is refused by its length alone."""
    connection = AgentConnection(Limits(max_frame_size=300))
    assert connection.receive(b"\x00\x00\x01\x2c") == []
    assert isinstance(
        refusal(AgentConnection(Limits(max_frame_size=300)), b"\x00\x00\x01\x2d"), FrameTooBigError
    )


# --- what we may send


def test_what_may_not_be_sent() -> None:
    """ACK needs AGENT-HELLO, AGENT-HELLO needs a HELLO and comes once, and nothing comes after DISCONNECT."""
    asked = question(encode_notify(1, 1, ASK), after_hello())
    connection = AgentConnection()
    for send in (connection.agent_hello, lambda: connection.ack(asked)):
        with pytest.raises(WrongStateError):
            send()
    connection.receive(HELLO_FRAME)
    with pytest.raises(WrongStateError):
        connection.ack(asked)
    connection.agent_hello()
    with pytest.raises(WrongStateError):
        connection.agent_hello()
    connection.ack(asked)
    connection.disconnect()
    for send in (connection.agent_hello, lambda: connection.ack(asked), connection.disconnect):
        with pytest.raises(WrongStateError):
            send()


def test_reading_may_run_ahead_of_writing() -> None:
    """HELLO, question and DISCONNECT in one read: each can still be answered in its turn."""
    connection = AgentConnection()
    hello, asked, bye = connection.receive(HELLO_FRAME + encode_notify(1, 1, ASK) + BYE_FRAME)
    assert isinstance(hello, Hello)
    assert isinstance(asked, Notify)
    assert isinstance(bye, Disconnected)
    connection.agent_hello()
    connection.ack(asked)
    connection.disconnect()


def test_an_answer_prepared_before() -> None:
    """Bytes of `encode_actions` are sent as the actions themselves would be; no actions are an answer, too."""
    connection = after_hello()
    asked = question(encode_notify(1, 1, ASK), connection)
    assert connection.ack(asked, encode_actions([ALLOW])) == connection.ack(asked, iter([ALLOW]))
    nothing = connection.ack(asked)
    assert decode_ack(nothing, 4, len(nothing)).actions == ()


def test_an_ack_over_the_frame_size() -> None:
    """An ACK over the agreed size is refused before it is sent; one of just that size is not."""
    connection = AgentConnection()
    connection.receive(encode_haproxy_hello(HaproxyHello("2.0", 300, frozenset())))
    connection.agent_hello()
    asked = question(encode_notify(1, 1, ()), connection)
    head = len(connection.ack(asked)) - 4
    assert len(connection.ack(asked, b"x" * (300 - head))) == 304
    with pytest.raises(UnencodableError):
        connection.ack(asked, b"x" * (301 - head))


# --- any cut of the stream


@given(
    st.lists(notify_frames | st.sampled_from([UNKNOWN_FRAME, BYE_FRAME, b"\x00\x00\x00\x00"]), max_size=4),
    st.binary(max_size=12),
    cuts,
)
def test_every_cut_says_the_same(frames: list[bytes], tail: bytes, where: list[int]) -> None:
    """Whole, byte by byte, in any pieces and with a tail behind: the events are the same."""
    stream = HELLO_FRAME + b"".join(frames) + tail
    whole = comparable(fed_whole(AgentConnection(), stream))
    assert comparable(fed_byte_by_byte(AgentConnection(), stream)) == whole
    assert comparable(fed_in_pieces(AgentConnection(), stream, where)) == whole


def test_nothing_is_read_after_our_goodbye() -> None:
    """Once we said DISCONNECT, what the peer still sends is dropped (3.2.9: we close the socket right after)."""
    connection = after_hello()
    half = encode_notify(1, 1, ASK)
    connection.receive(half[:9])
    connection.disconnect()
    assert connection.receive(half[9:] + encode_notify(2, 1, ASK)) == []


def test_what_is_kept() -> None:
    """One unfinished frame is kept and no more; after the end nothing is kept at all."""
    connection = after_hello()
    frame = encode_notify(1, 1, (Message("ask", {"cred": "x" * 10_000}),))
    connection.receive(frame * 3 + frame[:-1])
    assert len(connection._unfinished) == len(frame) - 1
    connection.receive(frame[-1:])
    assert len(connection._unfinished) == 0
    connection.receive(BYE_FRAME[:-1])
    connection.receive(BYE_FRAME[-1:] + b"x" * 5000)
    connection.receive(b"x" * 5000)
    assert len(connection._unfinished) == 0


class Counting(AgentConnection):
    """Counts how often the bytes kept are looked at."""

    looks = 0

    def _read_frames(self, data: bytes, events: list[Event]) -> int:
        self.looks += 1
        return super()._read_frames(data, events)


def test_an_unfinished_frame_is_left_alone() -> None:
    """Byte by byte, a frame is looked at for its first byte, its length and its end, and not each time in between."""
    connection = Counting()
    fed_byte_by_byte(connection, HELLO_FRAME)
    assert connection.looks == 3
    fed_byte_by_byte(connection, encode_notify(1, 1, ASK) * 5)
    assert connection.looks == 18


def seconds_to_feed(frames: int, size: int, piece: int) -> float:
    """Processor time to read so many frames of `size` bytes, `piece` bytes at a time."""
    stream = encode_notify(1, 1, (Message("ask", {"cred": "x" * size}),)) * frames
    connection = AgentConnection()
    connection.receive(encode_haproxy_hello(HaproxyHello("2.0", 65_532, frozenset())))
    begin = time.process_time()
    events = sum(len(connection.receive(stream[at : at + piece])) for at in range(0, len(stream), piece))
    spent = time.process_time() - begin
    assert events == frames
    return spent


@pytest.mark.parametrize(
    ("few", "many", "piece"),
    [
        ((1, 2_000), (1, 64_000), 1),
        ((100, 64), (3200, 64), 1),
        ((500, 200), (16_000, 200), 1 << 30),
        ((50, 16_000), (1600, 16_000), 24_000),
    ],
    ids=["one frame byte by byte", "small frames byte by byte", "all in one read", "cut frames"],
)
def test_linear_time(few: tuple[int, int], many: tuple[int, int], piece: int) -> None:
    """Thirty-two times the bytes cost about thirty-two times the time, and not the square of it (1,024 times)."""
    least = min(seconds_to_feed(*few, piece) for _ in range(5))
    most = min(seconds_to_feed(*many, piece) for _ in range(3))
    assert most < max(least, 0.0003) * 32 * 16
