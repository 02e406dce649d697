"""SessionStore: the contract every store of browser sessions keeps.

Guarantees every implementation gives:
- A session that is over (idle for its `idle_ms`, or at its `ends_at_ms`) is not there, by the store's clock.
- `end` and `renew` publish the change of the token `sid_...` in the same atomic step, so no crash separates the two.
- A cookie is added to a session that is there, or to none: of an end and a `join` that meet, nothing is left over.
- Only SHA-256 digests of cookies reach the store, never a cookie.
- No answer in time is `StoreUnavailableError`, never None: None means "there is no such session", for certain. A
  session that cannot be read is `UnreadableSessionError` to `see` and `get`; it can be ended like any other.
- A call that returned is as durable as the token store's.
"""

from __future__ import annotations

from typing import Final, Protocol

from sumun.sessions.session import Session

MOST_OF_USER: Final = 50
"""Sessions of one person at a time; for one more the oldest has to end. Each took the right password."""

MOST_CLIENTS: Final = 100
"""Clients of one session that are remembered, to be told of its end."""

TOUCHED_AFTER: Final = 16
"""A use is written down when a sixteenth of the idle limit has passed since the last that was: a write costs a disk."""


class SessionStore(Protocol):
    """Sessions by the SHA-256 digest of a cookie (32 bytes), by id, and by person."""

    async def begin(self, digest: bytes, session: Session) -> tuple[str, ...]:
        """Remember a new session with its first cookie, if its person has fewer than MOST_OF_USER.

        Otherwise nothing is done: the ids of those that have to end before, the oldest. Raises StoreUnavailableError.
        """
        ...

    async def renew(self, old: bytes, new: bytes, session: Session) -> int | None:
        """Let this be the session of that id from now on, and put the cookie `new` in the place of `old`.

        Returns the change number; None, and nothing done, when `old` is no cookie of it (any more), or it is over.
        Raises StoreUnavailableError.
        """
        ...

    async def join(self, session_id: str, digest: bytes) -> bool:
        """Add a cookie; False when the session is over. Raises StoreUnavailableError."""
        ...

    async def see(self, digest: bytes) -> Session | None:
        """The session of this cookie. Changes nothing. Raises StoreUnavailableError."""
        ...

    async def touch(self, session_id: str, now_ms: int) -> None:
        """It is used now; the latest use counts. No session, nothing to do. Raises StoreUnavailableError."""
        ...

    async def get(self, session_id: str) -> Session | None:
        """The session of this id. Raises StoreUnavailableError."""
        ...

    async def of_user(self, user_id: str) -> list[Session]:
        """All sessions of a person that can be read, the newest first. Raises StoreUnavailableError."""
        ...

    async def ids_of_user(self, user_id: str) -> tuple[str, ...]:
        """The ids of all sessions of a person, the newest first. Raises StoreUnavailableError."""
        ...

    async def seen_by(self, session_id: str, client_id: str) -> None:
        """This client was told of the session. No session, nothing to do. Raises StoreUnavailableError."""
        ...

    async def clients_of(self, session_id: str) -> tuple[str, ...]:
        """The clients that were told of it, until it is ended, or must be over. Raises StoreUnavailableError."""
        ...

    async def end(self, session_id: str) -> int | None:
        """Forget it, readable or not. Returns the change number; None: there was none. Raises StoreUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice, and after a failed start."""
        ...
