"""`sumun run`: the gateway until Ctrl-C."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sumun.cli.options import config_option, data_option


@click.command()
@config_option
@data_option
@click.option(
    "--log-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the gateway's own log goes. Default: standard error.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Reload when the configuration, or a *.test.yaml beside it, was written; the log says why not.",
)
def run(config: Path, data: Path, log_file: Path | None, *, watch: bool) -> None:
    """Run the gateway until Ctrl-C or SIGTERM.

    The access log, one JSON line a request, is DATA/log/access.log.
    """
    from sumun.node.supervisor.foreground import run_node
    from sumun.telemetry.logging_setup import configure_logging

    configure_logging("supervisor", file=log_file)
    asyncio.run(run_node(config, data, log_file, watched=watch))
