"""Lists of messages: what HAProxy asks."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import Arguments, Limits, Message, Value
from sumun.spop.errors import InvalidFrameError, UnencodableError
from sumun.spop.messages import MessageReader, encode_messages
from sumun.spop.typed_data import DataType, encode_integer, encode_text, encode_value
from tests.unit.spop.values import message_lists


def read(data: bytes, limits: Limits | None = None) -> tuple[Message, ...]:
    """The messages of a payload that is all of `data`."""
    return MessageReader(limits or Limits()).decode_messages(data, 0, len(data))


@given(message_lists, st.binary(max_size=3), st.binary(max_size=30))
def test_round_trip(messages: tuple[Message, ...], before: bytes, behind: bytes) -> None:
    """Every list comes back, types and order of arguments included, whatever stands around it, twice in a row."""
    payload = encode_messages(messages)
    data = before + payload + behind
    reader = MessageReader(Limits())
    for _ in range(2):  # the second time the names are known
        found = reader.decode_messages(data, len(before), len(before) + len(payload))
        assert found == messages
        assert [list(m.args.items()) for m in found] == [list(m.args.items()) for m in messages]
        assert [[type(v) for v in m.args.values()] for m in found] == [
            [type(v) for v in m.args.values()] for m in messages
        ]


@given(message_lists.filter(bool), st.data())
def test_cut_short(messages: tuple[Message, ...], data: st.DataObject) -> None:
    """A list cut anywhere but between two messages is refused, also when the buffer goes on behind the frame."""
    payload = encode_messages(messages)
    whole = {len(encode_messages(messages[:count])) for count in range(len(messages) + 1)}
    end = data.draw(st.integers(0, len(payload) - 1))
    reader = MessageReader(Limits())
    reader.decode_messages(
        payload, 0, len(payload)
    )  # so that the names are known, and the quick way is taken
    for buffer in (payload, payload[:end]):
        if end in whole:
            assert reader.decode_messages(buffer, 0, end) == messages[: sorted(whole).index(end)]
        else:
            with pytest.raises(InvalidFrameError):
                reader.decode_messages(buffer, 0, end)


@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are messages or a refusal, never another error."""
    try:
        messages = read(data)
    except InvalidFrameError:
        return
    assert all(isinstance(message, Message) for message in messages)


@pytest.mark.parametrize(
    "value",
    [
        0,
        239,
        240,
        2**63 - 1,
        -1,
        True,
        False,
        None,
        "x" * 239,
        "x" * 240,
        "x" * 3000,
        b"x",
        IPv4Address("10.0.0.1"),
    ],
)
def test_every_branch_of_the_quick_way(value: Value) -> None:
    """Types that are read in place and types that are not give the same values."""
    payload = encode_messages((Message("ask", {"a": value, "b": "behind"}),))
    (message,) = read(payload)
    assert message.args == {"a": value, "b": "behind"}
    assert type(message.args["a"]) is type(value)
    reader = MessageReader(Limits())
    for end in [
        *range(1, min(len(payload), 60)),
        len(payload) - 1,
    ]:  # cut in every place, at the end of the buffer and not
        for buffer in (payload[:end], payload):
            with pytest.raises(InvalidFrameError):
                reader.decode_messages(buffer, 0, end)


@pytest.mark.parametrize("data_type", [DataType.INT32, DataType.UINT32, DataType.UINT64])
def test_integers_haproxy_could_send(data_type: DataType) -> None:
    """HAProxy sends INT64 only, but the other integers are understood."""
    payload = encode_text("ask") + b"\x01" + encode_text("n") + encode_integer(7, data_type)
    assert read(payload) == (Message("ask", {"n": 7}),)


def test_no_messages() -> None:
    """An empty list is a list: the conditions of all messages may have been false."""
    assert read(b"") == ()


def test_a_name_twice() -> None:
    """Two arguments of one name are refused: a mapping could hold only one of them."""
    argument = encode_text("a") + encode_value("x")
    with pytest.raises(InvalidFrameError, match="name of another"):
        read(encode_text("ask") + b"\x02" + argument + argument)


