"""Plan -> the files of one generation. Pure: the same plan gives the same bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from sumun.access import Access, TokenKind
from sumun.config.plan import OWN_PATHS, Place, Plan, Route, has_browsers, takes_sessions
from sumun.config.rule_ids import NEVER_KEPT, rule_ids
from sumun.haproxy import cors
from sumun.haproxy.backends import (
    ask_backend,
    known_backend,
    open_backend,
    own_backends,
    resolvers,
)
from sumun.haproxy.frontends import HEALTHZ, OWN, operator_frontend, routed_frontend
from sumun.haproxy.known import files as known_files
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.quoting import map_field
from sumun.haproxy.rates import RouteLimits, call_limits, route_limits
from sumun.haproxy.rates import files as rate_files
from sumun.haproxy.redirect import redirect_frontend
from sumun.haproxy.refusal_pages import files as page_files
from sumun.haproxy.refusals import UNREAD, error_file
from sumun.haproxy.render_spoe import render_spoe
from sumun.haproxy.route_maps import HIDDEN, RouteMaps, hosts_file, route_maps
from sumun.haproxy.route_tree import Target
from sumun.haproxy.routes import IS_STREAM, KEEPS_AUTHORIZATION, NAMES_OPTIONS, TAKES_SESSION
from sumun.haproxy.sections import File, Files, Section, file_of
from sumun.haproxy.session_cookies import as_credential, take
from sumun.haproxy.tls import tell_scheme
from sumun.haproxy.trailers import filter_files
from sumun.haproxy.whole_process import defaults_section, global_section

CONFIGURATION = "haproxy.cfg"

# Nothing shadows them: tier 0 is asked before any route, on every host.
_OWN_TARGETS = (
    *(Target("", f"{path}/**", (), f"{OWN}|-|", tier=0) for path in OWN_PATHS),
    Target("", "/healthz", (), f"{HEALTHZ}|-|", tier=0),
)


def render(plan: Plan, generation: int, paths: RuntimePaths) -> Files:
    """The files of generation `generation` of this plan: haproxy.cfg, the SPOE file, the maps; sorted by name.

    Only the maps of routes know the number, and only they know what routes need. So what changes nothing else can be
    switched in a worker that goes on serving (`route_switch`).

    Raises UnquotableError for a text that no HAProxy file can hold, RouteTableTooLargeError for routes that
    combine into too many cases. What HAProxy itself thinks of the files is for `check` to find out.
    """
    hosts = tuple(sorted({route.host for route in plan.routes if route.host}))
    rules = rule_ids(plan)
    limits = route_limits(plan)
    speaks_for = cors.open_services(plan)
    public = _maps("public", plan.routes, hosts, rules, limits, generation, speaks_for)
    shadows = any(route.shadow for route in plan.routes)
    frontend = partial(
        routed_frontend,
        limits=plan.limits,
        shadows=shadows,
        browsers=has_browsers(plan),
        sessions=take(plan) if takes_sessions(plan) else (),
    )
    sections = [
        global_section(plan, paths),
        defaults_section(plan),
        frontend("public", plan.listen, public, tls=plan.tls.get("public"), cors=cors.rules(plan)),
    ]
    files = [*public.files]
    if plan.internal is not None:
        internal = _maps("internal", plan.routes, hosts, rules, limits, generation)
        sections.append(frontend("internal", plan.internal, internal, tls=plan.tls.get("internal")))
        files += internal.files
    if plan.operator is not None:
        sections.append(operator_frontend(plan.operator, plan.limits, plan.tls.get("operator")))
    sections += redirect_frontend(plan)
    sections += _service_backends(plan, rules, limits)
    sections += own_backends(plan, limits, paths)
    sections += resolvers(plan.services.values())
    files += [
        file_of(CONFIGURATION, sections),
        render_spoe(plan),
        *map(error_file, UNREAD),
        *known_files(),
        *rate_files(plan),
        *(page_files() if takes_sessions(plan) else ()),
        *cors.files(plan),
        *filter_files(plan.services.values()),
    ]
    if hosts:
        files.append(hosts_file(hosts))
    return Files(generation, tuple(sorted(files, key=lambda file: file.name)))


def _maps(
    listener: str,
    routes: Iterable[Route],
    hosts: tuple[str, ...],
    rules: Mapping[str, str],
    limits: RouteLimits,
    generation: int,
    by_service: Collection[str] = (),
) -> RouteMaps:
    targets = list(_OWN_TARGETS)
    places: dict[str, Place] = {}
    for route in routes:
        # A hidden route keeps its place: nothing less literal takes its requests over (config.precedence).
        hidden = listener == "public" and route.access is Access.INTERNAL
        value = (
            HIDDEN if hidden else _answer(route, generation, rules[route.id], limits, cors=bool(by_service))
        )
        targets.append(Target(route.host, route.path, route.methods, value))
        places[value] = route.where
    return route_maps(listener, targets, hosts, places, generation, by_service)


def _answer(route: Route, generation: int, rule: str, limits: RouteLimits, *, cors: bool) -> str:
    """What the maps say of a route: `backend|route id|flags|generation.rule id`, and the fields of its limit if any."""
    flags = _flags(route) + NAMES_OPTIONS * (cors and "OPTIONS" in route.methods)
    answer = f"{_backend(route)}|{map_field(route.id)}|{flags}|{generation}.{rule}"
    return f"{answer}|{limits.fields[route.id]}" if route.limit else answer


def _flags(route: Route) -> str:
    session = TokenKind.SESSION in route.kinds
    return (
        KEEPS_AUTHORIZATION * route.keeps_authorization + IS_STREAM * route.stream + TAKES_SESSION * session
    )


def _backend(route: Route) -> str:
    asked = route.access is Access.PROTECTED
    return f"{'ask' if asked else 'open'}.{route.service}"


def _backends(route: Route, rule: str) -> tuple[str, ...]:
    """The backends that calls of this route may go to."""
    kept = route.access is Access.PROTECTED and rule != NEVER_KEPT
    if not kept:
        return (_backend(route),)
    shadow = (f"shadow.{route.service}",) if route.shadow else ()
    return (_backend(route), f"known.{route.service}", *shadow)


def _service_backends(plan: Plan, rules: Mapping[str, str], limits: RouteLimits) -> list[Section]:
    """The backends that some route leads to, in the order of the services."""
    used: dict[str, str] = {}
    for route in plan.routes:
        for backend in _backends(route, rules[route.id]):
            used[backend] = used.get(backend, "") + _flags(route)
    ask = partial(ask_backend, limits=plan.limits, sessions=as_credential(plan))
    scheme = tell_scheme(plan.tls)
    shadows = {route.service: route.shadow.where for route in reversed(plan.routes) if route.shadow}
    sections: list[Section] = []
    for service in plan.services.values():
        shadow = partial(known_backend, shadow=shadows.get(service.id))
        for kind, build in (
            ("ask", ask),
            ("known", known_backend),
            ("shadow", shadow),
            ("open", open_backend),
        ):
            backend = f"{kind}.{service.id}"
            if backend in used:
                rate = call_limits(plan, limits, service, asked=kind != "open")
                sections.append(
                    build(service, rate, flags=used[backend], scheme=scheme, browsers=has_browsers(plan))
                )
    return sections


__all__ = ["CONFIGURATION", "File", "render"]
