"""The states of the route tree as HAProxy maps.

    map             looked up by          key                       value
    hosts.map       exact                 host, lower case          its short name, `h1`; unnamed hosts are `-`
    ends.map        exact                 METHOD:/products/*/       answer
    steps.map       longest prefix        /products/                `=/products/` a placeholder may follow; `:` none may
    rests.map       longest prefix        METHOD:/files/            answer
    allow.map       exact                 /products/*/              methods, for `Allow` (RFC 9110 10.2.1)
    allow-rest.map  longest prefix        /files/                   the same

All but the first exist once for each listener (`public.ends.map`), because an internal route
exists only on the internal one. An answer is `backend|route id|flags`. Before every path stands the short name of its host, when any route names a host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sumun.config.plan import NOWHERE, Place
from sumun.haproxy.quoting import map_key, map_value
from sumun.haproxy.route_tree import MOST_STATES, State, Target, states
from sumun.haproxy.sections import File, Line

HOSTS = "hosts.map"
ANY_HOST = "-"

HIDDEN = "refuse|-|"
"""The answer for a route that does not exist on this listener: 404, and never named in `Allow`."""

NO_METHODS = "none"


@dataclass(frozen=True, slots=True)
class RouteMaps:
    """The maps of one listener. `steps` is how many placeholders a path has at most; `has_rests` whether any `**` is there."""

    listener: str
    files: tuple[File, ...]
    has_hosts: bool
    steps: int
    has_rests: bool


@dataclass(slots=True)
class _Rows:
    """Rows on their way into map files."""

    ends: dict[str, str]
    steps: dict[str, str]
    rests: dict[str, str]
    allow: dict[str, str]
    allow_rest: dict[str, str]


def route_maps(
    listener: str, targets: Iterable[Target], hosts: tuple[str, ...], places: Mapping[str, Place]
) -> RouteMaps:
    """The maps of one listener from what it routes. `hosts` are all that any route names; `places` by answer.

    Raises RouteTableTooLargeError, and UnquotableError for a path that no map can hold.
    """
    targets = tuple(targets)
    rows = _Rows({}, {}, {}, {}, {})
    all_states: list[State] = []
    for number, host in enumerate((*hosts, "")) if hosts else ((0, ""),):
        prefix = "" if not hosts else (f"h{number + 1}" if host else ANY_HOST)
        here = (target for target in targets if target.host in (host, ""))
        some = states(here, prefix, MOST_STATES - len(all_states))
        _fill(rows, some)
        all_states += some
    return RouteMaps(
        listener,
        tuple(
            _file(f"{listener}.{name}.map", table, places)
            for name, table in (
                ("ends", rows.ends),
                ("steps", rows.steps),
                ("rests", rows.rests),
                ("allow", rows.allow),
                ("allow-rest", rows.allow_rest),
            )
        ),
        bool(hosts),
        max((state.text.count("*") for state in all_states), default=0),
        bool(rows.rests),
    )


def hosts_file(hosts: tuple[str, ...]) -> File:
    """Which host has which short name; the order is that of `route_maps`."""
    return _file(HOSTS, {host: f"h{number + 1}" for number, host in enumerate(hosts)}, {})


def _fill(rows: _Rows, some: list[State]) -> None:
    """Add the rows of one host's states, which come sorted: a state stands behind those above it."""
    root = some[0]
    above: list[State] = []
    for state in some:
        while above and not state.text.startswith(above[-1].text):
            above.pop()
        parent = above[-1] if above else replace(root, text="", rest={}, takes_placeholder=False)
        for method, answer in state.exact.items():
            rows.ends[f"{method}:{state.text}"] = answer
        if state.takes_placeholder:
            rows.steps[state.text] = f"={state.text}"
        elif any(one.takes_placeholder for one in above):
            # Without this row the walk would go back to a placeholder further up, which this literal has ruled out.
            rows.steps[state.text] = ":"
        for method, answer in state.rest.items():
            if parent.rest.get(method) != answer:
                rows.rests[f"{method}:{state.text}"] = answer
        if state.exact:
            rows.allow[state.text] = _methods({**state.rest, **state.exact})
        if (methods := _methods(state.rest)) != _methods(parent.rest):
            rows.allow_rest[state.text] = methods
        above.append(state)


def _methods(answers: Mapping[str, str]) -> str:
    """The methods that are answered by more than a 404, as in `Allow`."""
    return ", ".join(sorted(m for m, answer in answers.items() if answer != HIDDEN)) or NO_METHODS


def _file(name: str, table: Mapping[str, str], places: Mapping[str, Place]) -> File:
    return File(
        name,
        tuple(
            Line(f"{map_key(key)} {map_value(value)}", places.get(value, NOWHERE))
            for key, value in sorted(table.items())
        ),
    )
