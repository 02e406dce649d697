"""An explanation as JSON, for programs. The names stay; what is unknown is null."""

from __future__ import annotations

from typing import Any

from sumun.access import Allow, Bound, HasPermission, Invalid, Missing, Proven, Refuse
from sumun.access.remedy import Remedy
from sumun.config.calls import NotServed
from sumun.config.plan import Route
from sumun.explain.caller import Caller
from sumun.explain.explanation import Explanation
from sumun.explain.requirements import requirement_words, shadow_words


def as_json(one: Explanation) -> dict[str, Any]:
    """The whole explanation as plain values."""
    call = one.call
    return {
        "call": {
            "method": call.method,
            "path": call.path,
            "host": call.host or None,
            "listener": "internal" if call.internal else "public",
        },
        "allowed": isinstance(one.decision, Allow),
        "status": one.status,
        **_route(one.route),
        "nearest_route": None if one.nearest is None else one.nearest.id,
        "caller": _caller(one.caller),
        "rights": [
            {
                "permission": str(right.permission),
                "role": right.role or None,
                "left": [str(left) for left in right.left],
            }
            for right in one.rights
        ],
        **_decision(one),
        "shadow": None
        if one.shadow is None
        else {"outcome": one.shadow.outcome, "detail": one.shadow.detail or None},
        "change": None if one.remedy is None else _remedy(one.remedy),
        "roles_that_would_do": list(one.roles),
        "steps": list(one.cure.steps) if one.cure else [],
        "commands": list(one.cure.commands) if one.cure else [],
        "assumed": list(one.caller.assumed),
    }


def _route(route: Route | NotServed) -> dict[str, Any]:
    if isinstance(route, Route):
        told = {
            "id": route.id,
            "where": str(route.where),
            "service": route.service,
            "access": route.access.value,
            "requires": requirement_words(route),
            "tokens": sorted(route.kinds),
            "shadow": None if route.shadow is None else shadow_words(route.shadow),
        }
        return {"route": told, "methods": None, "internal_route": None}
    return {
        "route": None,
        "methods": list(route.allowed),
        "internal_route": route.hidden.id if route.hidden else None,
    }


def _caller(caller: Caller) -> dict[str, Any]:
    evidence = caller.evidence
    match evidence:
        case Missing():
            return {"state": "missing", "because": None, "subject": None}
        case Invalid(because):
            return {"state": "invalid", "because": because.value, "subject": None}
        case Bound(proven):
            return {"state": "bound", "because": None, "subject": str(proven.principal.subject)}
        case Proven(principal, kind):
            return {
                "state": "proven",
                "because": None,
                "subject": str(principal.subject),
                "client": principal.client_id,
                "token_kind": kind.value,
                "token_id": principal.token_id,
                "own_rights": caller.own_rights,
                "roles": sorted(principal.roles),
                "active_roles": sorted(principal.active_roles()),
                "scopes": sorted(map(str, principal.scopes)),
                "audience": sorted(principal.audience),
            }


def _decision(one: Explanation) -> dict[str, Any]:
    refused = one.decision if isinstance(one.decision, Refuse) else None
    missing = refused.missing if refused else frozenset()
    return {
        "reason": refused.reason.value if refused else None,
        "because": refused.because.value if refused and refused.because else None,
        "missing": sorted(
            str(leaf.permission) if isinstance(leaf, HasPermission) else f"role:{leaf.role}"
            for leaf in missing
        ),
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "roles": sorted(remedy.roles),
        "permissions": sorted(map(str, remedy.permissions)),
        "scopes": sorted(map(str, remedy.scopes)),
        "token_kind": remedy.kind.value if remedy.kind else None,
    }
