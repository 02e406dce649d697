"""Calls that prove a key beside their token (RFC 9449 7.1): `Authorization: DPoP TOKEN` and `DPoP: PROOF`.

Both fields make a request odd (`gate`), so the ordinary call pays for none of this, and what HAProxy knows never lets
such a call through: `txn.dpop` says that it is one, and it is asked about in a message of its own (`render_spoe`). A
proof is for us alone: no service sees it, not even where it gets the Authorization field.
"""

from __future__ import annotations

from typing import Final

from sumun.haproxy.quoting import regex
from sumun.haproxy.refusals import HEADER_TOO_LARGE, TWO_CREDENTIALS, refuse
from sumun.haproxy.routes import ROUTE

PROOF: Final = "txn.proof"
"""The value of the DPoP field of a call with that scheme; not there when it has none."""

PROVES: Final = "{ var(txn.dpop) -m bool }"
"""The condition that a call says it proves a key."""

PROVING_SCHEME: Final = "(?i:dpop )"
LONGEST_PROOF: Final = 4096

_OWN: Final = f"{{ var({ROUTE}) -m beg own| }}"


def take_proof() -> list[str]:
    """Find the proof, refuse two, and take it out of the request. Behind the look-up of the route."""
    scheme = "^dpop +[^ ]"
    token = """req.fhdr(authorization),'regsub("^dpop +","",i)'"""
    return [
        refuse(TWO_CREDENTIALS, "if { req.fhdr_cnt(dpop) gt 1 }"),
        refuse(HEADER_TOO_LARGE, f"if {{ req.fhdr(dpop) -m len gt {LONGEST_PROOF} }}"),
        f"http-request set-var(txn.dpop) bool(true) if {{ req.fhdr(authorization) -m reg -i {regex(scheme)} }}",
        f"http-request set-var(txn.cred) {token} if {PROVES}",
        f"http-request set-var({PROOF}) req.fhdr(dpop) if {PROVES} {{ req.fhdr_cnt(dpop) eq 1 }}",
        # Our own endpoints judge proofs themselves.
        f"http-request del-header dpop unless {_OWN}",
    ]


def answer_nonce() -> str:
    """The line of a service's backend that tells the caller the nonce for its next proof (RFC 9449 8.2)."""
    told = "var(txn.smn.dpop_nonce)"
    return f"http-after-response set-header DPoP-Nonce %[{told}] if {{ {told} -m found }}"
