"""What HAProxy asks: LIST-OF-MESSAGES, the payload of NOTIFY (SPOE.txt 3.2, 3.3).

    LIST-OF-MESSAGES : [ <MESSAGE-NAME> <NB-ARGS: 1 byte> <KV-LIST> ... ]

This is the hot path: it runs once for each question. So it reads the types HAProxy mostly sends in place, and mostly
does not test a position before it reads there. That is safe because the position only grows: whoever runs past the
frame stands behind `end` when the list is finished, and is refused then; whoever runs past the buffer gets an
IndexError, and is refused too. Only the lengths of strings are tested at once, so that a lie cannot make us copy more
than the frame.

Of a question, the credential is news; what stands behind it (the route, the listener, ...) came before, to the byte. So
the arguments behind the first are read once, and found again by their bytes (`Others`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sumun.spop.errors import InvalidFrameError, UnencodableError
from sumun.spop.limits import Limits
from sumun.spop.typed_data import (
    TRUE_FLAG,
    DataType,
    Value,
    decode_length_prefixed,
    decode_value,
    encode_text,
    encode_value,
    ipv4_address,
)
from sumun.spop.varint import ONE_BYTE, decode_varint

_BODILESS: Final[dict[int, Value]] = {
    DataType.NULL: None,
    DataType.BOOL: False,
    DataType.BOOL | TRUE_FLAG: True,
}
_INT64: Final = int(DataType.INT64)
_IPV4: Final = int(DataType.IPV4)
_STRING: Final = int(DataType.STRING)

_new_tuple: Final = tuple.__new__  # what Message(...) does, without its detour
_NAMES_KEPT: Final = 256  # names come from HAProxy's configuration: a dozen; a hostile peer may invent more
_OTHERS_KEPT: Final = (
    1024  # one for each route and listener, and those of a few requests that are like no other
)
_LONGEST_KEPT: Final = 512  # bytes
_TWO_OF_A_NAME: Final = "one of the {} arguments of a message has the name of another"


class Others(dict[str, Value]):
    """The arguments behind the first: one object for all messages in which they are the same to the byte.

    `reading` is for who reads them: what it made of them, so that it makes it once.
    """

    __slots__ = ("reading",)

    reading: object

    def __init__(self, args: Mapping[str, Value]) -> None:
        """Nobody has read them."""
        super().__init__(args)
        self.reading = None


class Arguments(Mapping[str, Value]):
    """The arguments of a message by name, in the order sent: the first, whose value is a text, and the others."""

    __slots__ = ("first", "first_name", "others")

    def __init__(self, first_name: str, first: str, others: Others) -> None:
        """`first_name` is not among `others`."""
        self.first_name = first_name
        self.first = first
        self.others = others

    def __getitem__(self, name: str) -> Value:
        """The value of this argument. Raises KeyError."""
        return self.first if name == self.first_name else self.others[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        yield self.first_name
        yield from self.others

    def __len__(self) -> int:
        """How many there are."""
        return 1 + len(self.others)


class Message(NamedTuple):
    """One message: its name, and its arguments by name in the order sent. A named tuple, as it is cheap to build."""

    name: str
    args: Mapping[str, Value]


class MessageReader:
    """Reads lists of messages under `limits`; remembers what comes again, so that it is decoded once."""

    __slots__ = ("_limits", "_names", "_others")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._names: dict[bytes, str] = {}
        self._others: dict[bytes, Others] = {}

    def decode_messages(self, data: bytes, position: int, end: int) -> tuple[Message, ...]:
        """The messages in `data[position:end]`.

        Raises InvalidFrameError on anything cut short or left over; on more messages or arguments than `limits` allow;
        on a name that is too long, not UTF-8, or twice in one message (a mapping could hold only one of them).
        """
        messages: list[Message] = []
        try:
            while position < end:
                if len(messages) == self._limits.max_messages:
                    raise InvalidFrameError(f"more than {self._limits.max_messages} messages in one NOTIFY")
                stop = position + 1 + data[position]
                name = self._names.get(data[position + 1 : stop])
                if name is None:
                    name, stop = self._read_name(data, position, end)
                args, position = self._read_args(data, stop + 1, end, data[stop])
                messages.append(_new_tuple(Message, (name, args)))
        except IndexError:
            raise InvalidFrameError("the list of messages is cut short") from None
        if position != end:
            raise InvalidFrameError("the last message runs past the end of its frame")
        return tuple(messages)

    def _read_args(self, data: bytes, position: int, end: int, count: int) -> tuple[Mapping[str, Value], int]:
        """As `_decode_args`, but what stands behind the first argument, if that is a text, may be remembered."""
        if count > self._limits.max_args:
            raise InvalidFrameError(f"a message has {count} arguments; {self._limits.max_args} are allowed")
        if not count:
            return {}, position
        stop = position + 1 + data[position]
        name = self._names.get(data[position + 1 : stop])
        if count == 1 or name is None or data[stop] != _STRING:
            return self._decode_args(data, position, end, count)
        size, start = data[stop + 1], stop + 2
        if size >= ONE_BYTE:
            size, start = decode_varint(data, stop + 1, end)
        stop = start + size
        if stop > end:
            raise InvalidFrameError(f"the text at byte {start} is cut short")
        raw = data[stop:end]
        others = self._others.get(raw)
        if others is None or len(others) != count - 1:
            args, position = self._decode_args(data, stop, end, count - 1)
            others = Others(args)
            if position == end and len(raw) <= _LONGEST_KEPT:
                self._remember(raw, others)
        else:
            position = end
        if name in others:
            raise InvalidFrameError(_TWO_OF_A_NAME.format(count))
        return Arguments(name, data[start:stop].decode("utf-8", "surrogateescape"), others), position

    def _remember(self, raw: bytes, others: Others) -> None:
        if len(self._others) >= _OTHERS_KEPT:
            self._others.clear()
        self._others[raw] = others

    def _decode_args(self, data: bytes, position: int, end: int, count: int) -> tuple[dict[str, Value], int]:
        """`count` arguments from `position` on, and the position behind them. The caller tests that position."""
        names = self._names
        args: dict[str, Value] = {}
        for _ in range(count):
            stop = position + 1 + data[position]
            name = names.get(data[position + 1 : stop])
            if name is None:
                name, stop = self._read_name(data, position, end)
            data_type = data[stop]
            position = stop + 1
            if data_type == _STRING:
                size = data[position]
                position += 1
                if size >= ONE_BYTE:
                    size, position = decode_varint(data, position - 1, end)
                stop = position + size
                if stop > end:
                    raise InvalidFrameError(f"the text at byte {position} is cut short")
                args[name] = data[position:stop].decode("utf-8", "surrogateescape")
                position = stop
            elif data_type == _INT64 and data[position] < ONE_BYTE:
                args[name] = data[position]
                position += 1
            elif data_type == _IPV4:
                stop = position + 4
                if stop > end:
                    raise InvalidFrameError(f"the IPV4 address at byte {position} is cut short")
                args[name] = ipv4_address(data[position:stop])
                position = stop
            elif data_type in _BODILESS:
                args[name] = _BODILESS[data_type]
            else:
                args[name], position = decode_value(data, stop, end)
        if len(args) != count:
            raise InvalidFrameError(_TWO_OF_A_NAME.format(count))
        return args, position

    def _read_name(self, data: bytes, position: int, end: int) -> tuple[str, int]:
        """A name not seen before, and the position behind it."""
        raw, stop = decode_length_prefixed(data, position, end)
        if len(raw) > self._limits.max_name_bytes:
            raise InvalidFrameError(f"a name has {len(raw)} bytes; {self._limits.max_name_bytes} are allowed")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidFrameError(f"the name at byte {position} is not UTF-8") from None
        if len(self._names) < _NAMES_KEPT:
            self._names[raw] = name
        return name, stop


def encode_messages(messages: tuple[Message, ...]) -> bytes:
    """The payload of a NOTIFY, as HAProxy would send it. Raises UnencodableError on more than 255 arguments
    and on what `encode_value` refuses.
    """
    parts: list[bytes] = []
    for name, args in messages:
        if len(args) > 255:
            raise UnencodableError(f"a message has {len(args)} arguments; one byte counts up to 255")
        parts += (encode_text(name), bytes((len(args),)))
        for arg_name, value in args.items():
            parts += (encode_text(arg_name), encode_value(value))
    return b"".join(parts)
