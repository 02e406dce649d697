"""`sumun keys`: the keys that sign claims tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work, change, confirm, is_running, report
from sumun.cli.options import data_option, json_option, wait_option, yes_option
from sumun.cli.table import Cell, print_table

if TYPE_CHECKING:
    from sumun.changes import Applied


@click.group()
def keys() -> None:
    """Signing keys: list, rotate, retire."""


@keys.command(name="list")
@json_option
@data_option
def list_(as_json: bool, data: Path) -> None:  # noqa: FBT001
    """List the keys that sign or verify claims tokens."""

    async def work(operator: Operator) -> list[tuple[Cell, ...]]:
        return [
            (key.kid, key.alg, key.state.value, _moment(key.created_at_ms), _moment(key.retires_at_ms))
            for key in operator.directory.keys.list()
        ]

    print_table(("kid", "algorithm", "state", "created", "retires"), at_work(data, work), as_json=as_json)


@keys.command()
@wait_option
@data_option
def rotate(data: Path) -> None:
    """Make a new signing key and sign with it; the old one verifies until its last token has expired."""

    async def work(operator: Operator) -> Applied:
        from sumun.node.directory.signing import rotate_keys

        alone = operator.plan.node.store is None and not is_running(data)
        return await rotate_keys(operator.plan, operator.changes, operator.actor, alone=alone)

    report(change(data, work), "signing key rotated")


@keys.command()
@click.argument("kid")
@yes_option
@wait_option
@data_option
def retire(kid: str, yes: bool, data: Path) -> None:  # noqa: FBT001
    """Believe a key no more, now: every token that it signed is refused. For a key that leaked; rotate first."""
    confirm(f"Refuse every token that the key {kid} signed?", yes=yes)

    async def work(operator: Operator) -> Applied:
        return await operator.changes.retire_key(kid, actor=operator.actor)

    report(change(data, work), f"key {kid} retired")


def _moment(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
