"""The only way a string enters a HAProxy file.

HAProxy's own rules (configuration manual 2.2, "Quoting and escaping"; 7.3.1 for map files):

- A line of haproxy.cfg is cut into words at spaces and tabs. Inside '...' every character stands for itself, and
  nothing can stand for a single quote. Outside, a backslash takes the next character as it is. `#` begins a
  comment, `$` is an environment variable inside "...".
- A line of a map file is `key value`: leading blanks are skipped, a line that begins with `#` is a comment, the
  key ends at the first blank, the value is the rest without blanks around it.

Each function returns a text that HAProxy reads back as exactly what went in, or raises UnquotableError. Nothing
is repaired: a text that cannot be held is the operator's to change.
"""

from __future__ import annotations

import re
from typing import Final

from sumun.haproxy.errors import UnquotableError

_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_./:@,=+-]+")
# C0, DEL, C1, the line and paragraph separators, lone surrogates: none of them belongs in a configuration.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Configuration manual 2.1 and 4: letters, digits, '-', '_', '.' and ':'.
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]+")

LONGEST_NAME: Final = 200
"""Characters of a section's name. HAProxy sets no limit; logs and the statistics page want one."""

LONGEST_TEXT: Final = 1000
"""Bytes of any other text. HAProxy reads a line of at most 2048 bytes (LINESIZE), and the line holds more than
this.
"""


def word(text: str) -> str:
    """One word of haproxy.cfg that stands for `text`. Raises UnquotableError for control characters and overlong
    texts.

    Not for a log-format string: there `%` has a meaning of its own, and no operator's text enters one.
    """
    _refuse_unprintable(text)
    if _PLAIN_WORD.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def name(text: str) -> str:
    """The name of a section or a server. Raises UnquotableError unless it is letters, digits, `_`, `.`, `:` and
    `-`.
    """
    if not _NAME.fullmatch(text) or len(text) > LONGEST_NAME:
        raise UnquotableError(
            f"{text[:80]!r} cannot be a name in HAProxy's configuration; "
            f"1 to {LONGEST_NAME} letters, digits, '_', '.', ':' and '-' can"
        )
    return text


def map_key(text: str) -> str:
    """The key of a line of a map file. Raises UnquotableError for blanks, a leading `#`, or nothing at all."""
    _refuse_unprintable(text)
    if not text or text.startswith("#") or " " in text:
        raise UnquotableError(
            f"{text[:80]!r} cannot be a key of a map: no blanks, no '#' at its start, not empty"
        )
    return text


def map_value(text: str) -> str:
    """The value of a line of a map file. Raises UnquotableError for blanks at either end, or nothing at all."""
    _refuse_unprintable(text)
    if not text or text != text.strip(" "):
        raise UnquotableError(f"{text[:80]!r} cannot be a value of a map: no blanks at its ends, not empty")
    return text


def map_field(text: str) -> str:
    """One field of a map's value that holds several with `|` between them. Raises UnquotableError for `|` too."""
    if "|" in text:
        raise UnquotableError(f"{text[:80]!r} cannot be part of a map's value: '|' separates the parts")
    return map_value(text)


def regex(pattern: str) -> str:
    """A regular expression of ours as one word; never made of an operator's text. It must not hold a single
    quote.
    """
    if "'" in pattern:
        raise UnquotableError("write \\x27 for a single quote in a regular expression")
    return f"'{pattern}'"


def _refuse_unprintable(text: str) -> None:
    if _CONTROL.search(text):
        raise UnquotableError(f"{text[:80]!r} holds a control character: a HAProxy file cannot")
    if len(text.encode()) > LONGEST_TEXT:
        raise UnquotableError(f"{text[:80]!r}... is longer than {LONGEST_TEXT} bytes")
