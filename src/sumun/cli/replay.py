"""`sumun replay`: which calls of the access log another configuration would treat otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.judged_log import EACH, LOGS, Printing, judge_all
from sumun.cli.operator import Operator, at_work
from sumun.cli.options import CONFIG, json_option

if TYPE_CHECKING:
    from sumun.explain.changed_calls import ChangedCalls


@click.command()
@LOGS
@click.option("--against", type=CONFIG, required=True, help="The configuration to try.")
@click.option("--shadow", is_flag=True, help="As if its shadow rules decided.")
@click.option(
    "-d", "--data", type=click.Path(path_type=Path), envvar="SUMUN_DATA",
    help="The data folder (or SUMUN_DATA), for registered clients and for lines that do not say what a caller held.",
)  # fmt: skip
@EACH
@json_option
def replay(
    logs: Sequence[str],
    against: Path,
    shadow: bool,  # noqa: FBT001 (click hands flags over by name)
    data: Path | None,
    each: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """List the calls of access logs whose outcome would be another under a configuration.

    LOG is a file, plain or gzip, or `-` for standard input; give several in the order in which they were written.
    Nothing is called. Exit 0: nothing would change; 1: something would; 2: wrong input.
    """
    from sumun.config import load
    from sumun.explain.replay import Replay
    from sumun.explain.shadows import in_force
    from sumun.node.calls.replayed_callers import ReplayedCallers
    from sumun.node.catalogue import catalogue

    # Tests belong to the configuration; what it does is in question here, not whether it is what was meant.
    plan = load(against, catalogue(), try_tests=False)
    plan = in_force(plan) if shadow else plan
    printing = Printing(each, as_json)
    if data is None:
        found = judge_all(logs, Replay(plan, ReplayedCallers(plan)).judge, printing)
    else:

        async def work(operator: Operator) -> ChangedCalls:
            return judge_all(logs, Replay(plan, ReplayedCallers(plan, operator.directory)).judge, printing)

        found = at_work(data, work)
    printing.finish(found)
