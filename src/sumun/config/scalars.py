"""What a bare word of YAML means, read as YAML 1.2 reads it, with the words that YAML 1.1 reads otherwise set apart.

`no`, `on`, `0755`, `1_000`, `12:30`, `2026-11-23` are text for one reader and a truth value, a number or a date for
another. Whoever wrote one of them meant something; nobody can know what. So they are Ambiguous: no setting takes them,
and the problem says what to write. In quotes everything is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TRUTH = {"true": True, "false": False}
EMPTY = frozenset({"", "~", "null", "Null", "NULL"})

# At most 18 digits: a 64-bit number, and no cost of reading a huge one.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")

_LONGEST = 64  # characters; a longer word is text, but for digits: the patterns below need not be fast

_WORDS_1_1 = re.compile(r"(?i:y|yes|on|true)"), re.compile(r"(?i:n|no|off|false)")
_NUMBERS = (
    (re.compile(r"[-+]?0[0-7_]+"), "an octal number"),
    (re.compile(r"[-+]?0o[0-7_]+"), "an octal number"),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), "a hexadecimal number"),
    (re.compile(r"[-+]?0b[01_]+"), "a binary number"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number in base 60"),
    (re.compile(r"[-+]?\.?[0-9][0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9]+)?"), "a number"),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "a number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"), "a date"),
    (re.compile(r"=|<<"), "a special sign"),
)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A bare word that readers of YAML disagree about. `kind` is what YAML 1.1 takes it for."""

    text: str
    kind: str

    @property
    def truth(self) -> str | None:
        """`true` or `false`, if YAML 1.1 takes it for a truth value."""
        return next((word for word in _TRUTH if f"({word})" in self.kind), None)

    @property
    def is_number(self) -> bool:
        """Whether YAML 1.1 takes it for a number."""
        return "number" in self.kind


@dataclass(frozen=True, slots=True)
class Empty:
    """No value at all: `key:` with nothing after it, `~` or `null`."""


Value = str | bool | int | float | Ambiguous | Empty


def bare(text: str) -> Value:
    """What a word without quotes means."""
    if text in EMPTY:
        return Empty()
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return _ambiguous(text) or text


def _ambiguous(text: str) -> Ambiguous | None:
    if len(text) > _LONGEST:
        return Ambiguous(text, "a number") if text.isascii() and text.isdigit() else None
    yes, no = _WORDS_1_1
    for pattern, word in ((yes, "true"), (no, "false")):
        if pattern.fullmatch(text):
            return Ambiguous(text, f"a truth value ({word})")
    for pattern, kind in _NUMBERS:
        if pattern.fullmatch(text):
            return Ambiguous(text, kind)
    return None
