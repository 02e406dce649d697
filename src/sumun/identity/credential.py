"""Credential: what a request carries to prove who calls."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from msgspec import Struct


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


class Credential(Struct, frozen=True, gc=False):
    """A credential as found in a request. The secret never shows in repr, logs or errors."""

    kind: CredentialKind
    secret: str = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credential({self.kind})"

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
