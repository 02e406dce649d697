"""The rules that find a request's route: a walk through a map of `route_maps`, a few look-ups long.

1. `txn.p` begins as `GET:/products/17/|`: the method, the path with a slash behind it, the mark of its end.
2. The longest key that it begins with is looked up. Its value is the route, or that there is none, or
   `=12@GET:/products/`: a placeholder may follow there.
3. Then that text is written before the path, `=12@GET:/products/|GET:/products/17/reviews/|`, and one regular
   expression, whose back-references skip the text again, replaces the segment behind it:
   `12@GET:/products/*/reviews/|`, for what follows is of generation 12 whatever is in force by then.
   Back to 2, at most as often as the longest template has placeholders.
4. A value `!GET:/products/;answer` says that one segment must follow, and nothing else: another regular
   expression sees to that, and leaves the answer.

So the number of rules depends on the placeholders of one template, not on how many routes, shapes or hosts there
are, and a path costs one look-up and one more for each placeholder that is not its end. `|`, `*` and `=` before a
colon cannot come from a client: the gate refuses them.
"""

from __future__ import annotations

from sumun.haproxy.quoting import regex
from sumun.haproxy.route_maps import ANY_HOST, HOSTS, NO_ROUTE, PATH_END, RouteMaps

ROUTE = "txn.r"
"""The answer: `backend|route id|flags|generation.rule`, or NO_ROUTE."""

RULE = "txn.rule"
"""`generation.rule` of the answer: what the question and the verdict are about."""

KEEPS_AUTHORIZATION = "k"
"""The flag of a route whose service gets the Authorization header."""

IS_STREAM = "s"
"""The flag of a route whose answers may go on for long, whatever the request looks like."""

TAKES_SESSION = "c"
"""The flag of a route on which the cookie of a browser session is a credential."""

NAMES_OPTIONS = "o"
"""The flag of a route that names OPTIONS, where the gate answers preflights (`cors`): this one's service does."""

METHODS_THERE = "txn.methods"
"""The methods that are routed at this path, or NO_ROUTE: looked up only when the request's own is not."""

NO_ROUTE_FOUND = f"{{ var({ROUTE}) -m str {NO_ROUTE} }}"

# What a path that ends or has an empty segment there becomes begins with `=`, as no key does.
_TAKE_A_SEGMENT = regex(r'regsub("^=([^@|]*@)([^|]*)[|](?:\1)?\2[^/|]+","\1\2*")')
# `!text;answer|path|` becomes the answer if the path is the text and one segment, else NO_ROUTE.
_TAKE_THE_LAST = regex(r'regsub("^!([^;]*);(.*)[|]\1[^/|]+/[|]$","\2")')
_OR_NONE = regex(rf'regsub("^!.*","{NO_ROUTE}")')


def has_flag(flag: str) -> str:
    """The condition that the route has this flag."""
    return f"{{ var({ROUTE}),field(3,|) -m sub {flag} }}"


def find_route(maps: RouteMaps) -> list[str]:
    """The rules, in order. They need `txn.m` and `txn.path`, and set `txn.r` always."""
    return _walk(maps, maps.routes, ROUTE, "txn.p", "txn.m")


def find_methods(maps: RouteMaps) -> list[str]:
    """The rules that set `txn.methods`. They need `txn.path`."""
    return _walk(maps, maps.methods, METHODS_THERE, "txn.q", "")


def _walk(maps: RouteMaps, table: str, found: str, walked: str, method: str) -> list[str]:
    look = f"http-request set-var({found}) var({walked}),map_beg({table},{NO_ROUTE})"
    lines = [f"http-request set-var({walked}) {_begin(maps, method)}", look]
    more = f"if {{ var({found}) -m beg = }}"
    for _ in range(maps.placeholders):
        lines.append(
            f"http-request set-var({walked}) var({found}),concat(|,{walked}),{_TAKE_A_SEGMENT} {more}"
        )
        lines.append(f"{look} {more}")
    lines.append(
        f"http-request set-var({found}) var({found}),concat(|,{walked}),{_TAKE_THE_LAST},{_OR_NONE} "
        f"if {{ var({found}) -m beg ! }}"
    )
    return lines


def _begin(maps: RouteMaps, method: str) -> str:
    path = f"concat(:,txn.path,/{PATH_END})"
    if not maps.has_hosts:
        return f"var({method}),{path}" if method else f"str(),{path}"
    host = f"req.hdr(host),field(1,:),lower,map_str({HOSTS},{ANY_HOST})"
    return f"{host},concat(,{method}),{path}" if method else f"{host},{path}"
