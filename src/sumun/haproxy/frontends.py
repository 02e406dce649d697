"""The frontends: one for each listener. They decide where a request goes; the backends do what costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sumun.config.plan import Address, Limits, Tls
from sumun.haproxy.access_log import error_log_format, log_format, remember
from sumun.haproxy.cors import IS_PREFLIGHT, WAITS, CorsRules
from sumun.haproxy.gate import ODD, judge_odd, mark_odd
from sumun.haproxy.known import look_up, pass_known
from sumun.haproxy.rates import IS_OVER, count_source
from sumun.haproxy.refusals import CODE, METHOD_NOT_ALLOWED
from sumun.haproxy.route_maps import NO_ROUTE, RouteMaps
from sumun.haproxy.routes import METHODS_THERE, NO_ROUTE_FOUND, ROUTE, find_methods, find_route
from sumun.haproxy.sections import Line, Section, section
from sumun.haproxy.tls import binds, hsts

REFUSE = "refuse"
OWN = "own"
HEALTHZ = "healthz"
PAGES = "pages"


def routed_frontend(
    listener: str,
    address: Address,
    maps: RouteMaps,
    limits: Limits,
    tls: Tls | None = None,
    *,
    shadows: bool = False,
    browsers: bool = False,
    sessions: Sequence[str] = (),
    cors: CorsRules | None = None,
) -> Section:
    """The public or the internal listener: gate, route, what is known, backend.

    shadows   for its log
    browsers  people log in with browsers: a cookie of ours is nothing odd
    sessions  the rules of session cookies, if some route takes them
    cors      the rules for pages of other origins, if some service lists them
    """
    limited = listener == "public" and limits.per_source is not None
    return section(
        f"frontend {listener}",
        (
            *_begin(listener, address, tls),
            *_judge(
                address,
                limits,
                count_source(limits, unless=WAITS if cors else "") if limited else [],
                shadows=shadows,
                browsers=browsers,
            ),
            *find_route(maps),
            *(cors.behind_route if cors else ()),
            *sessions,
            *look_up(sessions=bool(sessions)),
            *_to_judgement(cors),
            *judge_odd(limits),
            *_not_found(maps, cors),
            *([f"use_backend {REFUSE} if {IS_OVER}"] if limited else []),
            pass_known(),
            f"use_backend %[var({ROUTE}),field(1,|)] unless {NO_ROUTE_FOUND}",
            f"default_backend {REFUSE}",
        ),
        address.where,
    )


def operator_frontend(address: Address, limits: Limits, tls: Tls | None = None) -> Section:
    """The operator's listener: HAProxy's own metrics, and the operator's pages. Nothing is routed to services."""
    return section(
        "frontend operator",
        (
            *_begin("operator", address, tls),
            *_judge(address, limits),
            f"http-request set-var({ROUTE}) str({PAGES}|-|)",
            f"http-request set-var({ROUTE}) str({HEALTHZ}|-|) if {{ path /healthz }}",
            f"http-request allow unless {{ var({ODD}) -m bool }}",
            *judge_odd(limits),
            f"use_backend %[var({ROUTE}),field(1,|)]",
            f"default_backend {REFUSE}",
        ),
        address.where,
    )


def _begin(listener: str, address: Address, tls: Tls | None) -> list[str | Line]:
    place = address.where if tls is None else tls.where
    return [
        *(Line(bind, place) for bind in binds(listener, address, tls)),
        *([] if tls is None else [error_log_format()]),
        *hsts(tls),
    ]


def _judge(
    address: Address,
    limits: Limits,
    first: Iterable[str] = (),
    *,
    shadows: bool = False,
    browsers: bool = False,
) -> list[str]:
    return [
        # Only here: a backend would write that its servers went up and down between the requests.
        "log global",
        "unique-id-format %[uuid]",
        "unique-id-header X-Request-Id",
        log_format(shadows=shadows),
        *_plain_source(address),
        *remember(),
        *first,
        *mark_odd(limits, browsers=browsers),
        "http-after-response set-header X-Request-Id %[unique-id]",
    ]


def _plain_source(address: Address) -> list[str]:
    """An IPv4 caller of an IPv6 socket is `::ffff:192.0.2.1` (RFC 4291 2.5.5.2): all of them one network of 64 bits."""
    return ["http-request set-src src,ipmask(32,128) if { src ::ffff:0:0/96 }"] if ":" in address.host else []


def _to_judgement(cors: CorsRules | None) -> list[str]:
    """A request that is not odd, has a route and is no preflight needs none of the rules that follow."""
    preflight = f" or {IS_PREFLIGHT}" if cors else ""
    return [f"http-request allow unless {NO_ROUTE_FOUND} or {{ var({ODD}) -m bool }}{preflight}"]


def _not_found(maps: RouteMaps, cors: CorsRules | None) -> list[str]:
    """405 when the path is known for other methods (RFC 9110 15.5.6); the backend `refuse` says 404 otherwise."""
    return [
        *find_methods(maps),
        *(cors.behind_methods if cors else ()),
        (
            f"http-request set-var({CODE}) str({METHOD_NOT_ALLOWED.code}) "
            f"if {NO_ROUTE_FOUND} !{{ var({METHODS_THERE}) -m str {NO_ROUTE} }}"
        ),
    ]
