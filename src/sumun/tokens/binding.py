"""Sender-constrained tokens: whom a token is bound to, and whether a call proved to be that one. Pure.

    bound_to = ""                   a bearer token: good for whoever has it (RFC 6750 1.2)
    bound_to = "jkt:<thumbprint>"       for who signs DPoP proofs with this key (RFC 9449 6.1; RFC 7638, SHA-256)
    bound_to = "x5t#S256:<thumbprint>"  for who comes with this certificate over TLS (RFC 8705 3.1)

A thumbprint is 32 bytes in base64url, public, and compared as text. What the token says (`cnf`, RFC 7800 3.1) and what
the store keeps is the same pair.

    judge.judge_* -> if_bound() -> Bound(proven)   nobody may use it yet
    held(Bound, what the call proved) -> Proven | Invalid(binding_failed)

Evidence that was bound stays marked (`Proven.bound_to`): HAProxy is taught nothing of it, because what HAProxy knows it
lets through without a look at any proof.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from msgspec.structs import replace

from sumun.access import Bound, Evidence, Invalid, InvalidBecause, Proven

KEY: Final = "jkt"
CERTIFICATE: Final = "x5t#S256"
METHODS: Final = frozenset({KEY, CERTIFICATE})

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


def to_key(thumbprint: str) -> str:
    """`bound_to` of a DPoP key. ValueError for what is no thumbprint."""
    return _bound_to(KEY, thumbprint)


def to_certificate(thumbprint: str) -> str:
    """`bound_to` of a client certificate. ValueError for what is no thumbprint."""
    return _bound_to(CERTIFICATE, thumbprint)


def is_to_key(bound_to: str) -> bool:
    """Whether it takes DPoP proofs to use such a token."""
    return bound_to.startswith(f"{KEY}:")


def is_to_certificate(bound_to: str) -> bool:
    """Whether it takes a certificate to use such a token."""
    return bound_to.startswith(f"{CERTIFICATE}:")


def token_type(bound_to: str) -> str:
    """What a token response says (RFC 6749 7.1): `DPoP` for who has to send proofs (RFC 9449 5), else `Bearer`."""
    return "DPoP" if is_to_key(bound_to) else "Bearer"


def confirmation(bound_to: str) -> Mapping[str, str]:
    """The member `cnf` of an introspection answer or a JWT (RFC 7800 3.1); nothing for a bearer token."""
    method, _, thumbprint = bound_to.partition(":")
    return {method: thumbprint} if bound_to else {}


def read_confirmation(cnf: object) -> str | None:
    """`bound_to` of a member `cnf`, or None: it is not exactly one method that we mint."""
    if not isinstance(cnf, dict) or len(cnf) != 1:
        return None
    ((method, thumbprint),) = cnf.items()
    if method not in METHODS or not isinstance(thumbprint, str) or _THUMBPRINT.fullmatch(thumbprint) is None:
        return None
    return f"{method}:{thumbprint}"


def if_bound(proven: Proven, bound_to: str) -> Evidence:
    """What a good token proves before anything is known of the call: as it is, or nothing until the call proves it."""
    return Bound(replace(proven, bound_to=bound_to)) if bound_to else proven


def held(evidence: Evidence, proved: Collection[str]) -> Evidence:
    """What a token proves in a call that proved these keys and certificates, each as a `bound_to`."""
    if not isinstance(evidence, Bound):
        return evidence
    if evidence.proven.bound_to in proved:
        return evidence.proven
    return Invalid(InvalidBecause.BINDING_FAILED)


def for_its_holder(evidence: Evidence) -> Evidence:
    """What a token proves for who holds the key. **Never for letting a call through**: it asks for no proof.

    For a stream that its holder opened, a ticket for one, and for telling what a token is.
    """
    return evidence.proven if isinstance(evidence, Bound) else evidence


def _bound_to(method: str, thumbprint: str) -> str:
    if _THUMBPRINT.fullmatch(thumbprint) is None:
        raise ValueError("a thumbprint is 43 characters of base64url (SHA-256)")
    return f"{method}:{thumbprint}"
