"""Tables of the documents, read as data."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CODE = re.compile(r"`([^`]+)`")


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading (its text, without #), without the head and the line below it.

    AssertionError when there is no such heading or no table: a test of a table that is gone must not pass.
    """
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page.name} has no heading {heading!r}"
    block = re.search(r"(?:^\|.*\n?)+", found[1], re.MULTILINE)
    assert block, f"{page.name}: there is no table under {heading!r}"
    rows = [_cells(line) for line in block[0].splitlines()]
    assert len(rows) > 2, f"{page.name}: the table under {heading!r} is empty"
    return rows[2:]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def words(cell: str) -> list[str]:
    """What a cell sets in code type."""
    return CODE.findall(cell)
