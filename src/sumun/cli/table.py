"""Plain tables for people, JSON for programs.

A cell is a text, or several (`a,b` for people, an array in JSON), or None (empty, `null`). In JSON the names have
underscores where people see blanks.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import click

_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode: what moves a terminal's cursor, turns text around, or ends a line."""

Cell = str | Sequence[str] | None


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, as_json: bool) -> None:
    """Print rows under their headings, columns aligned (wide Korean characters count two), or as a JSON array."""
    if as_json:
        print_json([_object(headings, row) for row in rows])
        return
    table = [tuple(h.upper() for h in headings), *(tuple(_shown(cell, ",") for cell in row) for row in rows)]
    widths = [max(_width(row[i]) for row in table) for i in range(len(headings))]
    for row in table:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def print_fields(fields: Mapping[str, Cell], *, as_json: bool) -> None:
    """Print one thing, a field a line, or as a JSON object."""
    if as_json:
        print_json(_object(list(fields), list(fields.values())))
        return
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        click.echo(f"{name + ':':<{width + 1}} {_shown(value, ', ')}".rstrip())


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text; what could move the terminal's cursor is shown as an escape."""
    for line in lines:
        click.echo(_shown(line, ""))


def _object(names: Sequence[str], cells: Sequence[Cell]) -> dict[str, Cell]:
    return {name.replace(" ", "_"): cell for name, cell in zip(names, cells, strict=True)}


def print_json(value: object, indent: int | None = 2) -> None:
    """Print JSON in which people can read their own letters, and no terminal a command: controls are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    click.echo("".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text))


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character > "\x7f" else f"\\u{ord(character):04x}"


def _shown(cell: Cell, between: str) -> str:
    """Control characters would move the terminal's cursor: shown as escapes."""
    text = cell if isinstance(cell, str) else between.join(cell or ())
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _CONTROLS else c for c in text
    )


def _width(text: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c)
    )
