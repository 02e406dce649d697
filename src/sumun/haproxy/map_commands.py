"""Commands of the runtime socket that write a worker's maps: texts out, answers judged. No socket here.

Management guide 9.3: `add map`, `set map`, `get map`, `prepare map`, `commit map`. What HAProxy 2.6 does and does not:
a command with its rows must be shorter than a buffer, or it is lost without a word; adding a key that is there appends
a second row, and the first one keeps counting; success is an empty answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sumun.haproxy.errors import RuntimeSocketError

MOST_BYTES = 15_000
"""For one command with its rows: below tune.bufsize (16384 at least) with room to spare."""

_WORD = re.compile(r"[^\x00-\x20\x7f;]+")
_VALUE = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")

Row = tuple[str, str]
"""Key and value. The key is a word; a value that is added goes to the end of its line, and may hold blanks and `;`."""


def add_rows(map_name: str, rows: Iterable[Row], version: int | None = None) -> Iterator[str]:
    """Commands that add these rows, each short enough; to a prepared version of the map if one is given.

    ValueError for a row that cannot be one.
    """
    head = f"add map {map_name} <<\n" if version is None else f"add map @{version} {map_name} <<\n"
    lines: list[str] = []
    size = len(head) + 1
    for key, value in rows:
        line = f"{_word(key)} {_value(value)}\n"
        length = len(line) if line.isascii() else len(line.encode())
        if length + len(head) + 1 > MOST_BYTES:
            raise ValueError(f"a row of {length} bytes does not fit into one command")
        if size + length > MOST_BYTES:
            yield head + "".join(lines)
            lines, size = [], len(head) + 1
        lines.append(line)
        size += length
    if lines:
        yield head + "".join(lines)


def set_row(map_name: str, key: str, value: str) -> str:
    """The command that changes the value of a key that is there."""
    return f"set map {map_name} {_argument(key)} {_argument(value)}"


def get_row(map_name: str, key: str) -> str:
    """The command that looks a key up as a request would."""
    return f"get map {map_name} {_argument(key)}"


def prepare(map_name: str) -> str:
    """The command that begins a new version of a map: invisible until `commit`, which takes its place in one step."""
    return f"prepare map {map_name}"


def prepared_version(answer: str) -> int:
    """The number in the answer to `prepare`. Raises RuntimeSocketError."""
    text = answer.strip().rpartition(" ")[2]
    if not text.isdigit():
        raise RuntimeSocketError(f"HAProxy did not prepare a map: {answer.strip()[:200]}")
    return int(text)


def give_up(map_name: str, version: int) -> str:
    """The command that drops a prepared version that is not to come into force."""
    return f"clear map @{version} {map_name}"


def commit(map_name: str, version: int) -> str:
    """The command that puts a prepared version in force."""
    return f"commit map @{version} {map_name}"


def refuse_complaints(answer: str) -> None:
    """Raises RuntimeSocketError unless the answer is empty: that is how success looks."""
    if answer.strip():
        raise RuntimeSocketError(f"HAProxy did not write a map: {answer.strip()[:200]}")


def value_in(answer: str) -> str | None:
    """The value that `get_row` found; None when there is none. Raises RuntimeSocketError for another answer."""
    line = answer.strip()
    if "found=no" in line:
        return None
    _, mark, rest = line.partition('value="')
    if not mark:
        raise RuntimeSocketError(f"HAProxy did not look a map up: {line[:200]}")
    value, end, _ = rest.rpartition('", type=')
    return value if end else rest.rpartition('"')[0]


def _word(text: str) -> str:
    if _WORD.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} cannot stand in a row of a map")
    return text


def _value(text: str) -> str:
    if _VALUE.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} cannot stand as a value in a row of a map")
    return text


def _argument(text: str) -> str:
    """A word of the command line, where a backslash guards the next character; in the rows of a payload it does not."""
    return _word(text).replace("\\", "\\\\")
