"""Problems: what is wrong in a configuration, where, and how to mend it; all at once.

A problem has five parts: place, value, what is wrong, what is allowed, how to mend. Who makes one has already masked
the value and the source line if they could hold a secret (`config.masking`), so a problem can be shown and logged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from sumun.config.plan import Place
from sumun.errors import SumunError

_LONGEST_VALUE = 80  # characters; the rest of a long value helps nobody

_BOLD, _RED, _BLUE, _GREEN, _PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[34m", "\x1b[32m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One line of the file as it may be shown, and what to underline: `width` characters from index `start`."""

    text: str
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `value` is the text at the place, masked, or empty when there is none to show; `what` continues a sentence that
    begins with the value. `allowed` and `mend` may be empty. A place with line 0 is the whole file.
    """

    place: Place
    value: str
    what: str
    allowed: str = ""
    mend: str = ""
    excerpt: Excerpt | None = field(default=None, compare=False)

    @property
    def sentence(self) -> str:
        """The value and what is wrong with it, in one line."""
        return f"{quoted(self.value)} {self.what}" if self.value else self.what


class ConfigProblemsError(SumunError):
    """A configuration cannot be used. Mend every problem, then run again; `str()` shows them all."""

    code: ClassVar[str] = "invalid_config"
    exit_code: ClassVar[int] = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems, sorted by place; one that is there twice is kept once. ValueError when there is none."""
        self.problems: tuple[Problem, ...] = tuple(sorted(dict.fromkeys(problems), key=_order))
        if not self.problems:
            raise ValueError("no problems: nothing to raise")
        super().__init__()

    def __str__(self) -> str:
        """Every problem, without colours."""
        return describe_problems(self)


def _order(problem: Problem) -> tuple[str, int, int, str, str]:
    place = problem.place
    return (place.file, place.line, place.column, problem.value, problem.what)


def describe_problems(error: ConfigProblemsError, *, color: bool = False) -> str:
    """All problems as text for a terminal (`color`) or a file; ends without a newline."""
    shown = [describe(problem, color=color) for problem in error.problems]
    count = len(error.problems)
    return "\n".join([*shown, f"{count} problem{'s' * (count != 1)}"])


def describe(problem: Problem, *, color: bool = False) -> str:
    """One problem: place and sentence, the line with a mark under the value, what is allowed, how to mend."""
    bold, red, blue, green, plain = (_BOLD, _RED, _BLUE, _GREEN, _PLAIN) if color else ("",) * 5
    place = problem.place
    where = str(place) if place.line else place.file
    before = f"{bold}{printable(where)}:{plain} " if where else ""
    lines = [f"{before}{red}{printable(problem.sentence)}{plain}"]
    if problem.excerpt is not None:
        text = problem.excerpt.text
        before = text[: problem.excerpt.start]
        marked = text[problem.excerpt.start :][: problem.excerpt.width]
        mark = " " * _columns(before) + "^" * max(1, _columns(marked))
        lines += [
            f"{blue}{place.line:>5} |{plain} {text}".rstrip(),
            f"{blue}      |{plain} {red}{mark}{plain}",
        ]
    if problem.allowed:
        lines.append(f"{blue}      ={plain} allowed: {printable(problem.allowed)}")
    if problem.mend:
        lines.append(f"{blue}      ={plain} {green}{printable(problem.mend)}{plain}")
    return "\n".join(lines)


def in_one_line(problem: Problem) -> str:
    """A problem for a log: where, what, what is allowed, how to mend."""
    place = problem.place
    where = str(place) if place.line else place.file
    parts = [f"{where}: {problem.sentence}" if where else problem.sentence]
    parts += [f"allowed: {problem.allowed}"] if problem.allowed else []
    parts += [problem.mend] if problem.mend else []
    return printable("; ".join(parts))


def quoted(value: str) -> str:
    """A value in quotes, on one line, not too long, and without control characters."""
    cut = value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 3] + "..."
    return f'"{printable(cut)}"'


def printable(text: str) -> str:
    """The text with every character that could move a terminal's cursor shown as `?`; as long as before."""
    return "".join(c if c.isprintable() else "?" for c in text)


def did_you_mean(word: str | None) -> str:
    """The mend for a word that is near a known one; empty for None."""
    return "" if word is None else f'did you mean "{word}"?'


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes (Unicode TR 11: Korean letters take two)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
