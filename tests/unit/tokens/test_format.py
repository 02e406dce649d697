"""src/sumun/tokens/format.py"""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sumun.tokens import format as token_format

TOKEN = token_format.make("smn_at_", bytes(range(32)))


def test_looks_as_documented() -> None:
    """Prefix, 43 base62 characters, 6 of checksum."""
    assert re.fullmatch(r"smn_at_[0-9A-Za-z]{49}", token_format.new())
    assert re.fullmatch(r"smn_rt_[0-9A-Za-z]{49}", token_format.new("smn_rt_"))


def test_spelling_never_changes() -> None:
    """The same random bytes are the same token in every version, or issued tokens would die with an upgrade."""
    assert TOKEN == "smn_at_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf420odU"


@given(st.binary(min_size=32, max_size=32))
@example(b"\0" * 32)
@example(b"\xff" * 32)
def test_every_token_is_wellformed(random: bytes) -> None:
    """What we make passes our own check, and keeps all 256 bits."""
    token = token_format.make("smn_at_", random)
    assert token_format.is_wellformed(token)
    assert token_format.is_wellformed(token, "smn_at_")
    assert not token_format.is_wellformed(token, "smn_rt_")
    number = 0
    for character in token[7:50]:
        number = number * 62 + token_format._ALPHABET.index(character)
    assert number.to_bytes(32) == random


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_one_wrong_character_is_seen(place: int, character: str) -> None:
    """A typing error never reaches the store."""
    wrong = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert token_format.is_wellformed(wrong) is (wrong == TOKEN)


@given(st.text())
@example("smn_at_")
@example(TOKEN + "\n")
@example(TOKEN[:-1])
@example(TOKEN + "0")
@example(TOKEN.replace("0", "０"))
def test_anything_else_is_not(text: str) -> None:
    """Any other text is refused, without an exception."""
    assert token_format.is_wellformed(text) is False


@given(st.text(st.characters()))
def test_digest_never_fails(text: str) -> None:
    """Whatever a client sends has a digest of 32 bytes."""
    assert len(token_format.digest(text)) == 32


def test_digest_is_sha256() -> None:
    """So that what is stored can be checked with any tool."""
    assert token_format.digest("abc") == hashlib.sha256(b"abc").digest()


@pytest.mark.parametrize("prefix", ["", "smn_", "at_", "smn_AT_", "smn_at", "smn_at_x"])
def test_refuses_another_prefix(prefix: str) -> None:
    """A prefix that scanners would not know is a mistake of ours."""
    with pytest.raises(ValueError, match="prefix"):
        token_format.new(prefix)


def test_refuses_fewer_random_bytes() -> None:
    """Nobody makes a weaker token by accident."""
    with pytest.raises(ValueError, match="32"):
        token_format.make("smn_at_", b"x" * 31)
    with pytest.raises(ValueError, match="16"):
        token_format.opaque_id(b"")


def test_handles_tell_their_kind() -> None:
    """An opaque token's handle and a JWT's never look alike."""
    assert token_format.is_opaque_id(token_format.opaque_id(bytes(16)))
    assert not token_format.is_opaque_id(token_format.jwt_id(bytes(16)))
    assert re.fullmatch(r"tid_[0-9A-Za-z]{22}", token_format.opaque_id(b"\xff" * 16))
