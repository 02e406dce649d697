"""docs/cli.md lists every command, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import click

from sumun.cli.main import sumun
from tests.documentation.tables import DOCS, table, words


def every_command(group: click.Group, name: str = "sumun") -> Iterator[str]:
    """The whole names of the commands that do something."""
    context = click.Context(group)
    for part in group.list_commands(context):
        command = group.get_command(context, part)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, f"{name} {part}")
        else:
            yield f"{name} {part}"


def test_every_command_is_told() -> None:
    """Who reads the page knows every command."""
    told = {words(row[0])[0] for row in table(DOCS / "cli.md", "The command line")}
    assert told == set(every_command(sumun))
