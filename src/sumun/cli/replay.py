"""`sumun replay`: which calls of the access log another configuration would treat otherwise."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work
from sumun.cli.options import CONFIG, json_option
from sumun.cli.table import print_lines

if TYPE_CHECKING:
    from sumun.config.plan import Plan
    from sumun.directory import Directory
    from sumun.explain.changed_calls import ChangedCalls


@click.command()
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("--against", type=CONFIG, required=True, help="The configuration to try.")
@click.option(
    "-d", "--data", type=click.Path(path_type=Path), envvar="SUMUN_DATA",
    help="The data folder (or SUMUN_DATA), for registered clients and for lines that do not say what a caller held.",
)  # fmt: skip
@click.option("--each", is_flag=True, help="Print every call that would change, not groups of them.")
@json_option
def replay(
    logs: Sequence[str],
    against: Path,
    data: Path | None,
    each: bool,  # noqa: FBT001 (click hands flags over by name)
    as_json: bool,  # noqa: FBT001
) -> None:
    """List the calls of access logs whose outcome would be another under a configuration.

    LOG is a file, plain or gzip, or `-` for standard input; give several in the order in which they were written.
    Nothing is called. Exit 0: nothing would change; 1: something would; 2: wrong input.
    """
    from sumun.config import load
    from sumun.node.assemble import catalogue

    # Tests belong to the configuration; what it does is in question here, not whether it is what was meant.
    plan = load(against, catalogue(), try_tests=False)
    if data is None:
        found = _replay(logs, plan, None, each=each, as_json=as_json)
    else:

        async def work(operator: Operator) -> ChangedCalls:
            return _replay(logs, plan, operator.directory, each=each, as_json=as_json)

        found = at_work(data, work)
    if as_json:
        _print_json(*([] if each else found.groups_json()), found.summary_json())
    else:
        print_lines([*([] if each else found.groups_in_words()), *found.summary_in_words()])
    if found.changed:
        sys.exit(1)


def _replay(
    logs: Sequence[str], plan: Plan, directory: Directory | None, *, each: bool, as_json: bool
) -> ChangedCalls:
    from sumun.explain.changed_calls import ChangedCalls, call_json, call_words
    from sumun.explain.replay import Changed, Replay
    from sumun.node.log_lines import BadLogError
    from sumun.node.replayed_callers import ReplayedCallers
    from sumun.node.replayed_log import judged_calls

    found = ChangedCalls()
    for one in judged_calls(logs, Replay(plan, ReplayedCallers(plan, directory))):
        if one is None:
            found.skip()
            continue
        line, judged = one
        found.add(line, judged)
        if each and isinstance(judged, Changed):
            if as_json:
                _print_json(call_json(line, judged))
            else:
                print_lines([call_words(line, judged)])
    if not found.calls:
        raise BadLogError(f"{', '.join(logs)}: no line of an access log is in it (docs/logs.md)")
    return found


def _print_json(*objects: object) -> None:
    """One a line."""
    for one in objects:
        click.echo(json.dumps(one, ensure_ascii=False))
