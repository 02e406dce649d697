"""src/sumun/tokens/base64url.py and strict_json.py: one meaning, one spelling."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.tokens import base64url
from sumun.tokens.strict_json import parse_object


@given(st.binary(max_size=100))
def test_base64url_comes_back(data: bytes) -> None:
    """What is encoded is decoded to the same bytes."""
    assert base64url.decode(base64url.encode(data)) == data


@given(st.text(max_size=40))
def test_base64url_has_one_spelling(text: str) -> None:
    """Whatever is accepted is the one spelling of its bytes."""
    data = base64url.decode(text)
    assert data is None or base64url.encode(data) == text


@pytest.mark.parametrize(
    "text", ["A", "QQ==", "QR", "Q Q", "Q\n", "+_8A", "a/b0", "QUI=", "ＡＡ", "AAA.", "Q"]
)
def test_base64url_refuses(text: str) -> None:
    """Padding, spaces, the other alphabet, impossible lengths and loose trailing bits are refused."""
    assert base64url.decode(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '"x"',
        "null",
        "{",
        '{"a":1}x',
        '{"a":1}{"a":1}',
        '{"a":1,"a":1}',
        '{"b":{"a":1,"a":2}}',
        '{"a":1.0}',
        '{"a":1e3}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":123456789012345678}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":' + "[" * 200 + "]" * 200 + "}",
        '{"a":' + "[" * 5000 + "]" * 5000 + "}",
        "{'a':1}",
        '{"a":1,}',
        '{"a":"\x01"}',
        '{"a":"\\ud800"}',
        '{"\\uDFFF":1}',
        '{"a":[{"b":"x\\udc00\\ud800"}]}',
        "\ufeff{}",
    ],
    ids=lambda text: text[:20],
)
def test_json_refuses(text: str) -> None:
    """Whatever two parsers could understand differently is no object."""
    assert parse_object(text.encode()) is None


@pytest.mark.parametrize(
    "data", [b'{"a":"\xff"}', '{"a":1}'.encode("utf-16"), b"\0{}", b'{"a":"\xed\xa0\x80"}']
)
def test_json_is_utf8(data: bytes) -> None:
    """Another encoding is no object."""
    assert parse_object(data) is None


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
            lambda inner: st.lists(inner, max_size=3),
        ),
        max_size=5,
    )
)
def test_json_accepts_what_is_plain(value: dict[str, object]) -> None:
    """Plain objects come back as they are."""
    assert parse_object(json.dumps(value, ensure_ascii=False).encode()) == value
