"""`sumun show`: the files that a configuration renders to, and which line of it each of their lines comes from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sumun.cli.options import CONFIG


@click.command()
@click.argument("file", type=CONFIG, default=Path("sumun.yaml"))
@click.option("--only", metavar="NAME", help="One of the files, such as haproxy.cfg.")
@click.option("--why", is_flag=True, help="Before each line, the place of the YAML that caused it.")
def show(file: Path, only: str | None, why: bool) -> None:  # noqa: FBT001
    """Show the files that FILE (default sumun.yaml) renders to."""
    from sumun.config import ConfigProblemsError, describe_problems, load
    from sumun.haproxy import RuntimePaths, render
    from sumun.node.catalogue import catalogue

    try:
        files = render(load(file, catalogue()), 0, RuntimePaths(Path("/run/sumun"), Path("/run/sumun")))
    except ConfigProblemsError as error:
        click.echo(describe_problems(error, color=sys.stderr.isatty()), err=True)
        sys.exit(2)
    names = [one.name for one in files.files]
    if only is not None and only not in names:
        raise click.UsageError(f"There is no file {only!r}; there are: {', '.join(names)}.")
    for one in files.files:
        if only not in (None, one.name):
            continue
        if only is None:
            click.echo(f"# ===== {one.name}")
        for line in one.lines:
            place = f"{line.place.line}:{line.place.column}" if line.place.line else ""
            click.echo(f"{place:>8}  {line.text}" if why else line.text)
