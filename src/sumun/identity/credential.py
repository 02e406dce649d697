"""Credential: what a request carries to prove who calls."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum


class CredentialKind(StrEnum):
    """Where HAProxy found the credential. HAProxy alone sets this; a client cannot choose it."""

    NONE = "none"
    BEARER = "bearer"
    DPOP = "dpop"
    """A token that is bound to a key, with a proof beside it (RFC 9449 7.1)."""
    TICKET = "ticket"
    """A one-time ticket in the query of a WebSocket handshake."""
    SESSION = "session"
    """The cookie of a browser session, on a route that takes it."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as found in a request. The secret never shows in repr, logs or errors."""

    kind: CredentialKind
    secret: str = field(default="", repr=False)

    def fingerprint(self, binding: str = "") -> str:
        """Upper-case hex of SHA-256(`secret|kind|binding`): the name of this credential in HAProxy's memory.

        `binding` is the span of time of a session's cookie (`haproxy/session_cookies.py`) or empty. Kind and binding
        hold no `|`, so the text is unambiguous, read from its end. HAProxy computes the same (its `hex` converter
        writes upper case).
        """
        text = f"{self.secret}|{_KIND[self.kind]}|{binding}"
        return hashlib.sha256(text.encode()).hexdigest().upper()


# An enumeration's own `.value` takes ten times as long.
_KIND = {kind: kind.value for kind in CredentialKind}
