"""`sumun role`: what each role bundles (the configuration says) and who holds it (the directory says)."""

from __future__ import annotations

from pathlib import Path

import click

from sumun.cli.operator import Operator, at_work
from sumun.cli.options import data_option, json_option
from sumun.cli.table import Cell, print_table

_PAGE = 500


@click.group()
def role() -> None:
    """Roles: list."""


@role.command(name="list")
@json_option
@data_option
def list_(as_json: bool, data: Path) -> None:  # noqa: FBT001
    """List roles, what each bundles, and who holds it. A role that people hold and nothing defines bundles nothing."""

    async def work(operator: Operator) -> list[tuple[Cell, ...]]:
        holders: dict[str, list[str]] = {name: [] for name in operator.plan.roles}
        after = ""
        while page := operator.directory.users.list(after, _PAGE):
            for person in page:
                for held in person.roles:
                    holders.setdefault(held, []).append(person.id)
            after = page[-1].id
        return [
            (
                name,
                sorted(map(str, operator.plan.roles.get(name, ()))),
                who,
                "defined" if name in operator.plan.roles else "not defined",
            )
            for name, who in holders.items()
        ]

    print_table(("role", "permissions", "people", "state"), at_work(data, work), as_json=as_json)
