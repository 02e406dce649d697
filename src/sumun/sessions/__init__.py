"""Browser sessions: who logged in with which browser, what its cookies are, and when it ends.

    cookie  ->  SHA-256 digest  ->  session id `sid_...`  ->  Session

A session has one cookie on each host that knows it; it ends on all of them at once. It stands in the token store's
server under its own keys, and its end is news about the token `sid_...`, so what HAProxy kept and what hangs on it ends
as with any token.
"""

from __future__ import annotations

from sumun.sessions.farewells import Farewells
from sumun.sessions.session import Authentication, Session
from sumun.sessions.sessions import Sessions
from sumun.sessions.store import SessionStore

__all__ = ["Authentication", "Farewells", "Session", "SessionStore", "Sessions"]
