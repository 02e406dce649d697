"""`sumun check`: every problem of a configuration at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sumun.cli.options import CONFIG


@click.command()
@click.argument("file", type=CONFIG, default=Path("sumun.yaml"))
def check(file: Path) -> None:
    """Check FILE (default sumun.yaml), and what HAProxy thinks of it. Exit 0: it would run; 2: it would not.

    Secrets may be elsewhere: one that cannot be read here is only noted.
    """
    from sumun.config import ConfigProblemsError, describe_problems
    from sumun.node.catalogue import catalogue
    from sumun.node.machine.secret_refs import missing_secrets
    from sumun.rollout.compile import compile_and_check

    try:
        plan, _ = compile_and_check(file, catalogue())
    except ConfigProblemsError as error:
        click.echo(describe_problems(error, color=sys.stderr.isatty()), err=True)
        sys.exit(2)
    for note in (*plan.notes, *missing_secrets(plan)):
        click.echo(f"{note.where}: note: {note.text}")
    click.echo(
        f"{file}: good. {len(plan.routes)} routes, {len(plan.services)} services, {len(plan.roles)} roles, "
        f"{len(plan.clients)} clients."
    )
