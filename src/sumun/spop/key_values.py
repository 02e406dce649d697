"""KV-LIST: the payload of HELLO and DISCONNECT frames (SPOE.txt 3.2).

    KV-LIST : [ <KV-NAME: STRING without its type byte> <KV-VALUE: TYPED-DATA> ... ]

Keys come in any order, and a key that is not known is skipped.
"""

from __future__ import annotations

from typing import Final, TypeVar

from sumun.spop.errors import InvalidFrameError
from sumun.spop.typed_data import Value, decode_length_prefixed, decode_value, encode_text

MAX_KEYS: Final = 32
"""Keys in one list. HAProxy sends at most five. Unknown ones are to be skipped, so there has to be an end."""

Kind = TypeVar("Kind", str, int, bool)


class KeyValues:
    """A KV-LIST that was read: ask it for a key and the type the key must have."""

    __slots__ = ("_items",)

    def __init__(self, data: bytes, position: int, end: int) -> None:
        """Read the list in `data[position:end]`, unknown keys too.

        Raises InvalidFrameError when it is cut short, or has an empty key, a key twice, or more than MAX_KEYS.
        """
        self._items: dict[str, Value] = {}
        while position < end:
            raw, position = decode_length_prefixed(data, position, end)
            key = raw.decode("utf-8", "surrogateescape")
            if not key or key in self._items:
                raise InvalidFrameError(f"the key that ends before byte {position} is empty or a repetition")
            if len(self._items) == MAX_KEYS:
                raise InvalidFrameError(f"more than {MAX_KEYS} keys in one frame")
            self._items[key], position = decode_value(data, position, end)

    def get(self, key: str, kind: type[Kind]) -> Kind | None:
        """The value under `key`, None when there is no such key. Raises InvalidFrameError for a value of another type.

        `int` stands for all four integer types, as in HAProxy, which tells them apart nowhere.
        """
        if key not in self._items:
            return None
        value = self._items[key]
        if type(value) is not kind:
            raise InvalidFrameError(f'"{key}" must be of type {kind.__name__}')
        return value


def encode_key_values(*items: tuple[str, bytes]) -> bytes:
    """The list of these keys and encoded values. Raises UnencodableError as `encode_text` does."""
    return b"".join(encode_text(key) + encoded_value for key, encoded_value in items)
