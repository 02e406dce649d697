"""What libyaml could not read, in words that help: the usual cause is a text that wants quotes, or the indentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from sumun.config.document import windowed
from sumun.config.masking import MASK, begins_secret, masked_text, names_secret
from sumun.config.plan import Place
from sumun.config.problems import Excerpt, Problem
from sumun.config.yaml_slips import find_slip

_QUOTE = 'text that holds { } [ ] or begins with * & ! % @ ` must stand in "quotes"'
_COLON = 'text that holds ": " must stand in "quotes"; otherwise look at the indentation'
_INDENT = "look at the indentation, and at the quotes and brackets above"
_TAB = "indent with spaces"


def syntax_problem(error: yaml.YAMLError, file: str, lines: Sequence[str]) -> Problem:
    """The one problem that stopped the reader."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Problem(Place(file), "", "is not YAML", mend=_INDENT)
    begun: Any = getattr(error, "context_mark", None) or mark
    if mark.line >= len(lines) or not any(line.strip() for line in lines[mark.line :]):
        mark = begun  # the end of the file: where it began says more
    line = lines[mark.line] if mark.line < len(lines) else ""
    letter = line[mark.column : mark.column + 1]
    sentence = str(getattr(error, "problem", "") or "cannot be read")
    context = str(getattr(error, "context", "") or "")
    what = f"is not YAML: {sentence}" + (f", {context}" if context else "")
    if begun.line != mark.line:
        what += f" that began in line {begun.line + 1}"
    if letter == "\t":
        what, mend = "a tab cannot indent", _TAB
    elif "mapping values" in sentence:
        mend = _COLON
    elif any(word in context for word in ("flow", "alias", "anchor", "tag", "next token", "directive")):
        mend = _QUOTE
    else:
        mend = _INDENT
    place = Place(file, mark.line + 1, mark.column + 1)
    slip = None if letter == "\t" else find_slip(lines, mark.line, begun.line)
    if slip is not None:
        what, mend = "is not YAML here", slip.mend
        place = Place(file, slip.line + 1, slip.column + 1)
        return Problem(
            place, "", what, mend=mend, excerpt=rough_excerpt(lines, place, min(begun.line, slip.line) + 1)
        )
    return Problem(place, "", what, mend=mend, excerpt=rough_excerpt(lines, place, begun.line + 1))


def rough_excerpt(lines: Sequence[str], place: Place, begun: int) -> Excerpt | None:
    """A line of a file that could not be read to its end, masked by the look of its words.

    `begun` is the line in which what was being read began.
    """
    if not 1 <= place.line <= len(lines):
        return None
    line = lines[place.line - 1]
    shown = MASK if _may_be_secret(lines, begun - 1, place.line - 1) else masked_text(line)
    return windowed(shown, min(place.column - 1, len(shown)), 1)


def _may_be_secret(lines: Sequence[str], begun: int, at: int) -> bool:
    """Whether the line may be the rest of a secret that began further up: in what was being read, or as its parent."""
    if any(names_secret(line) for line in lines[begun:at]):
        return True
    before = next((i for i in range(at - 1, -1, -1) if lines[i].strip()), None)
    if before is not None and (begins_secret(lines[before]) or _is_below_secret(lines, before)):
        return True
    return at < len(lines) and _is_below_secret(lines, at)


def _is_below_secret(lines: Sequence[str], at: int) -> bool:
    """Whether the nearest line above that is indented less names a secret."""
    indent = len(lines[at]) - len(lines[at].lstrip())
    for above in reversed(lines[max(0, at - 1000) : at]):
        if above.strip() and len(above) - len(above.lstrip()) < indent:
            return names_secret(above)
    return False
