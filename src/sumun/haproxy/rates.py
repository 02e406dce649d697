"""Limits: how often a source, a person, a client, or a caller of one route may call. HAProxy counts alone.

    per_source   table limits.source    before anything else is looked at; the public listener only
    per_person   table limits.person    who is known, or was allowed by the answer, and is a person
    per_client   table limits.client    the OAuth client of the same
    quota        table limits.client    the same count, kept; `keeper` reads it, and writes who has used up the day
    route        tables limits.route.N  one for each rate that routes have; key: the route and the caller

Only a call that goes on is counted, so whoever hammers gets as much as who waits. A limit is a count over a sliding
window, which HAProxy keeps as two fixed ones (`gpc0_rate`). HAProxy 2.6 has three counters for a request: 0 is the
person's, 1 the client's, 2 the route's; a source needs none. No limit makes no line.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sumun.access import Access
from sumun.config.plan import Limits, Plan, Rate, Service
from sumun.haproxy import refusal_pages
from sumun.haproxy.callers import BY, WHO
from sumun.haproxy.refusals import CODE, OVER, QUOTA_USED_UP, TOO_MANY_REQUESTS, answer, grpc_answer
from sumun.haproxy.render_spoe import PREFIX
from sumun.haproxy.routes import ROUTE
from sumun.haproxy.sections import File, Section, section

PER_SOURCE: Final = "per_source"
PER_PERSON: Final = "per_person"
PER_CLIENT: Final = "per_client"
PER_ROUTE: Final = "route"
QUOTA: Final = "quota"
"""The names of the limits: settings, policies in the RateLimit fields, and `why` in the access log."""

IS_OVER: Final = f"{{ var({OVER}) -m found }}"
"""The condition of a call that some limit refuses."""

_IS_QUOTA: Final = f"{{ var({OVER}) -m beg {QUOTA}| }}"

CLIENTS: Final = "limits.client"
USED_UP: Final = "quotas.map"
"""Client -> `unix second until when it is refused|calls a day`. Only `keeper` writes it."""

_SOURCES: Final = "limits.source"
_PERSONS: Final = "limits.person"
_WHO: Final = "txn.who"
_FROM: Final = "txn.from"
_ROWS: Final = "200k"
"""Of a table, 100 to 300 bytes each when used. When it is full the row that was not used for longest goes."""

_DAY_SECONDS: Final = 86_400

# A subject is `client:` and 128 bytes at most; before that stands the route's short name and `|`.
_NAME_BYTES: Final = 140
_ROUTE_KEY_BYTES: Final = 150


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """The limits of all routes. `rates`: table -> rate; `fields`: route id -> what the map says behind the rest."""

    rates: Mapping[str, Rate]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What limits the calls of one backend."""

    person: Rate | None = None
    client: Rate | None = None
    routes: Mapping[str, Rate] | None = None
    quotas: bool = False

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.person or self.client or self.routes or self.quotas)


def route_limits(plan: Plan) -> RouteLimits:
    """Routes of one rate share a table. The fields are `short name of the route|number of the table`.

    The short name hangs on the route's name alone: rows of a worker that goes on under another plan stay the route's.
    """
    tables: dict[Rate, str] = {}
    fields = {
        route.id: f"{_short(route.id)}|{tables.setdefault(route.limit, str(len(tables) + 1))}"
        for route in plan.routes
        if route.limit is not None
    }
    return RouteLimits({f"limits.route.{n}": rate for rate, n in tables.items()}, fields)


def _short(route_id: str) -> str:
    digest = hashlib.sha256(route_id.encode()).digest()
    return urlsafe_b64encode(digest[:9]).decode()  # 72 bits: no two routes ever meet


def call_limits(plan: Plan, routes: RouteLimits, service: Service, *, asked: bool) -> CallLimits:
    """The limits of a service's backends: of those with a caller (`asked`), or of the open one."""
    limits = plan.limits
    used = {
        route.limit
        for route in plan.routes
        if route.service == service.id and (route.access is Access.PROTECTED) == asked
    }
    rates = {table: rate for table, rate in routes.rates.items() if rate in used}
    if not asked:
        return CallLimits(routes=rates)
    return CallLimits(limits.per_person, limits.per_client, rates, has_quotas(plan))


def has_quotas(plan: Plan) -> bool:
    """Whether some client has a quota."""
    return any(client.quota is not None for client in plan.clients.values())


def files(plan: Plan) -> list[File]:
    """The map as a worker starts with it: nobody has used anything up."""
    return [File(USED_UP, ())] if has_quotas(plan) else []


def tables(plan: Plan, routes: RouteLimits) -> list[Section]:
    """Who called lately. A source's key is 8 bytes: an IPv4 address, or the network of 64 bits of an IPv6 address."""
    limits = plan.limits
    name = f"string len {_NAME_BYTES}"
    wanted = [
        (_SOURCES, "binary len 8", limits.per_source, False),
        (_PERSONS, name, limits.per_person, False),
        (CLIENTS, name, limits.per_client, has_quotas(plan)),
        *((table, f"string len {_ROUTE_KEY_BYTES}", rate, False) for table, rate in routes.rates.items()),
    ]
    return [_table(name, key, rate, keeps=keeps) for name, key, rate, keeps in wanted if rate or keeps]


def _table(name: str, key: str, rate: Rate | None, *, keeps: bool) -> Section:
    # HAProxy estimates from the window before as well, so a row is of use for two.
    expires = f" expire {2 * rate.window_ms + 1000}ms" if rate and not keeps else ""
    counts = f"gpc0,gpc0_rate({rate.window_ms}ms)" if rate else "gpc0"
    return section(f"backend {name}", (f"stick-table type {key} size {_ROWS}{expires} store {counts}",))


