"""`sumun status`: is the gateway well; if not, what is ill, and what becomes of calls."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sumun.cli.options import data_option, json_option
from sumun.cli.table import print_json, print_lines, print_table

if TYPE_CHECKING:
    from sumun.explain.recent import Recent
    from sumun.node.machine.folders import DataFolder
    from sumun.node.operator.condition import Condition

_MOST_SORTS = 12
_MOST_LINES = 200_000
"""Of the access log, so that the answer comes in seconds."""


@click.command()
@data_option
@click.option(
    "--minutes", type=click.IntRange(1, 1440), default=15, show_default=True,
    help="How far to look back in the access log.",
)  # fmt: skip
@json_option
def status(data: Path, minutes: int, as_json: bool) -> None:  # noqa: FBT001 (click hands flags over by name)
    """Say whether the gateway is well: its processes and what they reach, the services, what became of recent calls.

    Exit 0: well. 1: something is ill, and is named. 3: it does not run.
    """
    from sumun.node.machine.folders import DataFolder
    from sumun.node.operator.condition import look_at

    folder = DataFolder(data.absolute())
    condition = asyncio.run(look_at(folder))
    recent = _recent(folder, time.time() - 60 * minutes)
    if as_json:
        print_json(_json(condition, recent, minutes))
    else:
        _print(condition, recent, minutes)
    if condition.ill:
        sys.exit(1)


def _recent(folder: DataFolder, since: float) -> Recent:
    """The calls that began after this moment. Raises LogUnreadableError."""
    from sumun.explain.logged import NotALineError, decode_line
    from sumun.explain.recent import Recent
    from sumun.node.calls.logged_line import newest_first

    recent = Recent()
    for number, text in enumerate(newest_first(folder)):
        try:
            line = decode_line(text.lstrip(b"\0"))
        except NotALineError:
            continue
        # Lines are written when a request ends: one that took long stands among younger ones.
        if line.began >= since:
            recent.add(line)
        elif line.began < since - 3600 or number > _MOST_LINES:
            break
    return recent


def _print(condition: Condition, recent: Recent, minutes: int) -> None:
    status = condition.status
    well = "well" if not condition.ill else "ILL"
    print_lines(
        [
            f"sumun {status.version} on {', '.join(_listens(condition))}: {well}",
            *(f"  {one.who}: {one.trouble.code}: {one.trouble.words}" for one in condition.ill),
            "",
            f"configuration {status.configuration}, generation {status.generation}"
            + ("; the file was changed since: `sumun check`, then `sumun reload`" if status.changed else ""),
            "",
        ]
    )
    now = time.time()
    rows = [
        (
            part.name,
            "runs" if part.ready else "starts",
            str(part.pid or ""),
            _ago(now - part.since),
            part.ended + (f", {part.restarts} times in all" if part.restarts > 1 else "")
            if part.ended
            else "",
        )
        for part in status.parts
    ]
    print_table(("part", "state", "pid", "for", "ended"), rows, as_json=False)
    print_lines(["", *_calls(recent, minutes)])
    if recent.ended:
        sorts = [
            (str(one.calls), str(one.sort.status), one.sort.code, one.sort.why, one.sort.where, one.newest)
            for one in recent.ended[:_MOST_SORTS]
        ]
        print_table(("calls", "status", "code", "why", "where", "the last one"), sorts, as_json=False)
        print_lines(["", *_advice(condition, recent)])


def _listens(condition: Condition) -> Iterator[str]:
    plan = condition.plan
    for address in (plan.listen, plan.internal, plan.operator):
        if address is not None:
            host = f"[{address.host}]" if ":" in address.host else address.host
            yield f"{host}:{address.port}"


def _calls(recent: Recent, minutes: int) -> Iterator[str]:
    ended = recent.calls - recent.well
    yield f"calls of the last {minutes} min: {recent.calls}, {recent.well} went well, {ended} did not"
    if len(recent.ended) > _MOST_SORTS:
        yield f"(the {_MOST_SORTS} that matter most of {len(recent.ended)} sorts; --json has them all)"


def _advice(condition: Condition, recent: Recent) -> Iterator[str]:
    yield f"`sumun explain {recent.ended[0].newest}` says more of one, and so for each id"
    if condition.ill or recent.ended[0].sort.status >= 500:
        yield 'what a code means, and what to do: docs/operations.md, "503 at 3 a.m."'


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _json(condition: Condition, recent: Recent, minutes: int) -> dict[str, Any]:
    import msgspec

    return {
        "well": not condition.ill,
        "ill": [{"who": one.who, "code": one.trouble.code, "words": one.trouble.words} for one in condition.ill],
        **msgspec.to_builtins(condition.status),
        "listens": list(_listens(condition)),
        "minutes": minutes,
        "calls": recent.calls,
        "went_well": recent.well,
        "did_not": [
            {
                "calls": one.calls, "status": one.sort.status, "code": one.sort.code, "why": one.sort.why,
                "where": one.sort.where, "last_request": one.newest,
            }
            for one in recent.ended
        ],
    }  # fmt: skip