def test_limits() -> None:
    """One message, one argument, one byte of name more than allowed is refused; exactly as many is not."""
    limits = Limits(max_messages=2, max_args=2, max_name_bytes=3)
    fits = Message("abc", {"abc": 1, "b": 2})
    assert read(encode_messages((fits, fits)), limits) == (fits, fits)
    for messages in (
        (fits, fits, Message("c", {})),
        (Message("m", {"a": 1, "b": 2, "c": 3}),),
        (Message("abcd", {}),),
        (Message("m", {"abcd": 1}),),
    ):
        with pytest.raises(InvalidFrameError):
            read(encode_messages(messages), limits)


def test_a_name_that_is_not_utf8() -> None:
    """Names come from HAProxy's configuration, so one that is not UTF-8 is refused, unlike a value."""
    with pytest.raises(InvalidFrameError, match="UTF-8"):
        read(b"\x01\xff\x00")


def test_a_length_that_lies() -> None:
    """A text that claims more than its frame is refused before it is copied, though the buffer has that much."""
    for count in (b"\x01", b"\x02"):
        payload = encode_text("ask") + count + encode_text("a") + b"\x08\xef" + b"x" * 10
        reader = MessageReader(Limits())
        for _ in range(2):  # the second time the name is known
            with pytest.raises(InvalidFrameError, match="cut short"):
                reader.decode_messages(payload + b"y" * 1000, 0, len(payload))


def test_remembered_names_are_bounded() -> None:
    """A peer that invents names makes us remember 256 of them and no more."""
    reader = MessageReader(Limits())
    for number in range(400):
        payload = encode_messages((Message(f"message{number}", {}),))
        assert reader.decode_messages(payload, 0, len(payload))[0].name == f"message{number}"
    assert len(reader._names) == 256


def test_too_many_arguments_to_encode() -> None:
    """One byte counts the arguments, so 256 of them cannot be sent."""
    with pytest.raises(UnencodableError):
        encode_messages((Message("m", {str(number): None for number in range(256)}),))


@given(st.lists(message_lists, min_size=2, max_size=4))
def test_what_was_read_before_changes_nothing(lists: list[tuple[Message, ...]]) -> None:
    """A reader that remembers other lists, and these, reads what a new one reads."""
    reader = MessageReader(Limits())
    for _ in range(3):
        for messages in lists:
            payload = encode_messages(messages)
            assert reader.decode_messages(payload, 0, len(payload)) == read(payload) == messages


def test_arguments_behind_the_first_are_read_once() -> None:
    """They are one object for all messages in which they are the same to the byte, and for no others."""
    reader = MessageReader(Limits())

    def args(**of: Value) -> Arguments:
        payload = encode_messages((Message("ask", of),))
        for _ in range(2):  # the second time its names are known
            (message,) = reader.decode_messages(payload, 0, len(payload))
        assert isinstance(message.args, Arguments)
        return message.args

    alice, bob, other = (args(cred=cred, route=route) for cred, route in (("a", "x"), ("b", "x"), ("b", "y")))
    assert (alice.first, bob.first, dict(other)) == ("a", "b", {"cred": "b", "route": "y"})
    assert alice.others is bob.others is not other.others
    assert args(cred="x", kept=None).others is not args(cred="x", kept=None, span=None).others


def test_a_name_twice_behind_what_is_remembered() -> None:
    """The first argument must not have the name of one that is remembered."""
    reader = MessageReader(Limits())
    first, second = (encode_text(name) + encode_value("x") for name in "ab")
    for one, two in ((first, second), (second, first)):
        payload = encode_text("ask") + b"\x02" + one + two
        for _ in range(2):
            reader.decode_messages(payload, 0, len(payload))
    for twice in (first + first, second + second):
        payload = encode_text("ask") + b"\x02" + twice
        with pytest.raises(InvalidFrameError, match="name of another"):
            reader.decode_messages(payload, 0, len(payload))


def test_remembered_arguments_are_bounded() -> None:
    """A peer that asks what nobody asked before makes us remember a thousand runs of arguments, and none that is long."""
    reader = MessageReader(Limits())
    for number in range(3000):
        payload = encode_messages((Message("ask", {"cred": "x", "stream": str(number)}),))
        (message,) = reader.decode_messages(payload, 0, len(payload))
        assert message.args["stream"] == str(number)
        assert len(reader._others) <= 1024
    for name in ("cred", "stream"):
        payload = encode_messages((Message("ask", {name: "x", "other": "y" * 2000}),))
        for _ in range(2):
            reader.decode_messages(payload, 0, len(payload))
    assert max(map(len, reader._others)) <= 512