def count_source(limits: Limits, unless: str = "") -> list[str]:
    """First rules of a frontend: a source that is over its limit goes to the backend `refuse` at once.

    `unless`: the condition of calls about which something has to be found out before.
    """
    rate = limits.per_source
    if rate is None:
        return []
    return [
        _set_over(PER_SOURCE, rate, f"{{ src_gpc0_rate({_SOURCES}) ge {rate.burst} }}"),
        f"http-request allow if {IS_OVER}" + (unless and f" !{unless}"),
        f"http-request set-var(txn.calls) src_inc_gpc0({_SOURCES})" + (unless and f" unless {IS_OVER}"),
    ]


def count_call(limits: CallLimits, *, allowed: str = "") -> list[str]:
    """Rules of a backend with a caller: look at every limit, and count the call if none is reached.

    `allowed`: the condition of a call that may go on. They need the fact that says who calls (`callers`).
    """
    lines = [f"http-request set-var({_WHO}) {WHO}"] if limits.person or limits.routes else []
    if limits.person:
        person = f"{allowed} {{ var({_WHO}) -m beg user: }}".strip()
        lines.append(f"http-request track-sc0 var({_WHO}) table {_PERSONS} if {person}")
        lines.append(_set_over(PER_PERSON, limits.person, f"{{ sc0_gpc0_rate ge {limits.person.burst} }}"))
    if limits.client or limits.quotas:
        when = f" if {allowed}" if allowed else ""
        lines.append(f"http-request track-sc1 {BY} table {CLIENTS}{when}")
    if limits.client:
        lines.append(_set_over(PER_CLIENT, limits.client, f"{{ sc1_gpc0_rate ge {limits.client.burst} }}"))
    lines += _look_at_routes(limits, _WHO, allowed)
    lines += _look_at_quota() if limits.quotas else []
    counted = (limits.person, limits.client or limits.quotas, limits.routes)
    used = [number for number, rates in enumerate(counted) if rates]
    return [*lines, *(f"http-request sc-inc-gpc0({number}) unless {IS_OVER}" for number in used)]


def count_open_call(limits: CallLimits) -> list[str]:
    """The same for a backend where no token is looked at: the caller is the source."""
    if not limits:
        return []
    return [
        f"http-request set-var({_FROM}) src,ipmask(32,64)",
        *_look_at_routes(limits, _FROM, ""),
        f"http-request sc-inc-gpc0(2) unless {IS_OVER}",
    ]


def go_on(limits: CallLimits) -> list[str]:
    """The rule behind everything that a call needs when nobody was asked; `refuse_over` follows."""
    return [f"http-request allow unless {IS_OVER}"] if limits else []


def refuse_over(*, limited: bool, grpc: bool, quotas: bool = False, people: bool = False) -> list[str]:
    """What a call that is over a limit is told; nothing unless there are limits. `grpc` as in `ask`.

    `people` may be told, too (`refusal_pages`).
    """
    if not limited:
        return []
    lines = [
        f"http-request set-var({CODE}) str({TOO_MANY_REQUESTS.code}) if {IS_OVER}",
        f"http-request set-var(txn.{PREFIX}.why) var({OVER}),field(1,|) if {IS_OVER}",
    ]
    told = [(TOO_MANY_REQUESTS, IS_OVER)]
    if quotas:
        lines.append(f"http-request set-var({CODE}) str({QUOTA_USED_UP.code}) if {_IS_QUOTA}")
        told.insert(0, (QUOTA_USED_UP, _IS_QUOTA))
    lines += refusal_pages.refuse(TOO_MANY_REQUESTS, IS_OVER) if people else []
    for refusal, here in told:
        message = f"'{refusal.title}' {refusal.headers}"
        if grpc:
            lines.append(
                f"http-request return {grpc_answer(8, message)} if {{ var(txn.grpc) -m bool }} {here}"
            )
        lines.append(f"http-request return {answer(refusal)} if {here}")
    return lines


def _look_at_quota() -> list[str]:
    # Only who is in the map pays for more than the look-up.
    there = "if { var(txn.used) -m found }"
    over = f"{QUOTA}|%[var(txn.used),field(2,|)]|{_DAY_SECONDS}|%[var(txn.left)]"
    return [
        f"http-request set-var(txn.used) {BY},map_str({USED_UP})",
        f"http-request set-var(txn.clock) date() {there}",
        f"http-request set-var(txn.left) var(txn.used),field(1,|),sub(txn.clock) {there}",
        f"http-request set-var-fmt({OVER}) '{over}' if {{ var(txn.left) -m int gt 0 }}",
    ]


def _look_at_routes(limits: CallLimits, caller: str, allowed: str) -> list[str]:
    lines = []
    several = len(limits.routes or {}) > 1
    for table, rate in (limits.routes or {}).items():
        here = f"{allowed} {{ var({ROUTE}),field(6,|) -m str {table.rpartition('.')[2]} }}".strip()
        lines.append(
            f"http-request track-sc2 var({ROUTE}),field(5,|),concat(|,{caller}) table {table} if {here}"
        )
        # Nothing else is counted there, so with one table no other look is needed.
        where = f"{here} " if several else ""
        lines.append(_set_over(PER_ROUTE, rate, f"{where}{{ sc2_gpc0_rate ge {rate.burst} }}"))
    return lines


def _set_over(name: str, rate: Rate, condition: str) -> str:
    window = _seconds(rate.window_ms)
    # HAProxy holds a single event for a second window ("flapping correction at very low rates", freq_ctr.c).
    wait = _seconds(2 * rate.window_ms) if rate.burst == 1 else window
    return f"http-request set-var({OVER}) str({name}|{rate.burst}|{window}|{wait}) if {condition}"


def _seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up: what Retry-After and the RateLimit fields can say."""
    return -(-milliseconds // 1000)
