"""The slip of a finger behind what is not YAML: a colon, a bracket, a quote, an indentation. Pure.

A reader of YAML notices such a slip one line later or many, and says where it noticed. So small repairs are tried on
the lines where it may have been, and the one that lets the reader go on says where it was. What is told names no text
of the file: it may be a secret.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import yaml

_LONGEST = 100_000  # characters of a file in which it is looked for: each repair reads the file again

# A key at the beginning of a line, or of a `{` or behind a comma in it.
_BEFORE_KEY = r"(?:^\s*(?:- +)?|[{,]\s*)"
_NO_SPACE = re.compile(rf"{_BEFORE_KEY}[A-Za-z_][\w.-]*:(?=[^\s/])")
_NO_COLON = re.compile(rf"{_BEFORE_KEY}[^\s#\"'{{}}\[\],&*!|>%@`-][^\s#\"'{{}}\[\],]*(?<!:)(?=\s|$)")
_COMMENT = re.compile(r"\s+#.*$")


class Slip(NamedTuple):
    """Where (both count from 0), and how to mend it."""

    line: int
    column: int
    mend: str


def find_slip(lines: Sequence[str], noticed: int, begun: int) -> Slip | None:
    """What one repair would mend. `noticed`: the line in which the reader gave up; `begun`: where that began."""
    if sum(map(len, lines)) > _LONGEST:
        return None
    above = _next(lines, noticed, -1, str.strip)
    open_quote = next((at for at, line in enumerate(lines[: noticed + 1]) if line.count('"') % 2), None)
    likely = sorted({at for at in (above, begun, noticed, open_quote) if at is not None and at < len(lines)})
    indents = Counter(_indent(line) for line in lines if line.strip())
    tries = [
        *(repair for find in (_colons, _closings) for at in likely for repair in find(lines, at)),
        # Of two lines that do not agree, the one that is like more others of the file is right.
        *sorted(
            (repair for at in likely for repair in _indentations(lines, at)),
            key=lambda repair: -indents[_indent(repair.line)],
        ),
    ]
    best: tuple[int, Slip] | None = None
    for repair in tries:
        at = repair.slip.line
        reached = _reached([*lines[:at], repair.line, *lines[at + 1 :]])
        if reached is None:
            return repair.slip
        if reached > noticed + 1 and (best is None or reached > best[0]):
            best = reached, repair.slip
    return None if best is None else best[1]


def _reached(lines: Sequence[str]) -> int | None:
    """The line in which a reader of these gives up; None: it does not."""
    try:
        for _ in yaml.parse("\n".join(lines), Loader=yaml.CSafeLoader):
            pass
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        return 0 if mark is None else int(mark.line)
    return None


class _Repair(NamedTuple):
    slip: Slip
    line: str


def _colons(lines: Sequence[str], at: int) -> Iterator[_Repair]:
    line = lines[at]
    for slip, mend, put in (
        (_NO_SPACE, "put a space behind the colon", " "),
        (_NO_COLON, "put a colon here", ":"),
    ):
        for found in slip.finditer(line):
            end = found.end()
            yield _Repair(Slip(at, end, mend), f"{line[:end]}{put}{line[end:]}")


def _closings(lines: Sequence[str], at: int) -> Iterator[_Repair]:
    line = lines[at]
    end = len(_COMMENT.sub("", line))
    ends = [end, *(found.start() for found in re.finditer(r"[,\]} ]", line[:end]))]
    is_open = {
        '"': line.count('"') % 2,
        "}": line.count("{") > line.count("}"),
        "]": line.count("[") > line.count("]"),
    }
    for closer in ('"', "}", "]", "]}", "}]"):
        if not all(is_open[one] for one in closer):
            continue
        for place in ends:
            yield _Repair(Slip(at, place, f"put {closer} here"), f"{line[:place]}{closer}{line[place:]}")


def _indentations(lines: Sequence[str], at: int) -> Iterator[_Repair]:
    line = lines[at]
    bare = line.lstrip()
    for others in (_is_item, str.strip) if _is_item(line) else (str.strip,):
        for step in (-1, 1):
            other = _next(lines, at, step, others)
            if other is not None and (indent := _indent(lines[other])) != _indent(line):
                mend = f"indent this line like line {other + 1}"
                yield _Repair(Slip(at, _indent(line), mend), " " * indent + bare)
    if bare != line:
        yield _Repair(Slip(at, _indent(line), "begin this line at its first column"), bare)


def _is_item(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _next(lines: Sequence[str], at: int, step: int, wanted: Callable[[str], object]) -> int | None:
    """The next line in this direction that is like that, and no comment."""
    at += step
    while 0 <= at < len(lines):
        if wanted(lines[at]) and not lines[at].lstrip().startswith("#"):
            return at
        at += step
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
