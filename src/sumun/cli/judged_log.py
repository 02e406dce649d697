"""What `sumun replay` and `sumun shadow` share: they judge each call of a log, and print what would be otherwise."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from sumun.cli.table import print_json, print_lines

if TYPE_CHECKING:
    from sumun.explain.changed_calls import ChangedCalls
    from sumun.explain.logged import LoggedCall
    from sumun.explain.replay import Changed
    from sumun.node.calls.replayed_log import Judge

LOGS = click.argument("logs", metavar="LOG...", nargs=-1, required=True)
EACH = click.option("--each", is_flag=True, help="Print every such call, not groups of them.")


@dataclass(frozen=True, slots=True)
class Printing:
    """How it is printed: every call or groups of them, JSON or words."""

    each: bool
    as_json: bool

    def finish(self, found: ChangedCalls) -> None:
        """Print what was found; exit 1 when something would be otherwise."""
        if self.as_json:
            _print_json(*([] if self.each else found.groups_json()), found.summary_json())
        else:
            print_lines([*([] if self.each else found.groups_in_words()), *found.summary_in_words()])
        if found.changed:
            sys.exit(1)

    def one(self, line: LoggedCall, changed: Changed) -> None:
        """Print one call."""
        from sumun.explain.changed_calls import call_json, call_words

        if self.as_json:
            _print_json(call_json(line, changed))
        else:
            print_lines([call_words(line, changed)])


def judge_all(logs: Sequence[str], judge: Judge, printing: Printing) -> ChangedCalls:
    """Judge every call; print each that would be otherwise, when each is wanted. Raises BadLogError."""
    from sumun.explain.changed_calls import ChangedCalls
    from sumun.explain.replay import Changed
    from sumun.node.calls.log_lines import BadLogError
    from sumun.node.calls.replayed_log import judged_calls

    found = ChangedCalls()
    for one in judged_calls(logs, judge):
        if one is None:
            found.skip()
            continue
        line, judged = one
        found.add(line, judged)
        if printing.each and isinstance(judged, Changed):
            printing.one(line, judged)
    if not found.calls:
        raise BadLogError(f"{', '.join(logs)}: no line of an access log is in it (docs/logs.md)")
    return found


def _print_json(*objects: object) -> None:
    """One a line."""
    for one in objects:
        print_json(one, indent=None)
