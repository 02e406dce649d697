"""The backends: for each service `ask.<id>` (protected routes), `known.<id>` (what is known without asking),
`shadow.<id>` (the same, where a shadow rule says otherwise) and `open.<id>` (public and internal routes), and our own.

A service has two backends so that a public route pays for no question. What is known without asking will go to
`open.<id>`'s sister later: the step stands in the frontend, between the route and the question.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from sumun.config.plan import Limits, Place, Plan, Service, ServiceProtocol, takes_sessions
from sumun.haproxy import guesses, rates, refusal_pages
from sumun.haproxy.ask import ALLOWED, ask, hand_over, let_through, refuse
from sumun.haproxy.cors import open_services, preflight_backend, say_who_reads, say_who_reads_refusals
from sumun.haproxy.frontends import HEALTHZ, OWN, PAGES, REFUSE
from sumun.haproxy.gate import WANTS_EVENTS
from sumun.haproxy.handshakes import answer_protocol, check_origin, no_other_use_of_a_ticket
from sumun.haproxy.known import tell_known, tell_shadow
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.proofs import answer_nonce
from sumun.haproxy.quoting import name, word
from sumun.haproxy.rates import CallLimits, RouteLimits
from sumun.haproxy.refusals import (
    ALONE,
    ALONE_WITH_SESSIONS,
    CODE,
    DECISION_UNAVAILABLE,
    GRPC_CONTENT_TYPE,
    GRPC_STATUS,
    IS_GRPC,
    ROUTE_NOT_FOUND,
    answer,
    grpc_answer,
)
from sumun.haproxy.render_spoe import ANSWERERS
from sumun.haproxy.routes import IS_STREAM, KEEPS_AUTHORIZATION, TAKES_SESSION, has_flag
from sumun.haproxy.sections import Section, section
from sumun.haproxy.session_cookies import HAS_SESSION, NO_OTHER_CREDENTIAL, keep_ours
from sumun.haproxy.tls import tell_certificate
from sumun.haproxy.trailers import refuse_trailers

RESOLVERS = "names"


def ask_backend(
    service: Service,
    rate: CallLimits,
    limits: Limits,
    sessions: Sequence[str] = (),
    *,
    flags: str,
    scheme: Sequence[str] = (),
    browsers: bool = False,
) -> Section:
    """A service behind the question.

    flags     those of all its routes (`routes.KEEPS_AUTHORIZATION`, ...)
    scheme    how the service is told what its caller speaks (`tls.tell_scheme`)
    browsers  people log in with browsers, so requests may bring cookies of ours; `sessions` take one as the credential
    """
    grpc = service.protocol is ServiceProtocol.H2C
    people = TAKES_SESSION in flags
    return section(
        f"backend {name(f'ask.{service.id}')}",
        (
            *refuse_trailers(service),
            *check_origin(service.origins),
            *ask(grpc=grpc, flags=flags, sessions=sessions if people else ()),
            *hand_over(signed=service.signed),
            *rates.count_call(rate, allowed=ALLOWED),
            *scheme,
            *_before_the_service(service, flags=flags),
            *(refusal_pages.remember(NO_OTHER_CREDENTIAL) if people else ()),
            *keep_ours(browsers=browsers),
            let_through(limited=bool(rate)),
            *rates.refuse_over(limited=bool(rate), grpc=grpc, quotas=rate.quotas, people=people),
            *refuse(limits, grpc=grpc, flags=flags),
            answer_nonce(),
            *say_who_reads(service.cors),
            *([GRPC_CONTENT_TYPE] if grpc else [answer_protocol(), *no_other_use_of_a_ticket()]),
            *_servers(service),
        ),
        service.where,
    )


def known_backend(
    service: Service,
    rate: CallLimits,
    *,
    flags: str,
    scheme: Sequence[str] = (),
    browsers: bool = False,
    shadow: Place | None = None,
) -> Section:
    """A service behind what is known: nobody is asked.

    `shadow`: where the shadow rule stands that would refuse what comes here (the first one, if there are several).
    """
    kind = "shadow" if shadow else "known"
    people = bool(rate) and TAKES_SESSION in flags
    return section(
        f"backend {name(f'{kind}.{service.id}')}",
        (
            *refuse_trailers(service),
            *tell_known(),
            *([tell_shadow()] if shadow else []),
            *rates.count_call(rate),
            *scheme,
            *_before_the_service(service, flags=flags),
            *(refusal_pages.remember(HAS_SESSION) if people else ()),
            # A request with a cookie of ours is odd where no browser logs in, so it is not known.
            *(keep_ours(browsers=True) if browsers else ()),
            *rates.go_on(rate),
            *rates.refuse_over(limited=bool(rate), grpc=False, quotas=rate.quotas, people=people),
            *say_who_reads(service.cors),
            *_servers(service),
        ),
        shadow or service.where,
    )


def open_backend(
    service: Service, rate: CallLimits, *, flags: str, scheme: Sequence[str] = (), browsers: bool = False
) -> Section:
    """A service without a question: nobody is told who calls."""
    grpc = service.protocol is ServiceProtocol.H2C and bool(rate)
    return section(
        f"backend {name(f'open.{service.id}')}",
        (
            *refuse_trailers(service),
            *check_origin(service.origins),
            *rates.count_open_call(rate),
            *scheme,
            *_before_the_service(service, flags=flags),
            *keep_ours(browsers=browsers),
            *rates.go_on(rate),
            *([f"http-request set-var(txn.grpc) bool(true) if {IS_GRPC}"] if grpc else []),
            *rates.refuse_over(limited=bool(rate), grpc=grpc),
            *([GRPC_CONTENT_TYPE] if grpc else [answer_protocol()]),
            *say_who_reads(service.cors),
            *_servers(service),
        ),
        service.where,
    )


def own_backends(plan: Plan, routes: RouteLimits, paths: RuntimePaths) -> list[Section]:
    """What is not a service: refusals, health, our own pages, the answerers, and tables."""
    return [
        *(preflight_backend(plan.services[one], cors) for one, cors in open_services(plan).items()),
        _refuse_backend(plan.limits, sessions=takes_sessions(plan), cors=bool(open_services(plan))),
        _healthz_backend(),
        _own_backend(plan, paths),
        *_pages_backend(plan, paths),
        *guesses.tables(),
        *rates.tables(plan, routes),
        _answerers(plan, paths),
    ]


def resolvers(services: Iterable[Service]) -> list[Section]:
    """How names of servers are looked up again and again; not there when all servers are addresses."""
    if all(_is_address(host) for service in services for host, _ in service.servers):
        return []
    return [section(f"resolvers {RESOLVERS}", ("parse-resolv-conf", "hold valid 10s"))]


def _before_the_service(service: Service, *, flags: str) -> list[str]:
    unless_kept = f" unless {has_flag(KEEPS_AUTHORIZATION)}" if KEEPS_AUTHORIZATION in flags else ""
    lines = [f"http-request del-header authorization{unless_kept}", "option forwardfor"]
    if service.protocol is not ServiceProtocol.H2C:
        # Server-sent events may be silent for long; HAProxy has one timeout for the answer and for what follows
        # it.
        longer = f"http-request set-timeout server {service.stream_timeout_ms}ms if"
        lines.append(f"{longer} {WANTS_EVENTS}")
        if IS_STREAM in flags:
            lines.append(f"{longer} {has_flag(IS_STREAM)}")
    return lines


def _servers(service: Service) -> list[str]:
    stream = service.stream_timeout_ms
    answer_within = stream if service.protocol is ServiceProtocol.H2C else service.response_timeout_ms
    lines = [
        f"timeout connect {service.connect_timeout_ms}ms",
        f"timeout server {answer_within}ms",
        f"timeout tunnel {stream}ms",
    ]
    if len(service.servers) > 1:
        lines.append("balance roundrobin")
    for number, (host, port) in enumerate(service.servers):
        lines.append(f"server s{number} {_address(host, port)}{_server_options(service, host)}")
    return lines


def _address(host: str, port: int) -> str:
    return word(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def _server_options(service: Service, host: str) -> str:
    options = ""
    if service.protocol is ServiceProtocol.H2C:
        options += " proto h2"
    if service.protocol is ServiceProtocol.HTTPS:
        # `verifyhost` is ignored when `sni` is there: the name in `sni` is the one that is verified.
        verified = f"verifyhost {word(host)}" if _is_address(host) else f"sni str({name(host)})"
        options += f" ssl verify required ca-file @system-ca alpn http/1.1 {verified}"
    if not _is_address(host):
        options += f" resolvers {RESOLVERS} init-addr last,libc,none"
    if len(service.servers) > 1:
        # One of several may be down: look before a caller finds out.
        options += " check inter 1s fall 2 rise 1"
    return options


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_backend(limits: Limits, *, sessions: bool, cors: bool) -> Section:
    """Answers by code; who comes here without one found no route."""
    lines = [
        f"http-request set-var(txn.grpc) bool(true) if {IS_GRPC}",
        *rates.refuse_over(limited=limits.per_source is not None, grpc=True),
        f"http-request set-var({CODE}) str({ROUTE_NOT_FOUND.code}) unless {{ var({CODE}) -m found }}",
    ]
    for refusal in ALONE_WITH_SESSIONS if sessions else ALONE:
        here = f"{{ var({CODE}) -m str {refusal.code} }}"
        grpc = grpc_answer(GRPC_STATUS[refusal.status], f"'{refusal.title}'")
        lines += [
            f"http-request return {grpc} if {{ var(txn.grpc) -m bool }} {here}",
            f"http-request return {answer(refusal)} if {here}",
        ]
    lines += [f"http-request return {answer(DECISION_UNAVAILABLE)}", GRPC_CONTENT_TYPE]
    lines += say_who_reads_refusals() if cors else []
    return section(f"backend {REFUSE}", lines)


def _healthz_backend() -> Section:
    """200 when this node can decide and issue (RFC 9110 15.6.4 otherwise)."""
    alive = f"{{ nbsrv({ANSWERERS}) gt 0 }} {{ nbsrv({OWN}) gt 0 }}"
    ok = 'status 200 content-type application/json hdr Cache-Control no-store string \'{"status":"ok"}\''
    return section(
        f"backend {HEALTHZ}",
        (
            f"http-request return {ok} if {alive} or {{ stopping }}",
            f"http-request set-var({CODE}) str({DECISION_UNAVAILABLE.code})",
            f"http-request return {answer(DECISION_UNAVAILABLE)}",
        ),
    )


def _to_http(plan: Plan, paths: RuntimePaths) -> list[str]:
    return [
        "http-request set-header X-Sumun-Source %[src]",
        "http-request set-header X-Sumun-Listener %[fe_name]",
        *tell_certificate(plan.tls),
        # Nothing here speaks anything but HTTP (RFC 9110 7.8: a server may ignore the wish).
        "http-request del-header upgrade",
        f"server http {word(f'unix@{paths.http}')}",
    ]


def _own_backend(plan: Plan, paths: RuntimePaths) -> Section:
    """OAuth, login, account, well-known. Whatever is wrong with our own process is 503 to a caller."""
    lines = _to_http(plan, paths)
    # A question that it must answer: a process that hangs still accepts connections. Asked seldom while it is well, for
    # an answer takes it a millisecond, in which callers may want its core.
    lines[-1] += " check inter 2s fastinter 500ms downinter 500ms fall 2 rise 1"
    silent = f"if {{ status 503 }} !{{ var({CODE}) -m found }}"
    return section(
        f"backend {OWN}",
        (
            "option httpchk GET /.well-known/jwks.json",
            "timeout check 1s",
            "timeout server 15s",
            *(
                f"http-error {answer(DECISION_UNAVAILABLE).replace('503', status, 1)}"
                for status in ("502", "504")
            ),
            "http-after-response set-status 503 if { status 502 504 }",
            # What the log is told of a refusal of the process's own, or of its silence.
            f"http-response set-var({CODE}) res.hdr(x-sumun-code)",
            "http-response set-var(txn.smn.why) res.hdr(x-sumun-why)",
            "http-response del-header x-sumun- -m beg",
            f"http-after-response set-var({CODE}) str({DECISION_UNAVAILABLE.code}) {silent}",
            *lines,
        ),
    )


def _pages_backend(plan: Plan, paths: RuntimePaths) -> list[Section]:
    if plan.operator is None:
        return []
    exporter = "http-request use-service prometheus-exporter if { path /metrics/haproxy }"
    return [section(f"backend {PAGES}", (exporter, *_to_http(plan, paths)), plan.operator.where)]


def _answerers(plan: Plan, paths: RuntimePaths) -> Section:
    """The answering processes. `mode tcp`: 3.x makes `mode spop` of it, which 2.6 does not know."""
    return section(
        f"backend {ANSWERERS}",
        (
            "mode tcp",
            "balance leastconn",
            "option spop-check",
            "timeout connect 200ms",
            "timeout server 65s",
            *(
                f"server a{number} {word(f'unix@{paths.answerer(number)}')} check inter 500ms fall 2 rise 1"
                for number in range(plan.node.answerers)
            ),
        ),
    )
