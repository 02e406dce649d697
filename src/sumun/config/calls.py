"""One call, and what the routes of a plan say of it: which one serves it, or why none. For `explain` and policy tests.

The rule is `precedence`; the decision is `access.decide()`. The statuses are those that HAProxy and `answers` give; a
test holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sumun.access import Reason, Rule
from sumun.config.canonical import is_canonical
from sumun.config.plan import METHODS, Route
from sumun.config.precedence import allowed_methods, find, is_own
from sumun.config.refused import RefusedError

CALLS = "a method and a path, such as DELETE /products/1"

STATUS_OF: Mapping[Reason, int] = {
    Reason.NO_CREDENTIAL: 401,
    Reason.INVALID_TOKEN: 401,
    Reason.INVALID_PROOF: 401,
    Reason.NONCE_WANTED: 401,
    Reason.WRONG_TOKEN_KIND: 401,
    Reason.INSUFFICIENT_SCOPE: 403,
    Reason.NOT_INTERNAL: 403,
}
"""What the caller is told for each reason of a refusal."""

NOT_FOUND, METHOD_NOT_ALLOWED = 404, 405


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as far as routes see it. `host` is lower case without port; empty: a host that no route names."""

    method: str
    path: str
    host: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True)
class NotServed:
    """No route serves a call: 404 or 405. `allowed` are the methods that would find one.

    `hidden` is the internal route that would serve it on the internal listener.
    """

    status: int
    allowed: tuple[str, ...] = ()
    hidden: Route | None = None


def serve(routes: Sequence[Route], call: Call) -> Route | NotServed:
    """The route that serves a call, or why none does."""
    route = find(routes, call.host, call.method, call.path, internal=call.internal)
    if route is not None:
        return route
    allowed = allowed_methods(routes, call.host, call.path)
    if call.method in allowed:
        return NotServed(NOT_FOUND, (), find(routes, call.host, call.method, call.path, internal=True))
    return NotServed(METHOD_NOT_ALLOWED if allowed else NOT_FOUND, allowed)


def rule_of(route: Route) -> Rule:
    """What a route asks of its callers."""
    return Rule(route.id, route.access, route.requirement, route.kinds, route.audience)


def shadow_of(route: Route) -> Rule | None:
    """What its shadow rule asks of them; None when it has none. It decides nothing."""
    shadow = route.shadow
    return (
        None
        if shadow is None
        else Rule(route.id, route.access, shadow.requirement, shadow.kinds, route.audience)
    )


def bare_host(host: str) -> str:
    """A Host header as routes see it: lower case, without the port; an IPv6 address keeps its brackets."""
    lower = host.lower()
    return lower[: lower.find("]") + 1] if lower.startswith("[") else lower.partition(":")[0]


def parse_call(text: str) -> tuple[str, str]:
    """Method and path of `DELETE /products/1`. Raises RefusedError."""
    method, blank, path = text.partition(" ")
    if not blank:
        raise RefusedError("is not a method and a path", CALLS)
    return check_method(method), check_path(path)


def check_method(method: str) -> str:
    """A method that a route can name. Raises RefusedError."""
    if method in METHODS:
        return method
    mend = f"write {method.upper()}" if method.upper() in METHODS else ""
    raise RefusedError("does not begin with a method that routes can name", ", ".join(METHODS), mend)


def check_path(path: str) -> str:
    """A path that the gate would pass on to the routes. Raises RefusedError."""
    if "?" in path or "#" in path:
        raise RefusedError("has a query or a fragment; routes look at the path only", CALLS)
    if not path.startswith("/"):
        there = "/" + re.sub(r"^\w+://[^/]*/?", "", path)
        raise RefusedError(
            "does not begin with a slash", CALLS, f"write {there}" if is_canonical(there) else ""
        )
    if not is_canonical(path):
        raise RefusedError("has a path that the gate refuses (400), whatever the routes say", CALLS)
    if is_own(path):
        raise RefusedError("is a path that sumun answers itself, no route", "a path of the routes")
    return path
