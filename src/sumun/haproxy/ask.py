"""Ask, hand over, or refuse: the rules of a backend that stands in front of a protected service.

**Nothing is let through but by one rule: `allow` if `txn.smn.allow` is there and true.** Whatever else happens
(no answer, half an answer, no answerer) runs on into the refusals, the last of which has no condition. The
headers are set before that rule, so that a call that is let through pays for no refusal.
"""

from __future__ import annotations

from collections.abc import Sequence

from sumun.access.handover import IDENTITY_TOKEN
from sumun.config.plan import Limits
from sumun.haproxy import refusal_pages
from sumun.haproxy.callers import RIGHTS, tell
from sumun.haproxy.gate import WANTS_EVENTS
from sumun.haproxy.guesses import HAS_TO_WAIT, count, watch
from sumun.haproxy.handshakes import HAS_TICKET, IS_HANDSHAKE
from sumun.haproxy.proofs import PROVES
from sumun.haproxy.rates import IS_OVER
from sumun.haproxy.refusals import (
    CODE,
    DECISION_UNAVAILABLE,
    IS_GRPC,
    NO_STORE,
    PROBLEM,
    answer,
    body,
    grpc_answer,
)
from sumun.haproxy.render_spoe import ANSWERERS, ENGINE, GROUP, PREFIX, PROVING_GROUP, SPOE_FILE, STREAM
from sumun.haproxy.routes import IS_STREAM, TAKES_SESSION, has_flag
from sumun.haproxy.session_cookies import to_login
from sumun.haproxy.stream_commands import STREAM_NAME

ALLOWED = f"{{ var(txn.{PREFIX}.allow) -m bool }}"


def ask(*, grpc: bool, flags: str, sessions: Sequence[str] = ()) -> list[str]:
    """Take the credential and send the question.

    `grpc`: the service may be called over gRPC; `flags` of its routes; `sessions`: the rules that take a cookie.
    """
    lines = [
        *watch(),
        f"filter spoe engine {ENGINE} config {SPOE_FILE}",
        "http-request set-var(txn.cred) http_auth_bearer unless { var(txn.cred) -m found }",
        "http-request set-var(txn.kind) str(none)",
        "http-request set-var(txn.kind) str(bearer) if { var(txn.cred) -m found }",
        f"http-request set-var(txn.kind) str(ticket) if {HAS_TICKET}",
        f"http-request set-var(txn.kind) str(dpop) if {PROVES}",
        *sessions,
    ]
    if grpc:
        lines.append(f"http-request set-var(txn.grpc) bool(true) if {IS_GRPC}")
        lines.append(_named_stream(""))
    else:
        # A request for either is odd (`gate`), so the common call pays for one look at a variable.
        lines.append(_named_stream(f" if {IS_HANDSHAKE}"))
        lines.append(_named_stream(f" if {WANTS_EVENTS}"))
        if IS_STREAM in flags:
            lines.append(_named_stream(f" if {has_flag(IS_STREAM)}"))
    # A dead answerer costs nothing: without the guard HAProxy 2.6 would wait for the whole processing timeout.
    # A worker that is stopping counts no server as usable, and still has requests to ask about.
    for group, which in ((GROUP, f"!{PROVES}"), (PROVING_GROUP, PROVES)):
        alive = f"{which} {{ nbsrv({ANSWERERS}) gt 0 }} or {which} {{ stopping }}"
        lines.append(f"http-request send-spoe-group {ENGINE} {group} if {alive}")
    return lines


def _named_stream(condition: str) -> str:
    """The answering process is told how HAProxy calls this stream, so that it can be cut (docs/streams.md)."""
    return f"http-request set-var-fmt({STREAM}) {STREAM_NAME}{condition}"


def hand_over(*, signed: bool) -> list[str]:
    """Tell the service who calls. `signed`: it is handed identity tokens."""
    token = f"http-request add-header {IDENTITY_TOKEN} %[var(txn.{PREFIX}.identity_token)]"
    return [*tell(RIGHTS), *([token] if signed else [])]


def let_through(*, limited: bool) -> str:
    """The one rule that lets a protected call through. `limited`: calls may be over a limit (`rates`)."""
    return f"http-request allow if {ALLOWED}" + (f" !{IS_OVER}" if limited else "")


def refuse(limits: Limits, *, grpc: bool, flags: str = "") -> list[str]:
    """What is not let through is refused as the answer says, or as not decided when there is none."""
    lines = [f"http-request set-var({CODE}) var(txn.{PREFIX}.code)", *count(limits)]
    people = TAKES_SESSION in flags
    lines += (
        [*to_login(), *refusal_pages.forbid(f"{{ var(txn.{PREFIX}.status) -m int 403 }}")] if people else []
    )
    for status, grpc_status in ((401, 16), (403, 7)):
        said = f"{{ var(txn.{PREFIX}.status) -m int {status} }}"
        answers = [(_said(status), said)]
        if grpc:
            message = f"%[var(txn.{PREFIX}.title)]"
            answers.insert(0, (grpc_answer(grpc_status, message), f"{{ var(txn.grpc) -m bool }} {said}"))
        if status == 401:
            lines += [f"http-request tarpit {words} if {when} {HAS_TO_WAIT}" for words, when in answers]
        lines += [f"http-request return {words} if {when}" for words, when in answers]
    lines.append(f"http-request set-var({CODE}) str({DECISION_UNAVAILABLE.code})")
    if grpc:
        message = f"'{DECISION_UNAVAILABLE.title}'"
        lines.append(f"http-request return {grpc_answer(14, message)} if {{ var(txn.grpc) -m bool }}")
    lines += refusal_pages.refuse(DECISION_UNAVAILABLE) if people else []
    lines.append(f"http-request return {answer(DECISION_UNAVAILABLE)}")
    return lines


def _said(status: int) -> str:
    """A refusal in the answer's own words."""
    words = body(
        f"%[var(txn.{PREFIX}.title),json(utf8s)]", str(status), f"%[var(txn.{PREFIX}.code),json(utf8s)]"
    )
    challenge = f"hdr WWW-Authenticate %[var(txn.{PREFIX}.challenge)]"
    return f"status {status} {PROBLEM} {NO_STORE} {challenge} lf-string {words}"
