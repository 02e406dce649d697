"""Any string an operator can write goes through HAProxy's files unchanged, or is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sumun.haproxy.errors import UnquotableError
from sumun.haproxy.quoting import LONGEST_TEXT, map_field, map_key, map_value, name, regex, word
from tests.unit.haproxy.haproxy_words import map_row, words

anything = st.one_of(
    st.text(max_size=60), st.text(alphabet="'\"\\$#{}[]()%|, \t\nab~*;=", max_size=20), st.characters()
)


def quoted(quote: Callable[[str], str], text: str) -> str | None:
    """What stands in the file, or None when the text was refused."""
    try:
        return quote(text)
    except UnquotableError:
        return None


@given(anything)
@example("")
@example('it\'s $HOME \\ "x" #no')
@example("'")
@example("a\nglobal")
def test_word(text: str) -> None:
    """A word is read back as it was, in the middle of a line, or is refused; it never ends its line."""
    inside = quoted(word, text)
    if inside is not None:
        assert "\n" not in inside
        assert "\r" not in inside
        assert words(f"server {inside} check") == ["server", text, "check"]


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=100))
def test_printable_words_are_never_refused(text: str) -> None:
    """No printable ASCII text is refused as a word."""
    assert words(word(text)) == [text]


@given(anything, anything)
@example("#a", "b")
@example("a b", "c")
def test_map_row(key: str, value: str) -> None:
    """A key and a value are read back as they were, or are refused."""
    left, right = quoted(map_key, key), quoted(map_value, value)
    if left is not None and right is not None:
        row = f"{left} {right}"
        assert "\n" not in row
        assert map_row(row) == (key, value)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "\x7f", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize("quote", [word, map_key, map_value, map_field, name])
def test_control_characters(quote: Callable[[str], str], text: str) -> None:
    """Control characters, line separators and lone surrogates are refused everywhere."""
    with pytest.raises(UnquotableError):
        quote(text)


def test_names() -> None:
    """Names are letters, digits and four signs; nothing else is repaired into one."""
    assert name("ask.shop-1_a:b") == "ask.shop-1_a:b"
    for bad in ("", "a b", "김", "a/b", "a'b", "x" * 201):
        with pytest.raises(UnquotableError):
            name(bad)


def test_fields() -> None:
    """A field of a value that holds several does not hold what separates them."""
    assert map_field("a;b c") == "a;b c"
    with pytest.raises(UnquotableError, match="separates"):
        map_field("a|b")


def test_too_long() -> None:
    """What would not fit in a line of HAProxy's is refused, counted in bytes."""
    assert word("x" * LONGEST_TEXT)
    with pytest.raises(UnquotableError):
        word("가" * LONGEST_TEXT)


def test_expressions() -> None:
    """A regular expression of ours is one word, or a mistake of ours."""
    assert words(regex(r"^[a-z]+ \x27$")) == [r"^[a-z]+ \x27$"]
    with pytest.raises(UnquotableError):
        regex("it's")
