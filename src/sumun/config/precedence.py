"""Which route serves a request: the rule, stated once, slow and obvious.

HAProxy's maps are built to give the same answer fast; tests hold them against this.

1. Our own paths (`plan.OWN_PATHS` and all below them) are never a route's.
2. A route is a candidate when its host (or any host), its path and its method (or any method) match.
3. Of the candidates: one that names the host before one for any host; then the most literal path, read from the left:
   at the first segment in which two differ, text beats `{name}` beats `**`. So an exact path beats every other, and the
   longer prefix the shorter.
4. No candidate: 405 with every method that would have found one, or 404 when there is none.

The method takes part in 2, so `GET /products/new` and `DELETE /products/{id}` serve side by side, and a
`DELETE /products/new` is the second one's. The compiler refuses two routes with the same host, shape and method, so
the order of the file never matters. A route for internal callers keeps its place on every listener: elsewhere it is
answered 404, and nothing less literal takes the request over.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from sumun.access import Access
from sumun.config.paths import PathPattern, parse_path
from sumun.config.plan import METHODS, OWN_PATHS, Route


def is_own(path: str) -> bool:
    """Whether a canonical request path is answered by sumun itself."""
    return any(path == own or path.startswith(f"{own}/") for own in OWN_PATHS)


def find(
    routes: Iterable[Route], host: str, method: str, path: str, *, internal: bool = False
) -> Route | None:
    """The route that serves this request, or None.

    `host` is lower case without port, `path` canonical, `internal` says that it came by the internal listener.
    """
    if is_own(path):
        return None
    candidates = [r for r in _on_path(routes, host, path) if method in (r.methods or METHODS)]
    best = min(candidates, key=lambda r: (not r.host, _pattern(r.path).rank), default=None)
    hidden = best is not None and best.access is Access.INTERNAL and not internal
    return None if hidden else best


def allowed_methods(routes: Iterable[Route], host: str, path: str) -> tuple[str, ...]:
    """The methods that find a route at this host and path, sorted: the `Allow` of a 405. Empty: 404."""
    if is_own(path):
        return ()
    return tuple(sorted({m for r in _on_path(routes, host, path) for m in r.methods or METHODS}))


def _on_path(routes: Iterable[Route], host: str, path: str) -> list[Route]:
    return [r for r in routes if r.host in ("", host) and _pattern(r.path).matches(path)]


@functools.lru_cache(maxsize=16384)
def _pattern(path: str) -> PathPattern:
    return parse_path(path)
