"""An explanation as lines of text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sumun.access import Allow, Bound, HasPermission, HasRole, Invalid, Missing, Proven, Refuse
from sumun.config.calls import Call, NotServed
from sumun.config.plan import Route
from sumun.explain.caller import Caller
from sumun.explain.explanation import Explanation
from sumun.explain.requirements import listed, requirement_words, shadow_outcome, shadow_words
from sumun.explain.rights import HeldRight

_WIDTH = len("decision  ")


def in_words(one: Explanation) -> list[str]:
    """The whole explanation."""
    lines = [headline(one), *_block("route", route_words(one.route, one.call))]
    if one.nearest is not None:
        lines += _block(
            "", [f"the nearest path is {one.nearest.path}: {one.nearest.id} ({one.nearest.where})"]
        )
    if isinstance(one.route, Route):
        lines += _block("requires", [requirement_words(one.route)])
    lines += _block("caller", _caller(one.caller))
    lines += _block("rights", _rights(one))
    lines += _block("decision", _decision(one))
    lines += _block("shadow", _shadow(one))
    if one.cure is not None:
        lines += _block("to allow", _cure(one))
    return lines + _block("assumed", one.caller.assumed)


def headline(one: Explanation) -> str:
    """The outcome in one line."""
    return f"{one.call.method} {one.call.path} by {one.caller.words}: {outcome(one)}"


def outcome(one: Explanation) -> str:
    """`allowed`, or the status and why."""
    match one.decision:
        case Allow():
            return "allowed"
        case Refuse(reason):
            return f"refused, {one.status} {reason}"
    return f"refused, {one.status}: no route serves it"


def _block(name: str, lines: Iterable[str]) -> list[str]:
    heads = [name.ljust(_WIDTH)]
    return [f"{heads.pop() if heads else ' ' * _WIDTH}{line}".rstrip() for line in lines]


def route_words(route: Route | NotServed, call: Call) -> list[str]:
    """The route that serves a call, or why none does."""
    if isinstance(route, Route):
        return [f"{route.id}, to the service {route.service} ({route.where})"]
    if route.hidden is not None:
        return [
            f"none on this listener (404): {route.hidden.id} ({route.hidden.where}) is for callers on the internal one"
        ]
    if route.allowed:
        return [f"none for {call.method} (405): this path is served for {listed(route.allowed, 'and')}"]
    return ["none (404): no route has this host and path"]


def _caller(caller: Caller) -> Iterator[str]:
    evidence = caller.evidence
    match evidence:
        case Missing():
            yield "nobody: no credential is sent"
        case Invalid(because):
            yield f"{caller.words}; proves nothing: {because}"
        case Bound(proven):
            yield f"{caller.words}; proves nothing without a proof of {proven.bound_to}"
        case Proven(principal, kind):
            through = f" through the client {principal.client_id}" if principal.client_id else ""
            token = f", {principal.token_id}" if principal.token_id else ""
            yield f"{principal.subject}{through}, with {kind.words}{token}"
            yield f"scopes {' '.join(sorted(map(str, principal.scopes))) or 'none'}"
            if principal.audience:
                yield f"only for {listed(sorted(principal.audience), 'and')}"
            yield _roles(principal.roles, principal.active_roles())


def _roles(held: frozenset[str], active: frozenset[str]) -> str:
    if not held:
        return "no role"
    off = held - active
    cut = (
        f" (the scopes leave out {listed(sorted(off), 'and')}; what it bundles counts as below)"
        if off
        else ""
    )
    return f"role{'s' * (len(held) > 1)} {listed(sorted(held), 'and')}{cut}"


def _rights(one: Explanation) -> Iterator[str]:
    if not isinstance(one.caller.evidence, Proven):
        return
    if not one.rights:
        yield "none"
    width = max((len(str(right.permission)) for right in one.rights), default=0)
    for right in one.rights:
        yield f"{right.permission!s:<{width}}  {_source(right)}"


def _source(right: HeldRight) -> str:
    source = f"from the role {right.role}" if right.role else "held directly"
    if right.is_whole:
        return source
    if not right.left:
        return f"{source}, but no scope of the token covers it"
    return f"{source}, narrowed by the scopes to {listed(list(map(str, right.left)), 'and')}"


def _decision(one: Explanation) -> Iterator[str]:
    match one.decision:
        case None:
            yield f"none was asked for: {one.status}"
        case Allow():
            yield "allow"
        case Refuse(reason, missing, because):
            yield f"refuse ({one.status}): {reason}"
            if because is not None:
                yield f"because the token is {because}"
            if missing:
                yield f"missing {listed(sorted(map(leaf_words, missing)), 'and')}"


def leaf_words(leaf: HasPermission | HasRole) -> str:
    """`product:delete`, `the role admin`."""
    return str(leaf.permission) if isinstance(leaf, HasPermission) else f"the role {leaf.role}"


def _shadow(one: Explanation) -> Iterator[str]:
    shadow = one.route.shadow if isinstance(one.route, Route) else None
    if shadow is None:
        return
    yield f"only reports: {shadow_words(shadow)} ({shadow.where})"
    if one.shadow is not None:
        yield f"it would {shadow_outcome(one.shadow)}"


def _cure(one: Explanation) -> Iterator[str]:
    cure = one.cure
    if cure is None:
        return
    yield from cure.steps
    for command in cure.commands:
        yield f"  {command}"
    if cure.instead:
        yield "or instead" + (" one of these" if len(cure.instead) > 1 else "")
        for command in cure.instead:
            yield f"  {command}"
