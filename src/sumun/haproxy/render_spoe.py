"""The SPOE file: what HAProxy asks for each request (docs/architecture.md, "The question")."""

from __future__ import annotations

from typing import Final

from sumun.config.plan import Plan, takes_sessions
from sumun.haproxy.proofs import PROOF
from sumun.haproxy.routes import ROUTE, RULE
from sumun.haproxy.sections import File, Line, Section, file_of
from sumun.haproxy.tls import THUMBPRINT, asks_for_certificates

SPOE_FILE: Final = "spoe.conf"
ENGINE: Final = "sumun"
GROUP: Final = "question"
MESSAGE: Final = "ask"
PROVING_GROUP: Final = "proving"
PROVING_MESSAGE: Final = "ask-proving"
"""For a call that proves a key beside its token: more words, which no other call pays for."""
PREFIX: Final = "smn"
ANSWERERS: Final = "answerers"
STREAM: Final = "txn.stream"
"""The name of a request that may stay open for long (`streams`); not there for any other."""
KEPT: Final = "txn.kept"
"""True of an odd request whose decision the worker keeps: it asks, but need not be taught (`known`)."""

SPAN: Final = "txn.span"
"""The number of the span of time in which the answer about a session may be kept; there with such a cookie only."""

ANSWER_VARIABLES: Final = (
    "allow",
    "fact",
    "rights",
    "identity_token",
    "status",
    "code",
    "title",
    "challenge",
    "dpop_nonce",
    "shadow",
    "why",
)
"""All variables an answer may carry (docs/architecture.md, "The answer")."""


def render_spoe(plan: Plan) -> File:
    """The SPOE file."""
    wait = plan.limits.decision_timeout_ms
    agent = (
        f"groups {GROUP} {PROVING_GROUP}",
        f"option var-prefix {PREFIX}",
        "option set-process-time ms",
        # One failed question must not leave the rest of a transaction without any.
        "option continue-on-error",
        # HAProxy 2.6 would cut the connection that all requests share for one large question; 3.x ignores it.
        "no option send-frag-payload",
        "option pipelining",
        # An answer comes by the connection of its question. With `async` a worker of 2.6 that is stopping takes such
        # a connection for idle, and leaves with the question unanswered.
        "no option async",
        # Names that no rule mentions would be dropped (SPOE.txt 2.4).
        f"register-var-names {' '.join(ANSWER_VARIABLES)}",
        f"timeout hello {wait}ms",
        "timeout idle 60s",
        f"timeout processing {wait}ms",
        f"use-backend {ANSWERERS}",
    )
    args = (
        # First, because it is news: what stands behind it comes again to the byte, and is read once (`spop.messages`).
        "cred=var(txn.cred)",
        f"gen=var({RULE}),field(1,.)",
        f"route=var({ROUTE}),field(2,|)",
        "lst=fe_name",
        "kind=var(txn.kind)",
        f"stream=var({STREAM})",
        f"kept=var({KEPT})",
        *([f"cert={THUMBPRINT}"] if asks_for_certificates(plan.tls) else []),
        *([f"span=var({SPAN})"] if takes_sessions(plan) else []),
    )
    proving = (
        *args,
        "method=method",
        "host=req.hdr(host)",
        "path=path",
        f"proof=var({PROOF})",
    )
    sections = [
        Section(Line(f"spoe-agent {ENGINE}"), tuple(Line(text) for text in agent)),
        Section(Line(f"spoe-message {MESSAGE}"), (Line(f"args {' '.join(args)}"),)),
        Section(Line(f"spoe-message {PROVING_MESSAGE}"), (Line(f"args {' '.join(proving)}"),)),
        Section(Line(f"spoe-group {GROUP}"), (Line(f"messages {MESSAGE}"),)),
        Section(Line(f"spoe-group {PROVING_GROUP}"), (Line(f"messages {PROVING_MESSAGE}"),)),
    ]
    body = file_of(SPOE_FILE, sections)
    return File(SPOE_FILE, (Line(f"[{ENGINE}]"), *body.lines))
