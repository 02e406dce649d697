"""The rules that find a request's route: a walk through the maps of `route_maps`, a few look-ups long.

`txn.p` begins as the path with a slash behind it (and the host's short name before it, when routes name hosts).

1. Is `METHOD:` + `txn.p` an end? Literal routes stop here.
2. The longest state that `txn.p` begins with is looked up. When a placeholder may follow, the next segment is replaced by
   `*`: the state's text is written before the path, `=/products/|/products/17/`, and one regular expression whose
   back-reference skips the same text again makes `/products/*/` of it. In every other case a second one takes the text
   away again. Then 1 is asked again; and so on, as often as any template has placeholders.
3. The longest `**` that `txn.p` begins with.

The number of rules depends on the placeholders of the longest template, not on how many routes, shapes or hosts
there are. Neither `|` nor `*` can come from a client: the gate refuses both.
"""

from __future__ import annotations

from sumun.haproxy.quoting import regex
from sumun.haproxy.route_maps import ANY_HOST, HOSTS, RouteMaps

ROUTE = "txn.r"
"""The answer of the look-up: `backend|route id|flags`. Absent: no route, or not with this method."""

WALKED = "txn.p"
"""The path with placeholders replaced, as far as the walk came."""

_TAKE_A_SEGMENT = r'regsub("^=([^|]*)[|]\1[^/]+","\1*")'
_TAKE_NOTHING = r'regsub("^[=:][^|]*[|]","")'
_NOT_YET = f"unless {{ var({ROUTE}) -m found }}"


def find_route(maps: RouteMaps) -> list[str]:
    """The rules, in order. They set `txn.r` if there is a route, and `txn.p` always."""
    step = (
        f"http-request set-var({WALKED}) var({WALKED}),map_beg({maps.listener}.steps.map),concat(|,{WALKED}),"
        f"{regex(_TAKE_A_SEGMENT)},{regex(_TAKE_NOTHING)} {_NOT_YET}"
    )
    end = f"http-request set-var({ROUTE}) method,concat(:,{WALKED}),map_str({maps.listener}.ends.map)"
    lines = [*_begin(maps), end]
    for _ in range(maps.steps):
        lines += [step, f"{end} {_NOT_YET}"]
    if maps.has_rests:
        rest = f"http-request set-var({ROUTE}) method,concat(:,{WALKED}),map_beg({maps.listener}.rests.map)"
        lines.append(f"{rest} {_NOT_YET}")
    return lines


def find_allowed_methods(maps: RouteMaps) -> list[str]:
    """The rules that set `txn.methods` when the path is known for other methods: asked only when there is no route."""
    return [
        f"http-request set-var(txn.methods) path,concat(/),map_str({maps.listener}.allow.map)"
        if not maps.has_hosts
        else f"http-request set-var(txn.methods) {_host_path()},map_str({maps.listener}.allow.map)",
        (
            f"http-request set-var(txn.methods) var({WALKED}),map_str({maps.listener}.allow.map) "
            "unless { var(txn.methods) -m found }"
        ),
        (
            f"http-request set-var(txn.methods) var({WALKED}),map_beg({maps.listener}.allow-rest.map) "
            "unless { var(txn.methods) -m found }"
        ),
    ]


def _begin(maps: RouteMaps) -> list[str]:
    if not maps.has_hosts:
        return [f"http-request set-var({WALKED}) path,concat(/)"]
    return [
        "http-request set-var(txn.slashed) path,concat(/)",
        f"http-request set-var({WALKED}) {_host_path()}",
    ]


def _host_path() -> str:
    return f"req.hdr(host),field(1,:),lower,map_str({HOSTS},{ANY_HOST}),concat(,txn.slashed)"
