"""src/sumun/oauth/device/user_codes.py: what people read off one screen and type into another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.oauth.device.user_codes import LETTERS, new_user_code, read_user_code, shown


def test_no_letter_is_mistaken_for_another() -> None:
    """No vowel, so no word comes of it, and nothing that looks like a digit."""
    assert len(set(LETTERS)) == 20
    assert not set(LETTERS) & set("AEIOUY0123456789")


@given(st.data())
def test_what_is_shown_is_read_again(data: st.DataObject) -> None:
    """However people type what they see, it is the same code."""
    code = new_user_code(lambda letters: data.draw(st.sampled_from(letters)))
    between = st.sampled_from(["", " ", "-", "\u2011", "_", "\u00a0"])
    typed = "".join(
        data.draw(between) + (letter.lower() if data.draw(st.booleans()) else letter) for letter in code
    )
    assert read_user_code(shown(code)) == read_user_code(typed) == code


@pytest.mark.parametrize(
    "typed", ["", "WDJB", "WDJBMJHTX", "WDJB-MJH1", "WDJB-MJHA", "WDJB/MJHT", "-" * 33, "ſ" * 8]
)
def test_no_code(typed: str) -> None:
    """What cannot be a code is none, and no store is asked."""
    assert read_user_code(typed) is None


@given(st.text(max_size=40))
def test_anything(typed: str) -> None:
    """Whatever is typed is a code of eight letters, or none."""
    code = read_user_code(typed)
    assert code is None or (len(code) == 8 and set(code) <= set(LETTERS))
