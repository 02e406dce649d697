"""Explanation: everything about one call and one caller that people ask about."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.access import Access, Allow, Decision, Evidence, Proven, Refuse, decide
from sumun.access.remedy import Remedy, remedy_for, roles_that_would_do
from sumun.access.shadow import ShadowSays, otherwise
from sumun.config.calls import STATUS_OF, Call, NotServed, rule_of, serve, shadow_of
from sumun.config.closest import closest
from sumun.config.plan import Plan, Route
from sumun.explain.caller import Caller
from sumun.explain.cures import Cure, cure_of
from sumun.explain.rights import HeldRight, held_rights


@dataclass(frozen=True, slots=True)
class Explanation:
    """One call explained.

    `route` is the route that serves the call, or why none does; then there is no decision. `rights` are the caller's,
    when there is a caller. `remedy` and `roles` (each alone would do) are there when a change of what the caller holds
    would allow the call; `cure` says what to do in words, for every refusal. `shadow` is how the route's shadow rule,
    which only reports, would decide otherwise. `nearest`: when no route has the path, the
    route whose path is a few slips away.
    """

    call: Call
    route: Route | NotServed
    caller: Caller
    rights: tuple[HeldRight, ...] = ()
    decision: Decision | None = None
    remedy: Remedy | None = None
    roles: tuple[str, ...] = ()
    cure: Cure | None = None
    shadow: ShadowSays | None = None
    nearest: Route | None = None

    @property
    def status(self) -> int | None:
        """The status of the refusal; None when the call is allowed and its service says what it likes."""
        if isinstance(self.route, NotServed):
            return self.route.status
        return STATUS_OF[self.decision.reason] if isinstance(self.decision, Refuse) else None


def explain(plan: Plan, call: Call, caller: Caller) -> Explanation:
    """Explain one call of one caller under a plan. The decision is that of `access.decide()`."""
    route = serve(plan.routes, call)
    evidence = caller.evidence
    rights = held_rights(evidence.principal, plan.roles) if isinstance(evidence, Proven) else ()
    if isinstance(route, NotServed):
        return Explanation(call, route, caller, rights, nearest=_nearest(plan, call, route))
    rule = rule_of(route)
    decision = decide(rule, evidence, plan.roles, internal=call.internal)
    shadow = _shadow(route, decision, evidence, plan)
    if isinstance(decision, Allow):
        return Explanation(call, route, caller, rights, decision, shadow=shadow)
    remedy: Remedy | None = None
    roles: tuple[str, ...] = ()
    if isinstance(evidence, Proven) and route.access is Access.PROTECTED:
        remedy = remedy_for(rule, evidence, plan.roles, internal=call.internal)
        roles = roles_that_would_do(rule, evidence, plan.roles, internal=call.internal)
    cure = cure_of(decision, caller, remedy, roles, plan.roles)
    return Explanation(call, route, caller, rights, decision, remedy, roles, cure, shadow)


def _nearest(plan: Plan, call: Call, why_not: NotServed) -> Route | None:
    if why_not.allowed or why_not.hidden is not None:
        return None
    routes = [
        route
        for route in plan.routes
        if route.host in ("", call.host) and (call.internal or route.access is not Access.INTERNAL)
    ]
    # Of a path that has several, the one for the call's method.
    routes.sort(key=lambda route: not route.methods or call.method in route.methods)
    seen = {route.path: route for route in routes}
    path = closest(call.path, seen)
    return None if path is None else seen[path]


def _shadow(route: Route, decision: Decision, evidence: Evidence, plan: Plan) -> ShadowSays | None:
    asked = shadow_of(route)
    if asked is None or not isinstance(evidence, Proven):
        return None
    return otherwise(decision, decide(asked, evidence, plan.roles))
