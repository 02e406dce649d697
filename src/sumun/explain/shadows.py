"""Shadow rules over the calls of an access log: what they said of calls, and a plan that obeys them. Pure."""

from __future__ import annotations

from dataclasses import replace

from sumun.access.shadow import ALLOW, ShadowSays
from sumun.config.plan import Plan
from sumun.explain.logged import LoggedCall
from sumun.explain.replay import STATUSES, Changed, Judged, Kind, NotReplayed, Outcome, outcome_of


def told_by(line: LoggedCall) -> Judged:
    """How the shadow rule of its route would have decided a call otherwise, by the line alone."""
    if not line.shadow:
        return None
    was = outcome_of(line)
    if isinstance(was, NotReplayed):
        return was
    says = ShadowSays.parse(line.shadow)
    if says.outcome == ALLOW:
        becomes = Outcome(Kind.ALLOWED, line.backend.partition(".")[2])
    else:
        status = STATUSES.get(says.outcome, 0)
        becomes = Outcome(Kind.REFUSED, status=status, code=says.outcome, detail=says.detail)
    return Changed(f"{line.method} of the route {line.route}", was, becomes)


def in_force(plan: Plan) -> Plan:
    """The plan with its shadow rules in the place of what the routes require."""
    routes = (
        route
        if route.shadow is None
        else replace(route, requirement=route.shadow.requirement, kinds=route.shadow.kinds)
        for route in plan.routes
    )
    return replace(plan, routes=tuple(routes))
