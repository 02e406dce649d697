"""`sumun reload`: the running gateway reads its configuration again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sumun.cli.options import data_option

_SECONDS = 120.0


@click.command()
@data_option
def reload(data: Path) -> None:
    """Bring a changed configuration to life without losing a request or a stream, or change nothing and say why."""
    from sumun.node.errors import NodeError
    from sumun.node.machine.folders import DataFolder, is_running
    from sumun.node.processes.control import ask

    folder = DataFolder(data.absolute())
    if not is_running(folder):
        raise NodeError(
            f"no gateway runs on {folder.root}; start it with `sumun run`, or name its folder with --data"
        )
    click.echo(asyncio.run(ask(folder.control_socket("supervisor"), "reload", _SECONDS)))
