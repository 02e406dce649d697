"""CORS (Fetch 3.2) in the place of services that list origins: what pages of other origins may call and read.

    preflight   a browser asks before: OPTIONS with Origin and Access-Control-Request-Method, and no credential.
                The gate answers for the service that serves the method asked about, with its methods at this path
    answer      says that the page may read it, refusals of the gate included
    `*`         any page: a token is no cookie, a page has none unless it was given one

No answer allows credentials, so a browser lends no page our cookies or certificates. The map `cors.map` leads from
`service|origin` to that origin: nothing that a caller wrote is ever sent back. A call without Origin pays for two looks
at its header fields, and for `Vary`, because a cache must not hand its answer to a page (Fetch 3.2.5).

Of the public listener only. What the internal one serves is open to whom it reaches, a browser inside too; no page may
have that from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sumun.config.plan import ANY_ORIGIN, Cors, Plan, Service
from sumun.haproxy.handshakes import regsub
from sumun.haproxy.quoting import map_key, map_value, name, regex, word
from sumun.haproxy.rates import IS_OVER
from sumun.haproxy.refusals import CODE, CROSS_ORIGIN_NOT_ALLOWED, answer
from sumun.haproxy.routes import METHODS_THERE, NAMES_OPTIONS, NO_ROUTE_FOUND, ROUTE, has_flag
from sumun.haproxy.sections import File, Line, Section, section

MAP: Final = "cors.map"

WAITS: Final = "{ req.fhdr(origin) -m found }"
"""A call that is not refused before its route is known, lest the page cannot read why."""

HAS_ORIGIN: Final = "{ var(txn.origin) -m found }"
"""There is an Origin field, or there are several; of the public listener."""

IS_PREFLIGHT: Final = "{ var(txn.preflight) -m bool }"

SENT: Final = (
    "Accept",
    "Authorization",
    "Content-Type",
    "DPoP",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
)
"""Header fields that every page may send."""

SAID: Final = (
    "Allow",
    "DPoP-Nonce",
    "ETag",
    "Grpc-Message",
    "Grpc-Status",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""Header fields that every page may read: what the gate itself says, and what `If-Match` is made of."""

_MAY: Final = "txn.cors"
_READS: Final = f"{{ var({_MAY}) -m found }}"
_ONE_ORIGIN: Final = "{ req.fhdr_cnt(origin) eq 1 }"
_SERVICE: Final = f"var({ROUTE}),field(1,|),field(2,.)"
_ASKED_ABOUT: Final = "access-control-request-method"
_ANSWERED: Final = f"{{ var({ROUTE}) -m beg preflight. }}"
# `PUT|GET, POST, PUT|chat:POST|shop:GET, PUT` becomes `shop:GET, PUT`; what has no such group keeps its bars.
_GROUP: Final = regsub(r"^([A-Z]+)[|].*[|]([a-z0-9_-]+:(?:[^|]*, )?\1(?:,[^|]*)?)(?:[|].*)?$", r"\2")
_HAS_GROUP: Final = "{ var(txn.group) -m found } !{ var(txn.group) -m sub | }"
_OF_SERVICE: Final = regex(
    r"^(?i:access-control-(?:allow-(?:origin|credentials|private-network)|expose-headers))$"
)


@dataclass(frozen=True, slots=True)
class CorsRules:
    """The rules of a frontend: behind those that find the route, and behind those that find the methods of a path."""

    behind_route: Sequence[str]
    behind_methods: Sequence[str]


def open_services(plan: Plan) -> dict[str, Cors]:
    """The services for which the gate speaks, by name."""
    return {one.id: one.cors for one in plan.services.values() if one.cors is not None}


def files(plan: Plan) -> list[File]:
    """The map; none where no service lists origins."""
    rows = [
        Line(f"{map_key(f'{service}|{origin}')} {map_value(origin)}", plan.services[service].where)
        for service, cors in open_services(plan).items()
        for origin in cors.origins
    ]
    return [File(MAP, tuple(sorted(rows, key=lambda line: line.text)))] if rows else []


def rules(plan: Plan) -> CorsRules | None:
    """The rules of the public frontend; None where no service lists origins."""
    return CorsRules(_tell_origin(plan), _answer_preflight(plan)) if open_services(plan) else None


