"""The route of a call, for many calls: a tree of the paths' segments, read once from the left for each call.

The rule is `precedence`; a property test holds this to it. At each segment text is tried before `{name}`, and `**`
when nothing deeper was found: that is the order of the rule, so the first route found is the one that serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sumun.access import Access
from sumun.config.calls import METHOD_NOT_ALLOWED, NOT_FOUND, Call, NotServed
from sumun.config.paths import PathKind, parse_path
from sumun.config.plan import METHODS, Route
from sumun.config.precedence import is_own


@dataclass(slots=True)
class _Node:
    """The routes whose path ends here, and those that go on; by method."""

    text: dict[str, _Node] = field(default_factory=dict)
    name: _Node | None = None
    ends: dict[str, Route] = field(default_factory=dict)
    rest: dict[str, Route] = field(default_factory=dict)


class RouteIndex:
    """The routes of one plan."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Sort them once."""
        self._roots: dict[str, _Node] = {}
        for route in routes:
            self._add(route)

    def serve(self, call: Call) -> Route | NotServed:
        """The same as `calls.serve` with all of them."""
        if is_own(call.path):
            return NotServed(NOT_FOUND)
        parts = call.path[1:].split("/") if call.path != "/" else []
        hosts = (call.host, "") if call.host else ("",)
        roots = [root for host in hosts if (root := self._roots.get(host)) is not None]
        for root in roots:
            for by_method in _matching(root, parts, 0):
                route = by_method.get(call.method)
                if route is None:
                    continue
                if route.access is Access.INTERNAL and not call.internal:
                    return NotServed(NOT_FOUND, (), route)
                return route
        allowed = {
            method for root in roots for by_method in _matching(root, parts, 0) for method in by_method
        }
        return NotServed(METHOD_NOT_ALLOWED if allowed else NOT_FOUND, tuple(sorted(allowed)))

    def _add(self, route: Route) -> None:
        pattern = parse_path(route.path)
        node = self._roots.setdefault(route.host, _Node())
        for segment in pattern.segments:
            if segment is None:
                node.name = node.name or _Node()
                node = node.name
            else:
                node = node.text.setdefault(segment, _Node())
        here = node.rest if pattern.kind is PathKind.PREFIX else node.ends
        for method in route.methods or METHODS:
            here.setdefault(method, route)


def _matching(node: _Node, parts: Sequence[str], at: int) -> Iterator[dict[str, Route]]:
    """The routes of every pattern that matches, the most literal first."""
    if at == len(parts):
        yield node.ends
    else:
        part = parts[at]
        deeper = node.text.get(part)
        if deeper is not None:
            yield from _matching(deeper, parts, at + 1)
        if part and node.name is not None:
            yield from _matching(node.name, parts, at + 1)
    yield node.rest
