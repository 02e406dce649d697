"""`sumun shadow`: what shadow rules said of the calls of the access log."""

from __future__ import annotations

from collections.abc import Sequence

import click

from sumun.cli.judged_log import EACH, LOGS, Printing, judge_all
from sumun.cli.options import json_option


@click.command()
@LOGS
@EACH
@json_option
def shadow(logs: Sequence[str], each: bool, as_json: bool) -> None:  # noqa: FBT001 (click hands flags over by name)
    """List the calls of access logs that the shadow rules in force then would have decided otherwise.

    LOG is a file, plain or gzip, or `-` for standard input. Exit 0: none; 1: some; 2: wrong input. What shadow rules
    would do with calls from before they were written: `sumun replay --shadow`.
    """
    from sumun.explain.shadows import told_by

    printing = Printing(each, as_json)
    printing.finish(judge_all(logs, told_by, printing))
