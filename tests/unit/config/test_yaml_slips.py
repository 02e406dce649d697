"""A slip of a finger is told where it was, not where the reader noticed it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

from sumun.config import ConfigProblemsError, Problem
from sumun.config.yaml_reader import parse
from tests.documentation.tables import DOCS

_PAGE = (DOCS / "first-project.md").read_text(encoding="utf-8")
LINES = re.findall(r"^```yaml\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)[0].splitlines()

SLIPS: dict[str, Callable[[str], str]] = {
    "no space behind the colon": lambda line: line.replace(": ", ":", 1),
    "no colon": lambda line: re.sub(r":(?= |$)", "", line, count=1),
    "one column right": lambda line: f" {line}",
    "two columns right": lambda line: f"  {line}",
    "one column left": lambda line: line.removeprefix(" "),
    "two columns left": lambda line: line[2:] if line.startswith(" ") else line,
    "a bracket open": lambda line: re.sub(r"\](?=[^\]]*$)", "", line),
    "a brace open": lambda line: re.sub(r"\}(?=[^}]*$)", "", line),
    "a quote open": lambda line: re.sub(r'"(?=[^"]*$)', "", line),
    "a tab": lambda line: f"\t{line.lstrip()}",
}


def stopped_by(lines: list[str]) -> Problem | None:
    """What stopped the reader."""
    try:
        parse("\n".join(lines).encode(), "sumun.yaml", PurePosixPath("/etc"))
    except ConfigProblemsError as error:
        return error.problems[-1]
    return None


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_found_where_it_was(name: str) -> None:
    """On every line of a first configuration: whatever stops the reader is told of that line, with how to mend it."""
    found = 0
    for at, line in enumerate(LINES):
        problem = stopped_by([*LINES[:at], SLIPS[name](line), *LINES[at + 1 :]])
        if problem is None or SLIPS[name](line) == line:
            continue  # another meaning, which is YAML: told where it is looked at
        assert problem.place.line == at + 1, (SLIPS[name](line), problem)
        assert problem.what in ("is not YAML here", "a tab cannot indent"), problem
        assert problem.mend
        found += 1
    assert found >= 4


def test_a_large_file_is_not_read_again_and_again() -> None:
    """Each repair that is tried reads the file once more: in a large one none is, and the reader's own words stay."""
    lines = ["a:", *(f"  k{n}: {n}" for n in range(20_000)), "b c"]
    begun = time.process_time()
    problem = stopped_by(lines)
    assert problem is not None
    assert problem.what.startswith("is not YAML: ")
    assert time.process_time() - begun < 10
