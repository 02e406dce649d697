"""What of a configuration must not be shown: secrets that someone wrote into it, and everything that may be one.

A configuration holds references to secrets, never secrets. But the file that has problems is the one where somebody
did it wrong, and problems are printed, logged and pasted into chats. So values of settings whose name sounds secret are
masked unless they are references, and so is the user part of any URL. Rather too much than too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MASK = "***"

# In the name of a setting. `token` is not among them: the settings named so hold words such as `opaque`.
_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|pwd|credential|private|api[-_. ]?key|access[-_. ]?key|signing[-_. ]?key|cookie|dsn"
    r"|^(?:store|directory|d|p|q|dp|dq|qi)$",  # the last six: of a private JWK
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\s]+|embedded|sqlite")
# Two settings of ours that count passwords and do not hold one.
_NOT_SECRET_NAMES = frozenset({"password_checks_at_once", "password_checks_waiting"})
_USER_PART = re.compile(r"(?:(?<=:/)(?!/)|(?<=//))(?:(?!, )[^\"'\n])*@")
# The same in text that could not be read as YAML: everything after such a name.
_SECRET_IN_TEXT = re.compile(
    r"((?:secret|passw|passphrase|pwd|credential|private|api[-_. ]?key|dsn|store|directory)[\w-]*[\"']?\s*[:=]\s*)\S.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """From (line, column) up to, not including, (line, column); both count from 1."""

    start: tuple[int, int]
    end: tuple[int, int]


def sounds_secret(name: str) -> bool:
    """Whether the value of a setting of this name may be a secret."""
    return name not in _NOT_SECRET_NAMES and _SECRET_NAME.search(name) is not None


def is_harmless(text: str) -> bool:
    """Whether a value may be shown though its setting sounds secret: references and the words that we know."""
    return _HARMLESS.fullmatch(text) is not None


def without_user_part(text: str) -> str:
    """The text with the user part of every URL masked."""
    return _USER_PART.sub(f"{MASK}@", text)


def masked_line(line: str, number: int, spans: Iterable[Span]) -> tuple[str, list[int]]:
    """One line as it may be shown, and for each index of the original (and its end) the index in what is shown."""
    hidden = [False] * len(line)
    for span in spans:
        first = span.start[1] - 1 if span.start[0] == number else 0
        last = span.end[1] - 1 if span.end[0] == number else len(line)
        if span.start[0] <= number <= span.end[0]:
            hidden[first:last] = [True] * len(hidden[first:last])
    for match in _USER_PART.finditer(line):
        hidden[match.start() : match.end() - 1] = [True] * (match.end() - 1 - match.start())
    shown: list[str] = []
    moved: list[int] = []
    length = 0
    for index, letter in enumerate(line):
        opens = hidden[index] and not (index and hidden[index - 1])
        piece = MASK if opens else "" if hidden[index] else letter
        moved.append(length if opens or not hidden[index] else max(0, length - len(MASK)))
        shown.append(piece)
        length += len(piece)
    moved.append(length)
    return "".join(shown), moved


def masked_text(line: str) -> str:
    """A line of a file that is not YAML, as it may be shown: whatever follows a name that sounds secret is hidden."""
    return without_user_part(_SECRET_IN_TEXT.sub(rf"\1{MASK}", line))


def names_secret(line: str) -> bool:
    """Whether a line of a file that is not YAML begins something that may be a secret."""
    return _SECRET_NAME.search(line) is not None


def begins_secret(line: str) -> bool:
    """Whether the value of a name that sounds secret does not stand on its line but below."""
    return re.search(r":\s*(?:[|>][-+0-9]*)?\s*(?:#.*)?$", line) is not None and names_secret(line)


def looks_like_secret(text: str) -> bool:
    """Whether a text holds a name that sounds secret and a value: `secret:x`, where the space was forgotten."""
    return _SECRET_IN_TEXT.search(text) is not None
