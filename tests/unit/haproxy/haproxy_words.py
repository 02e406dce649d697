"""How HAProxy cuts a line into words: its rules (configuration manual 2.2) in Python, to hold `quoting` against.

`tests/live/test_gate_quoting.py` asks the real one.
"""

from __future__ import annotations

import re

_PART = re.compile(
    r"""\\(?P<escaped>.)|"(?P<weak>(?:[^"\\$]|\\.)*)"|'(?P<strong>[^']*)'|(?P<plain>[^\\"' \t#]+)"""
)


def words(line: str) -> list[str]:
    """The words of a line. Raises ValueError where HAProxy would refuse the line, or take a variable's value."""
    found: list[str] = []
    position, inside = 0, False
    while position < len(line) and line[position] != "#":
        if line[position] in " \t":
            position, inside = position + 1, False
            continue
        part = _PART.match(line, position)
        if part is None:
            raise ValueError(f"HAProxy cannot read {line[position:]!r}")
        text = (
            part["escaped"] or part["strong"] or part["plain"] or re.sub(r"\\(.)", r"\1", part["weak"] or "")
        )
        found = [*found[:-1], found[-1] + text] if inside else [*found, text]
        position, inside = part.end(), True
    return found


def map_row(line: str) -> tuple[str, str] | None:
    """Key and value of a line of a map file, or None for one that is skipped."""
    text = line.lstrip(" \t")
    if not text or text.startswith("#"):
        return None
    key, _, value = text.partition(" ") if " " in text else (text, "", "")
    key, tab, rest = key.partition("\t")
    return key, (rest + " " + value if tab else value).strip(" \t")
