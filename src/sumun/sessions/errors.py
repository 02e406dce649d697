"""Errors of sessions.

SumunError
└── OutageError
    └── StoreUnavailableError
        └── UnreadableSessionError   what is kept of a session cannot be read
"""

from __future__ import annotations

from sumun.tokens.errors import StoreUnavailableError


class UnreadableSessionError(StoreUnavailableError):
    """What the store keeps of a session is nothing that this version reads: damaged, or of a newer version.

    Our outage for whoever would use it: answer 503, for of its person we know nothing. Ending it needs no reading.
    """

    code = "session_unreadable"

    def __init__(self, session_id: str, why: str) -> None:
        """`why` holds nothing of the session."""
        super().__init__(f"{why}: {session_id}")
        self.session_id = session_id
