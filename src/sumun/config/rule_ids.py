"""Rule ids: routes that ask for the same thing, for the same service, share one short id.

What HAProxy keeps is keyed by rule id and not by route, so it is as small with 10,000 routes as with ten
(docs/decisions/0001). Ids are counted in the order of the file, so the same plan gives the same ids.
"""

from __future__ import annotations

from collections.abc import Mapping

from sumun.access import Access, Requirement, TokenKind
from sumun.config.plan import Plan, Route, Service, ServiceProtocol, Shadow

NEVER_KEPT = "-"
"""The id of routes whose decisions are not kept: every call is asked."""

_Same = tuple[str, Requirement, frozenset[TokenKind], Shadow | None, str | None]


def rule_ids(plan: Plan) -> Mapping[str, str]:
    """Route id -> rule id."""
    known: dict[_Same, str] = {}
    return {
        route.id: known.setdefault(
            (route.service, route.requirement, route.kinds, route.shadow, route.audience), str(len(known) + 1)
        )
        if _is_kept(route, plan.services[route.service])
        else NEVER_KEPT
        for route in plan.routes
    }


def _is_kept(route: Route, service: Service) -> bool:
    """Public and internal routes are never asked. A signed service is handed a token that lives for seconds; a stream
    must be known to who cuts it (gRPC, routes that say so; WebSocket and SSE are told by the request itself): these ask
    every time.
    """
    return (
        route.access is Access.PROTECTED
        and not route.stream
        and not service.signed
        and service.protocol is not ServiceProtocol.H2C
    )
