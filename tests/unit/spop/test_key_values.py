"""KV-LISTs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import Value
from sumun.spop.errors import InvalidFrameError
from sumun.spop.key_values import MAX_KEYS, KeyValues, encode_key_values
from sumun.spop.typed_data import encode_text, encode_value
from tests.unit.spop.values import values


@given(st.dictionaries(st.text(min_size=1, max_size=10), values, max_size=MAX_KEYS))
def test_round_trip(items: dict[str, Value]) -> None:
    """Every key has its value, asked for by its own type."""
    data = encode_key_values(*((key, encode_value(value)) for key, value in items.items()))
    found = KeyValues(data, 0, len(data))
    for key, value in items.items():
        if isinstance(value, str | int):
            assert found.get(key, type(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a list or a refusal, never another error."""
    try:
        KeyValues(data, 0, len(data))
    except InvalidFrameError:
        return


def test_types() -> None:
    """A value of another type than asked for is refused; a boolean is no integer; a missing key is None."""
    data = encode_key_values(("t", encode_value("x")), ("n", encode_value(1)), ("b", encode_value(True)))
    items = KeyValues(data, 0, len(data))
    assert items.get("nothing", str) is None
    for key, kind in (("t", int), ("n", bool), ("b", int), ("n", str)):
        with pytest.raises(InvalidFrameError, match=f'"{key}" must be of type {kind.__name__}'):
            items.get(key, kind)


@pytest.mark.parametrize("keys", [[""], ["a", "a"], [str(number) for number in range(MAX_KEYS + 1)]])
def test_keys_that_are_refused(keys: list[str]) -> None:
    """An empty key, a key twice and too many keys are refused."""
    data = b"".join(encode_text(key) + encode_value(1) for key in keys)
    with pytest.raises(InvalidFrameError):
        KeyValues(data, 0, len(data))
