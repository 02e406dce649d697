"""`sumun demo`: the gateway with the demo shop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65533),
    default=8080,
    show_default=True,
    help="And the next two: internal, operator.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="Data folder. Default: a fresh one, removed at the end."
)
def demo(port: int, data: Path | None) -> None:
    """Run the gateway with the demo shop until Ctrl-C, and say what to try."""
    from sumun.demo.shop import run_demo

    asyncio.run(run_demo(port, data.absolute() if data else None))
