"""What a worker knows, and when it may act on it without asking (docs/freshness.md).

    facts.a facts.b   SHA-256 of the credential -> expires|as_of|profile|subject|token|client|user id|user name
    verdicts          profile@generation.rule -> backend|roles|permissions|shadow; being there is the permission
    marks.s .t .c     subject, token, client -> number of the latest change that concerns it
    state             lease: unix second until when any of this may be believed
                      newest: the highest mark there is; a fact that is not older needs no look at the marks
                      wide: the mark of "everything"

Only `keeper` writes them. A worker starts believing nothing: no lease, and marks beyond every number.
"""

from __future__ import annotations

from typing import Final

from sumun.access.handover import CLIENT_ID, TOKEN_ID, USER_ID, USER_NAME, USER_PERMISSIONS, USER_ROLES
from sumun.haproxy.access_log import SHADOW
from sumun.haproxy.gate import ODD
from sumun.haproxy.routes import ROUTE, RULE
from sumun.haproxy.sections import File, Line

FACTS: Final = ("facts.a.map", "facts.b.map")
VERDICTS: Final = "verdicts.map"
MARKS: Final = {"subject": "marks.s.map", "token": "marks.t.map", "client": "marks.c.map"}
STATE: Final = "state.map"
LEASE: Final = "lease"
NEWEST: Final = "newest"
WIDE: Final = "wide"
BEYOND: Final = 2**63 - 1
"""Higher than every number of a change: who is measured by it believes nothing."""

KNOWN: Final = "txn.known"
_IS_KNOWN: Final = f"{{ var({KNOWN}) -m bool }}"
_FACT: Final = "txn.f"
_VERDICT: Final = "txn.v"

# Fields of a fact and of a verdict, counted from 1.
_EXPIRES, _AS_OF, _PROFILE, _SUBJECT, _TOKEN, _CLIENT, _USER_ID, _USER_NAME = range(1, 9)
_BACKEND, _ROLES, _PERMISSIONS, _SHADOW = range(1, 5)
_HEADERS: Final = (
    (USER_ID, _FACT, _USER_ID),
    (USER_NAME, _FACT, _USER_NAME),
    (USER_ROLES, _VERDICT, _ROLES),
    (USER_PERMISSIONS, _VERDICT, _PERMISSIONS),
    (CLIENT_ID, _FACT, _CLIENT),
    (TOKEN_ID, _FACT, _TOKEN),
)
_MAY_BE_MISSING: Final = {_FACT: {_USER_ID, _USER_NAME}, _VERDICT: set[int]()}


def look_up() -> list[str]:
    """Rules behind the route: `txn.known` becomes true when this call may pass without a question.

    Believed: a fact that has not expired, under an open lease, newer than every mark that concerns it, with a verdict
    for the route's generation and rule. A request that is odd is never known.
    """
    key = "http_auth_bearer,concat(|bearer|),sha2(256),hex"
    verdict = f"{_field(_FACT, _PROFILE)},concat(@,{RULE}),map_str({VERDICTS})"
    young, old = FACTS
    alive = f"{{ {_field(_FACT, _EXPIRES)},sub(txn.now) -m int gt 0 }}"
    leased = f"{{ str({LEASE}),map_str_int({STATE},0),sub(txn.now) -m int gt 0 }}"
    newer = f"{{ {_field(_FACT, _AS_OF)},sub(txn.newest) -m int ge 0 }}"
    unmarked = " ".join(
        f"{{ {_field(_FACT, field)},map_str_int({name},0),sub(txn.asof) -m int le 0 }}"
        for field, name in zip((_SUBJECT, _TOKEN, _CLIENT), MARKS.values(), strict=True)
    )
    unswept = f"{{ str({WIDE}),map_str_int({STATE},{BEYOND}),sub(txn.asof) -m int le 0 }}"
    may = f"{{ var({_VERDICT}) -m found }} !{{ var({ODD}) -m bool }} {alive} {leased}"
    # Several short rules: HAProxy reads at most 64 words of a line (MAX_LINE_ARGS).
    return [
        f"http-request set-var({_FACT}) {key},map_str({young})",
        f"http-request set-var({_FACT}) {key},map_str({old}) unless {{ var({_FACT}) -m found }}",
        f"http-request set-var({RULE}) var({ROUTE}),field(4,|)",
        f"http-request set-var({_VERDICT}) {verdict}",
        "http-request set-var(txn.now) date()",
        f"http-request set-var(txn.newest) str({NEWEST}),map_str_int({STATE},{BEYOND})",
        f"http-request set-var({KNOWN}) bool(true) if {may} {newer}",
        f"http-request allow if {_IS_KNOWN}",
        f"http-request set-var(txn.asof) {_field(_FACT, _AS_OF)} if {may}",
        f"http-request set-var({KNOWN}) bool(true) if {{ var(txn.asof) -m found }} {unswept} {unmarked}",
    ]


def pass_known() -> str:
    """The line of a frontend that lets a known call through; before every other `use_backend`."""
    return f"use_backend %[{_field(_VERDICT, _BACKEND)}] if {_IS_KNOWN}"


def tell_known() -> list[str]:
    """Lines of a backend `known.<service>`: who calls, for the service and for the log."""
    lines = []
    for header, variable, field in _HEADERS:
        # A program that acts for itself has no user; every other header is always there, as in an answer.
        given = (
            f" if {{ {_field(variable, field)} -m len gt 0 }}" if field in _MAY_BE_MISSING[variable] else ""
        )
        lines.append(f"http-request add-header {header} %[{_field(variable, field)}]{given}")
    return [
        *lines,
        f"http-request set-var(txn.smn.who) {_field(_FACT, _SUBJECT)}",
        f"http-request set-var(txn.smn.client_id) {_field(_FACT, _CLIENT)}",
        f"http-request set-var(txn.smn.held) {_field(_FACT, _PROFILE)}",
    ]


def tell_shadow() -> str:
    """The line of a backend `shadow.<service>`: what a shadow rule says against the verdict, for the log."""
    return f"http-request set-var({SHADOW}) {_field(_VERDICT, _SHADOW)}"


def files() -> list[File]:
    """The maps as a worker starts with them: believing nothing. The keeper fills them in each worker."""
    state = (Line(f"{LEASE} 0"), Line(f"{NEWEST} {BEYOND}"), Line(f"{WIDE} {BEYOND}"))
    return [File(STATE, state), *(File(name, ()) for name in (*FACTS, VERDICTS, *MARKS.values()))]


def _field(variable: str, number: int) -> str:
    return f"var({variable}),field({number},|)"
