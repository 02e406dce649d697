"""The states of the route tree as HAProxy maps.

    map          looked up by     key                    value
    hosts        exact            host, lower case       its short name, `h1/`; others are `-/`
    routes       longest prefix   GET:/products/17/|     see below
    methods      longest prefix   :/products/17/|        the methods that are routed there, as in `Allow`; and behind
                                                         them `|shop:GET, PUT` for each service with CORS (`cors`)

A key is the text of a state, or that text with `|` behind it, which stands for the end of the path. Its value is

    backend|route id|flags|12.3   the answer: this route, of generation 12, by rule 3
    =12@GET:/shops/               a placeholder may follow: replace the next segment by `*` and look again, `12@` before
    !GET:/products/;answer        a placeholder and then the end must follow: if so, this is the answer
    .                             no route

so a path is found with one look-up, and one more for each placeholder that is not its end (`routes`). A key with a
placeholder in it begins with the number of its generation: so all look-ups of one request find what the first one
found, though the maps may be switched meanwhile (`route_switch`). A key whose value is what a shorter key says already
is left out. All but hosts exist once for each listener (`public.routes.map`), because an internal route exists only on
the internal one. Before every text stands the short name of its host, when any route names a host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from sumun.config.plan import METHODS, NOWHERE, Place
from sumun.haproxy.quoting import map_key, map_value
from sumun.haproxy.route_tree import MOST_STATES, State, Target, states
from sumun.haproxy.sections import File, Line

HOSTS = "hosts.map"
ANY_HOST = "-/"

HIDDEN = "refuse|-|"
"""The answer for a route that does not exist on this listener: 404, and never named in `Allow`."""

NO_ROUTE = "."
PATH_END = "|"
OF = "@"
"""Behind the number of a generation, at the beginning of a key. No request's method and no host's short name has it."""


@dataclass(frozen=True, slots=True)
class RouteMaps:
    """The maps of one listener. `placeholders` is how many a path has at most."""

    listener: str
    files: tuple[File, ...]
    has_hosts: bool
    placeholders: int

    @property
    def routes(self) -> str:
        """File of the map that finds a route."""
        return f"{self.listener}.routes.map"

    @property
    def methods(self) -> str:
        """File of the map that finds the methods of a path."""
        return f"{self.listener}.methods.map"


def route_maps(
    listener: str,
    targets: Iterable[Target],
    hosts: tuple[str, ...],
    places: Mapping[str, Place],
    generation: int,
    by_service: Collection[str] = (),
) -> RouteMaps:
    """The maps of one listener from what it routes. `hosts` are all that any route names; `places` by answer.

    `by_service`: the services whose methods at a path are told beside all of them.

    Raises RouteTableTooLargeError, and UnquotableError for a path that no map can hold.
    """
    targets = tuple(targets)
    routes: dict[str, str] = {}
    methods: dict[str, str] = {}
    allow = _allow_by_service(by_service) if by_service else _allow
    for host, short in _short_names(hosts):
        here = [target for target in targets if target.host in (host, "")]
        for method in METHODS:
            taking = [target for target in here if method in (target.methods or METHODS)]
            some = states(taking, f"{short}{method}:", MOST_STATES - len(routes))
            routes |= _rows(some, generation, _route_for(method))
        methods |= _rows(states(here, f"{short}:"), generation, allow)
    return RouteMaps(
        listener,
        (_file(f"{listener}.routes.map", routes, places), _file(f"{listener}.methods.map", methods, places)),
        bool(hosts),
        max(text.count("*") for text in (*routes, *methods)),
    )


def hosts_file(hosts: tuple[str, ...]) -> File:
    """Which host has which short name."""
    return _file(HOSTS, {host: short for host, short in _short_names(hosts) if host}, {})


def _short_names(hosts: tuple[str, ...]) -> list[tuple[str, str]]:
    if not hosts:
        return [("", "")]
    # A method may begin with a digit but holds no slash (RFC 9110 5.6.2): `1GET` of h1 is not `GET` of h11.
    return [*((host, f"h{number}/") for number, host in enumerate(hosts, 1)), ("", ANY_HOST)]


def _rows(
    some: list[State], generation: int, value: Callable[[Mapping[str, str]], str | None]
) -> dict[str, str]:
    """The rows of one host's states, which come sorted: a state stands behind those above it."""
    rows: dict[str, str] = {}
    last = _last_placeholders(some, value)
    above: list[tuple[str, str]] = [("", NO_ROUTE)]
    for state in some:
        while not state.text.startswith(above[-1][0]):
            above.pop()
        if state.text.removesuffix("*/") in last and state.text.endswith("*/"):
            continue
        rest = value(state.rest)
        walked = f"{generation}{OF}{state.text}"
        key = walked if "*" in state.text else state.text
        if state.text in last:
            own = f"!{key};{last[state.text]}"
        else:
            own = f"={walked}" if state.takes_placeholder else rest or NO_ROUTE
        if own != above[-1][1]:
            rows[key] = own
        if state.exact:
            rows[f"{key}{PATH_END}"] = value({**state.rest, **state.exact}) or NO_ROUTE
        elif rest is not None and state.takes_placeholder:
            rows[f"{key}{PATH_END}"] = rest
        if rest is not None and state.takes_placeholder:
            # An empty segment is no placeholder's: what stands here holds unless a template ends with a slash.
            rows[f"{key}/"] = rest
        above.append((state.text, own))
    return rows


def _last_placeholders(some: list[State], value: Callable[[Mapping[str, str]], str | None]) -> dict[str, str]:
    """The states whose placeholder is the end of the path, whatever it is: state -> answer."""
    parents = {state.text[:-1].rpartition("/")[0] + "/" for state in some}
    found = {}
    for state in some:
        above = state.text.removesuffix("*/")
        answer = value(state.exact)
        if above != state.text and answer and state.text not in parents and value(state.rest) is None:
            found[above] = answer
    return found


def _route_for(method: str) -> Callable[[Mapping[str, str]], str | None]:
    return lambda answers: answers.get(method)


def _allow(answers: Mapping[str, str]) -> str | None:
    """The methods that are answered by more than a 404 (RFC 9110 10.2.1)."""
    return ", ".join(sorted(m for m, answer in answers.items() if answer != HIDDEN)) or None


def _allow_by_service(services: Collection[str]) -> Callable[[Mapping[str, str]], str | None]:
    """The same, and which of them each of these services takes."""

    def allow(answers: Mapping[str, str]) -> str | None:
        everything = _allow(answers)
        if everything is None:
            return None
        taken: dict[str, list[str]] = {}
        for method, answer in sorted(answers.items()):
            taken.setdefault(answer.partition("|")[0].partition(".")[2], []).append(method)
        return "|".join(
            (everything, *(f"{one}:{', '.join(taken[one])}" for one in sorted({*taken} & {*services})))
        )

    return allow


def _file(name: str, table: Mapping[str, str], places: Mapping[str, Place]) -> File:
    return File(
        name,
        tuple(
            Line(f"{map_key(key)} {map_value(value)}", places.get(_answer_in(value), NOWHERE))
            for key, value in sorted(table.items())
        ),
    )


def _answer_in(value: str) -> str:
    return value.partition(";")[2] if value.startswith("!") else value
