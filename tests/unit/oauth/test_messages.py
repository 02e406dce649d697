"""Form bodies are read strictly, and nothing doubtful is guessed at."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.oauth.errors import BodyTooLargeError, InvalidRequestError, UnsupportedMediaTypeError
from sumun.oauth.messages import MAX_BODY_BYTES, MAX_PARAMETERS, read_form

FORM = (b"application/x-www-form-urlencoded",)
# RFC 6749 Appendix A, UNICODECHARNOCRLF: what a user name or password may hold.
TEXT = st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters="".join(map(chr, [*range(9), *range(10, 32), 127]))
    ),
    min_size=1,
    max_size=40,
).filter(lambda text: not {"\ufffe", "\uffff"} & set(text))


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&", {"a": "1"}),
        (b"&a=1&&b=2&", {"a": "1", "b": "2"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=x+y%20z%2B", {"a": "x y z+"}),
        (b"a=%ed%95%9C%EA%b8%80", {"a": "한글"}),
        ("a=한글".encode(), {"a": "한글"}),
        (b"%61=1", {"a": "1"}),
        (b"a=%26%3D", {"a": "&="}),
        (b"a=%09", {"a": "\t"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_read(body: bytes, form: dict[str, str]) -> None:
    """Names and values are form-urlencoded UTF-8."""
    assert read_form(FORM, body) == form


@pytest.mark.parametrize("body", [b"a", b"a=", b"a=&b="])
def test_without_a_value(body: bytes) -> None:
    """A parameter without a value is as if it had been left out (RFC 6749 3.2)."""
    assert read_form(FORM, body) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=1",
        b"a=1&a=2",
        b"a=&a=2",
        b"a&a",
        b"a=1&%61=1",
        b"=1",
        b"=",
        b"a=%",
        b"a=%1",
        b"a=%zz",
        b"%=1",
        b"a=%00",
        b"a=\x00",
        b"a=%0a",
        b"a=%0D",
        b"a=%7F",
        b"a=%1b",
        b"a\n=1",
        b"a=%ff",
        b"a=\xff",
        b"a=%C0%AF",
        b"a=%ED%A0%80",
        b"a=%F4%90%80%80",
        b"a=%EF%BF%BF",
        b"%ff=1",
    ],
)
def test_refused(body: bytes) -> None:
    """Repeated names, names that are empty, bad percent signs, bad UTF-8 and control characters are refused."""
    with pytest.raises(InvalidRequestError) as error:
        read_form(FORM, body)
    assert type(error.value) is InvalidRequestError


@pytest.mark.parametrize(
    "content_types",
    [
        (),
        (b"",),
        (b"application/json",),
        (b"application/x-www-form-urlencoded2",),
        (b"application/x-www-form-urlencoded; charset=euc-kr",),
        (b"application/x-www-form-urlencoded; charset=utf-8; charset=utf-8",),
        (b"application/x-www-form-urlencoded; boundary=x",),
        (b"application/x-www-form-urlencoded, text/plain",),
        (b"application/x-www-form-urlencoded\n",),
        (*FORM, *FORM),
    ],
)
def test_media_types_refused(content_types: tuple[bytes, ...]) -> None:
    """There is exactly one Content-Type, and it is form-urlencoded in UTF-8."""
    with pytest.raises(UnsupportedMediaTypeError):
        read_form(content_types, b"a=1")


@pytest.mark.parametrize(
    "content_type",
    [
        b"Application/X-WWW-Form-urlencoded",
        b"application/x-www-form-urlencoded;charset=UTF-8",
        b'application/x-www-form-urlencoded ; charset="utf-8"',
    ],
)
def test_media_types_taken(content_type: bytes) -> None:
    """Case does not matter, and a charset of UTF-8 may be said."""
    assert read_form((content_type,), b"a=1") == {"a": "1"}


def test_sizes() -> None:
    """The limits are exact."""
    largest = b"a=" + b"x" * (MAX_BODY_BYTES - 2)
    assert len(read_form(FORM, largest)["a"]) == MAX_BODY_BYTES - 2
    with pytest.raises(BodyTooLargeError):
        read_form(FORM, largest + b"x")
    most = "&".join(f"p{number}=1" for number in range(MAX_PARAMETERS)).encode()
    assert len(read_form(FORM, most)) == MAX_PARAMETERS
    with pytest.raises(InvalidRequestError):
        read_form(FORM, most + b"&q=1")


@given(st.dictionaries(TEXT, TEXT, max_size=20))
def test_round_trip(form: dict[str, str]) -> None:
    """Whatever an honest client encodes is read back."""
    assert read_form(FORM, urlencode(form).encode()) == form


@given(st.binary(max_size=300))
def test_anything(body: bytes) -> None:
    """Any bytes are a form or a refusal; a form holds neither empty texts nor control characters."""
    try:
        form = read_form(FORM, body)
    except InvalidRequestError:
        return
    for text in (*form.keys(), *form.values()):
        assert text
        assert not any(ord(letter) < 32 and letter != "\t" for letter in text)
    assert read_form(FORM, urlencode(form).encode()) == form
