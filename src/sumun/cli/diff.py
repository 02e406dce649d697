"""`sumun diff`: what another configuration changes for callers, in words."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sumun.cli.options import CONFIG, json_option
from sumun.cli.table import print_lines


@click.command()
@click.argument("old", type=CONFIG)
@click.argument("new", type=CONFIG)
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:  # noqa: FBT001 (click hands flags over by name)
    """Say which calls, roles and clients gain and lose what when NEW takes the place of OLD."""
    from sumun.config import load
    from sumun.explain.differences import differences
    from sumun.node.catalogue import catalogue

    kinds = catalogue()
    # Tests belong to the new policy or to the old one; neither is in question here.
    found = differences(*(load(file, kinds, try_tests=False) for file in (old, new)))
    if as_json:
        click.echo(
            json.dumps(
                [{"about": one.about, "change": one.change} for one in found], ensure_ascii=False, indent=2
            )
        )
        return
    print_lines([f"{one}." for one in found] or ["Nothing changes in who may call what, and how often."])
