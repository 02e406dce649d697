"""SessionStore in this process: for tests, and for a program of one process. Nothing survives it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from sumun.sessions.session import Session
from sumun.sessions.store import MOST_CLIENTS, MOST_OF_USER
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.stores.memory_feed import MemoryFeed


class MemorySessions:
    """Sessions in dicts. Keeps the SessionStore contract; its changes go to the feed it is given."""

    def __init__(self, feed: MemoryFeed, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds, for what is over."""
        self._feed = feed
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._cookies: dict[bytes, str] = {}
        self._clients: dict[str, tuple[str, ...]] = {}
        self._closed = False

    async def begin(self, digest: bytes, session: Session) -> tuple[str, ...]:
        """Remember a new session with its first cookie, or say which have to end before."""
        if too_many := (await self.ids_of_user(session.user_id))[MOST_OF_USER - 1 :]:
            return too_many
        self._sessions[session.id] = session
        self._cookies[digest] = session.id
        return ()

    async def renew(self, old: bytes, new: bytes, session: Session) -> int | None:
        """Let this be the session from now on, with another cookie."""
        self._tidy()
        if self._cookies.get(old) != session.id:
            return None
        del self._cookies[old]
        self._cookies[new] = session.id
        self._sessions[session.id] = session
        return self._feed.append([Change(ChangeKind.TOKEN, session.id)])

    async def join(self, session_id: str, digest: bytes) -> bool:
        """Add a cookie; False when the session is over."""
        self._tidy()
        if session_id not in self._sessions:
            return False
        self._cookies[digest] = session_id
        return True

    async def see(self, digest: bytes) -> Session | None:
        """The session of this cookie."""
        self._tidy()
        return self._sessions.get(self._cookies.get(digest, ""))

    async def touch(self, session_id: str, now_ms: int) -> None:
        """It is used now."""
        self._tidy()
        session = self._sessions.get(session_id)
        if session is not None and session.last_seen_ms < now_ms < session.ends_at_ms:
            self._sessions[session_id] = replace(session, last_seen_ms=now_ms)

    async def get(self, session_id: str) -> Session | None:
        """The session of this id."""
        self._tidy()
        return self._sessions.get(session_id)

    async def of_user(self, user_id: str) -> list[Session]:
        """All sessions of a person, the newest first."""
        self._tidy()
        return [one for one in reversed(self._sessions.values()) if one.user_id == user_id]

    async def ids_of_user(self, user_id: str) -> tuple[str, ...]:
        """The ids of all sessions of a person, the newest first."""
        return tuple(one.id for one in await self.of_user(user_id))

    async def seen_by(self, session_id: str, client_id: str) -> None:
        """This client was told of the session."""
        self._tidy()
        known = self._clients.get(session_id, ())
        if session_id in self._sessions and client_id not in known and len(known) < MOST_CLIENTS:
            self._clients[session_id] = (*known, client_id)

    async def clients_of(self, session_id: str) -> tuple[str, ...]:
        """The clients that were told of the session."""
        self._tidy()
        return self._clients.get(session_id, ())

    async def end(self, session_id: str) -> int | None:
        """Forget it."""
        self._tidy()
        self._clients.pop(session_id, None)
        if self._sessions.pop(session_id, None) is None:
            return None
        return self._feed.append([Change(ChangeKind.TOKEN, session_id)])

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    def _tidy(self) -> None:
        """Nothing is there that is over."""
        if self._closed:
            raise StoreUnavailableError("the session store of this process is closed")
        now_ms = self._clock() * 1000
        self._sessions = {key: one for key, one in self._sessions.items() if one.over_at_ms > now_ms}
        self._cookies = {key: of for key, of in self._cookies.items() if of in self._sessions}