def _tell_origin(plan: Plan) -> list[str]:
    """Whether the page may read the answer, and whether this is a preflight."""
    without = "!{ req.hdr(authorization) -m found } !{ req.hdr(cookie) -m found }"
    return [
        "http-request set-var(txn.origin) req.fhdr(origin)",
        *_may_read(plan, _SERVICE, ""),
        # Who came with an Origin was not sent away before, so that a page may read that it is too much.
        *([f"http-request allow if {IS_OVER}"] if plan.limits.per_source else []),
        (
            f"http-request set-var(txn.preflight) bool(true) if {{ method OPTIONS }} {HAS_ORIGIN} "
            f"{{ req.fhdr_cnt({_ASKED_ABOUT}) eq 1 }} {{ req.fhdr({_ASKED_ABOUT}) -m reg ^[A-Z]+$ }} "
            f"{without} !{has_flag(NAMES_OPTIONS)}"
        ),
    ]


def _answer_preflight(plan: Plan) -> list[str]:
    """They find the methods of a path sorted by service (`route_maps`).

    A preflight of a method that none of these services serves is an ordinary request.
    """
    here = "var(txn.by_service),field(2,|),field(1,:)"
    asks = f"{IS_PREFLIGHT} !{{ var({CODE}) -m found }}"
    return [
        f"http-request set-var(txn.by_service) var({METHODS_THERE})",
        f"http-request set-var({METHODS_THERE}) var({METHODS_THERE}),field(1,|)",
        f"http-request set-var(txn.group) req.fhdr({_ASKED_ABOUT}),concat(|,txn.by_service),{_GROUP} if {asks}",
        f"http-request set-var(txn.asked) var(txn.group),field(1,:) if {_HAS_GROUP}",
        f"http-request set-var({ROUTE}) str(preflight.),concat(,txn.asked,|-|) if {_HAS_GROUP}",
        f"http-request set-var({METHODS_THERE}) var(txn.group),field(2,:) if {_HAS_GROUP}",
        # The route of OPTIONS may have been another service's.
        f"http-request unset-var({_MAY}) if {_ANSWERED}",
        *_may_read(plan, "var(txn.asked)", _ANSWERED),
        *_may_read(plan, here, NO_ROUTE_FOUND),
    ]


def _may_read(plan: Plan, service: str, when: str) -> list[str]:
    """The rules that set the origin that the answer names, where the service of this expression lists it."""
    found = f"map_str({MAP})"
    lines = [
        f"http-request set-var({_MAY}) {service},concat(|,txn.origin),{found} if {_ONE_ORIGIN} {when}".rstrip()
    ]
    if any(ANY_ORIGIN in cors.origins for cors in open_services(plan).values()):
        anybody = f"{service},concat(|{ANY_ORIGIN}),{found}"
        lines.append(f"http-request set-var({_MAY}) {anybody} if {HAS_ORIGIN} !{_READS} {when}".rstrip())
    return lines


def say_who_reads(cors: Cors | None) -> list[str]:
    """Lines of a service's backend; none for a service that does it itself, or not at all."""
    if cors is None:
        return []
    return [
        f"http-response del-header {_OF_SERVICE} -m reg if {HAS_ORIGIN}",
        "http-after-response add-header Vary Origin unless { res.hdr(vary) -i -m str origin }",
        *_named((*SAID, *cors.expose)),
    ]


def say_who_reads_refusals() -> list[str]:
    """Lines of the backend `refuse`, whose answers no cache keeps."""
    return [f"http-after-response add-header Vary Origin if {_READS}", *_named(SAID)]


def _named(exposed: Sequence[str]) -> list[str]:
    return [
        f"http-after-response set-header Access-Control-Allow-Origin %[var({_MAY})] if {_READS}",
        f"http-after-response set-header Access-Control-Expose-Headers {_listed(exposed)} if {_READS}",
    ]


def preflight_backend(service: Service, cors: Cors) -> Section:
    """Answers what a browser asks before it calls this service (Fetch 4.8)."""
    said = {
        "Access-Control-Allow-Origin": f"%[var({_MAY})]",
        "Access-Control-Allow-Methods": f"%[var({METHODS_THERE})]",
        "Access-Control-Allow-Headers": _listed((*SENT, *cors.headers)),
        "Access-Control-Max-Age": str(cors.max_age_seconds),
        "Vary": "Origin",
    }
    headers = " ".join(f"hdr {field} {value}" for field, value in said.items())
    return section(
        f"backend {name(f'preflight.{service.id}')}",
        (
            f"http-request set-var({CODE}) str({CROSS_ORIGIN_NOT_ALLOWED.code}) unless {_READS}",
            f"http-request return {answer(CROSS_ORIGIN_NOT_ALLOWED)} unless {_READS}",
            f"http-request return status 204 {headers}",
        ),
        service.where,
    )


def _listed(fields: Sequence[str]) -> str:
    return word(", ".join(dict.fromkeys(fields)))
