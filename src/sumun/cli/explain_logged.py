"""`sumun explain REQUEST-ID`: what became of a request, by the access log, and how it would be decided now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sumun.cli.operator import Operator, at_work
from sumun.cli.table import print_json, print_lines

if TYPE_CHECKING:
    from sumun.config.plan import Plan
    from sumun.explain.explanation import Explanation
    from sumun.explain.logged import LoggedCall

_SINCE = "As things are now, for the same subject; they may have changed since:"


@dataclass(frozen=True, slots=True)
class _Now:
    """How it would be now: an explanation, or a sentence why there is none (empty: there is nothing to decide)."""

    explanation: Explanation | None = None
    why_not: str = ""


def explain_logged(request_id: str, data: Path, config: Path | None, *, as_json: bool) -> None:
    """Print what happened and how it would be now. Raises NotLoggedError and other SumunErrors."""
    from sumun.config import load
    from sumun.explain.logged import happened, read_line
    from sumun.node.calls.logged_line import find_logged
    from sumun.node.catalogue import catalogue
    from sumun.node.machine.folders import DataFolder

    fields = find_logged(DataFolder(data.absolute()), request_id)
    line = read_line(fields)
    plan = None if config is None else load(config, catalogue())

    async def work(operator: Operator) -> _Now:
        return _now(operator, plan or operator.plan, line)

    now = at_work(data, work)
    if as_json:
        _print_json(fields, line, now)
        return
    from sumun.explain.words import in_words

    print_lines(happened(line))
    if now.explanation is not None:
        print_lines(["", _SINCE, "", *in_words(now.explanation)])
    elif now.why_not:
        print_lines(["", _SINCE, "", now.why_not])


def _now(operator: Operator, plan: Plan, line: LoggedCall) -> _Now:
    """The same call by the same subject under the plan, where there is a decision or a route to tell of."""
    from sumun.access import TOKENS
    from sumun.config.calls import NotServed, serve
    from sumun.directory.errors import UnknownClientError, UnknownUserError
    from sumun.explain.explanation import explain
    from sumun.explain.logged import Said
    from sumun.explain.words import route_words
    from sumun.node.calls.callers import Callers

    call = line.call
    route = serve(plan.routes, call)
    if line.code in ("route_not_found", "method_not_allowed"):
        return _Now(why_not=f"route: {'; '.join(route_words(route, call))}")
    decided = line.said is Said.DECISION or bool(line.who)
    if not decided:
        return _Now()
    kinds = TOKENS if isinstance(route, NotServed) else route.kinds
    try:
        caller = Callers(plan, operator.directory).logged(line, kinds)
    except (UnknownUserError, UnknownClientError) as gone:
        return _Now(why_not=f"{line.who or 'who called'} cannot be explained: {gone}")
    return _Now(explain(plan, call, caller))


def _print_json(fields: dict[str, Any], line: LoggedCall, now: _Now) -> None:
    from sumun.explain.logged import happened
    from sumun.explain.shapes import as_json

    told = {
        "logged": fields,
        "answered_by": line.said.value,
        "happened": happened(line),
        "now": None if now.explanation is None else as_json(now.explanation),
        "why_not": now.why_not or None,
    }
    print_json(told)
