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

from sumun.haproxy.access_log import SHADOW
from sumun.haproxy.callers import (
    AS_OF,
    BACKEND,
    CLIENT,
    EXPIRES,
    FACT,
    HELD,
    SAID_BY_SHADOW,
    SUBJECT,
    TOKEN,
    VERDICT,
    field,
    tell,
)
from sumun.haproxy.gate import ODD
from sumun.haproxy.render_spoe import KEPT
from sumun.haproxy.routes import ROUTE, RULE
from sumun.haproxy.sections import File, Line
from sumun.haproxy.session_cookies import HAS_SESSION
from sumun.haproxy.session_cookies import KEY as SESSION_KEY

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
_KEY: Final = "txn.key"
_IS_KNOWN: Final = f"{{ var({KNOWN}) -m bool }}"


def look_up(*, sessions: bool = False) -> list[str]:
    """Rules behind the route: `txn.known` becomes true when this call may pass without a question.

    Believed: a fact that has not expired, under an open lease, newer than every mark that concerns it, with a verdict
    for the route's generation and rule. A request that is odd is never known. Of who is not known nothing is left.
    `sessions`: some route takes a cookie, which counts only where there is no other credential.
    """
    verdict = f"{field(FACT, HELD)},concat(@,{RULE}),map_str({VERDICTS})"
    young, old = FACTS
    alive = f"{{ {field(FACT, EXPIRES)},sub(txn.now) -m int gt 0 }}"
    leased = f"{{ str({LEASE}),map_str_int({STATE},0),sub(txn.now) -m int gt 0 }}"
    newer = f"{{ {field(FACT, AS_OF)},sub(txn.newest) -m int ge 0 }}"
    unmarked = " ".join(
        f"{{ {field(FACT, number)},map_str_int({name},0),sub(txn.asof) -m int le 0 }}"
        for number, name in zip((SUBJECT, TOKEN, CLIENT), MARKS.values(), strict=True)
    )
    unswept = f"{{ str({WIDE}),map_str_int({STATE},{BEYOND}),sub(txn.asof) -m int le 0 }}"
    believed = f"{{ var({VERDICT}) -m found }} {alive} {leased}"
    may = f"!{{ var({ODD}) -m bool }} {believed}"
    # Several short rules: HAProxy reads at most 64 words of a line (MAX_LINE_ARGS).
    return [
        # Remembered, because a hash costs more than the rest of a look, and half of the time there are two.
        f"http-request set-var({_KEY}) http_auth_bearer,concat(|bearer|),sha2(256),hex",
        *([f"http-request set-var({_KEY}) {SESSION_KEY} if {HAS_SESSION}"] if sessions else []),
        f"http-request set-var({FACT}) var({_KEY}),map_str({young})",
        f"http-request set-var({FACT}) var({_KEY}),map_str({old}) unless {{ var({FACT}) -m found }}",
        f"http-request set-var({RULE}) var({ROUTE}),field(4,|)",
        f"http-request set-var({VERDICT}) {verdict}",
        "http-request set-var(txn.now) date()",
        f"http-request set-var(txn.newest) str({NEWEST}),map_str_int({STATE},{BEYOND})",
        f"http-request set-var({KNOWN}) bool(true) if {may} {newer}",
        f"http-request allow if {_IS_KNOWN}",
        f"http-request set-var(txn.asof) {field(FACT, AS_OF)} if {may}",
        f"http-request set-var({KNOWN}) bool(true) if {{ var(txn.asof) -m found }} {unswept} {unmarked}",
        f"http-request set-var({KEPT}) bool(true) if {{ var({ODD}) -m bool }} {believed} {newer}",
        f"http-request unset-var({FACT}) unless {_IS_KNOWN}",
    ]


def pass_known() -> str:
    """The line of a frontend that lets a known call through; before every other `use_backend`."""
    return f"use_backend %[{field(VERDICT, BACKEND)}] if {_IS_KNOWN}"


def tell_known() -> list[str]:
    """Lines of a backend `known.<service>`: who calls, for the service."""
    return tell(VERDICT)


def tell_shadow() -> str:
    """The line of a backend `shadow.<service>`: what a shadow rule says against the verdict, for the log."""
    return f"http-request set-var({SHADOW}) {field(VERDICT, SAID_BY_SHADOW)}"


def files() -> list[File]:
    """The maps as a worker starts with them: believing nothing. The keeper fills them in each worker."""
    state = (Line(f"{LEASE} 0"), Line(f"{NEWEST} {BEYOND}"), Line(f"{WIDE} {BEYOND}"))
    return [File(STATE, state), *(File(name, ()) for name in (*FACTS, VERDICTS, *MARKS.values()))]
