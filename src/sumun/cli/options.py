"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG = click.Path(exists=False, dir_okay=False, path_type=Path)


def config_option(command: Command) -> Command:
    """`--config FILE`."""
    return click.option(
        "-c", "--config", type=CONFIG, default=Path("sumun.yaml"), envvar="SUMUN_CONFIG", show_default=True,
        help="The configuration file (or SUMUN_CONFIG).",
    )(command)  # fmt: skip


def data_option(command: Command) -> Command:
    """`--data FOLDER`."""
    return click.option(
        "-d", "--data", type=click.Path(file_okay=True, path_type=Path), default=Path("sumun-data"),
        envvar="SUMUN_DATA", show_default=True, help="The data folder (or SUMUN_DATA).",
    )(command)  # fmt: skip


def json_option(command: Command) -> Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


_WAIT = "sumun.wait"


def wait_option(command: Command) -> Command:
    """`--wait node|all`, for `waits_for_all`."""

    def remember(context: click.Context, _: click.Parameter, value: str) -> None:
        context.meta[_WAIT] = value

    return click.option(
        "--wait", type=click.Choice(["node", "all"]), default="node", envvar="SUMUN_WAIT", show_default=True,
        expose_value=False, callback=remember,
        help="Who acts on it before this returns: this node, or every node (or SUMUN_WAIT).",
    )(command)  # fmt: skip


def waits_for_all() -> bool:
    """True when the command that runs was told `--wait all`."""
    return click.get_current_context().meta.get(_WAIT) == "all"


def yes_option(command: Command) -> Command:
    """`--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)
