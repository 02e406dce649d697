"""User codes (RFC 8628 6.1): eight letters that a person reads off one screen and types into another. Pure.

Twenty consonants: none looks like a digit, no word comes of them, and every keyboard and remote control has them.
20^8 = 2^34.6 codes are enough because each lives for minutes and guesses are few (`endpoints.device`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
# Between the letters people type what they see, or what their keyboard makes of it.
_PUNCTUATION: Final = " -_.\u00a0\u2010\u2011\u2012\u2013\u2014"
LONGEST_TYPED: Final = 32
"""Characters; more is no code."""


def new_user_code(choose: Callable[[str], str] = secrets.choice) -> str:
    """Eight letters, in the form that is kept."""
    return "".join(choose(LETTERS) for _ in range(LENGTH))


def shown(user_code: str) -> str:
    """`WDJBMJHT` as people read it: `WDJB-MJHT`."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def read_user_code(typed: str) -> str | None:
    """What was typed, in the form that is kept; None: it is no code.

    RFC 8628 6.1: case does not matter, and what stands between the letters is stripped.
    """
    if len(typed) > LONGEST_TYPED:
        return None
    code = "".join(letter for letter in typed if letter not in _PUNCTUATION)
    if len(code) != LENGTH or not code.isascii():  # the upper case of some other signs is a letter of ours
        return None
    return code.upper() if all(letter in LETTERS for letter in code.upper()) else None
