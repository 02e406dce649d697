"""Plain tables for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence

import click


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, as_json: bool) -> None:
    """Print rows under their headings, columns aligned (wide Korean characters count two), or as a JSON list."""
    if as_json:
        click.echo(
            json.dumps([dict(zip(headings, row, strict=True)) for row in rows], ensure_ascii=False, indent=2)
        )
        return
    table = [tuple(h.upper() for h in headings), *(tuple(_shown(cell) for cell in row) for row in rows)]
    widths = [max(_width(row[i]) for row in table) for i in range(len(headings))]
    for row in table:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def print_fields(fields: Mapping[str, str], *, as_json: bool) -> None:
    """Print one thing, a field a line, or as a JSON object."""
    if as_json:
        click.echo(json.dumps(dict(fields), ensure_ascii=False, indent=2))
        return
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        click.echo(f"{name + ':':<{width + 1}} {_shown(value)}".rstrip())


def _shown(text: str) -> str:
    """Control characters would move the terminal's cursor: shown as escapes."""
    return "".join(
        c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in text
    )


def _width(text: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c)
    )
