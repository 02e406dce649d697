"""Sessions: begin one at a login, know it again by its cookie, show and end those of a person."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec.structs import replace

from sumun.access import Proven
from sumun.identity import Standing, Subject
from sumun.sessions.errors import UnreadableSessionError
from sumun.sessions.judge import judge_session
from sumun.sessions.session import LONGEST_SOURCE, LONGEST_USER_AGENT, Authentication, Session
from sumun.sessions.store import TOUCHED_AFTER, SessionStore
from sumun.tokens import format as token_format
from sumun.tokens.errors import StoreUnavailableError

log = logging.getLogger(__name__)


class Announces(Protocol):
    """What this needs of `changes.Changes`."""

    async def end_session(self, session_id: str, *, actor: str) -> object:
        """End a session and all that hangs on it, and wait until everybody knows. Raises OutageError."""
        ...

    async def confirmed(self, n: int) -> object:
        """Wait until everybody knows change `n`. Raises OutageError."""
        ...


class Sessions:
    """The sessions of a deployment. Lives on one event loop; owns none of what it is given."""

    def __init__(
        self,
        store: SessionStore,
        standing: Callable[[Subject], Awaitable[Standing | None]],
        changes: Announces,
        *,
        idle_seconds: int,
        absolute_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        """`standing` is what the directory says now; `clock` gives unix seconds.

        idle_seconds, absolute_seconds   for sessions that begin, or begin anew, here
        """
        self._store = store
        self._standing = standing
        self._changes = changes
        self._idle_ms = idle_seconds * 1000
        self._absolute_ms = absolute_seconds * 1000
        self._clock = clock

    async def begin(
        self, who: Authentication, *, source: str = "", user_agent: str = "", cookie: str | None = None
    ) -> tuple[str, Session]:
        """Somebody proved who they are: the value of the session's cookie, new every time, and the session.

        `cookie` is what the browser had. If that is a session of the same person, it goes on under its id, as of this
        login, and the old cookie is void; one of somebody else is ended. So no value that was known before a login is
        worth anything after it (OWASP: session fixation). When the person has as many as one may have, the oldest
        ends, with what was issued in it. Raises OutageError.
        """
        old = token_format.digest(cookie) if cookie and _is_cookie(cookie) else None
        before = await self._before(old, who) if old is not None else None
        value = token_format.new(token_format.SESSION_PREFIX)
        digest = token_format.digest(value)
        now_ms = int(self._clock() * 1000)
        session = Session(
            id=token_format.session_id(secrets.token_bytes(token_format.TOKEN_ID_BYTES)),
            who=who,
            created_at_ms=now_ms,
            last_seen_ms=now_ms,
            idle_ms=self._idle_ms,
            ends_at_ms=now_ms + self._absolute_ms,
            user_agent=_printable(user_agent)[:LONGEST_USER_AGENT],
            source=_printable(source)[:LONGEST_SOURCE],
        )
        if old is not None and before is not None:
            if before.user_id != who.user_id:
                await self.end(before.id, actor=f"user:{who.user_id}")
            else:
                renewed = replace(session, id=before.id, created_at_ms=before.created_at_ms)
                n = await self._store.renew(old, digest, renewed)
                if n is not None:
                    await self._changes.confirmed(n)
                    return value, renewed
        while too_many := await self._store.begin(digest, session):
            for session_id in too_many:
                await self.end(session_id, actor="sumun")
        return value, session

    async def _before(self, old: bytes, who: Authentication) -> Session | None:
        """The session of the cookie that the browser had. One that cannot be read is ended: it opens nothing more."""
        try:
            return await self._store.see(old)
        except UnreadableSessionError as unreadable:
            await self.end(unreadable.session_id, actor=f"user:{who.user_id}")
            return None

    async def find(self, cookie: str | None) -> Session | None:
        """The session of this cookie, if its person may still use it; it is used now. Junk asks no store.

        Raises OutageError.
        """
        if cookie is None or not _is_cookie(cookie):
            return None
        session = await self._store.see(token_format.digest(cookie))
        if session is None or not await self._stands(session):
            return None
        await touch(self._store, session, self._clock())
        return session

    async def get(self, session_id: str) -> Session | None:
        """The session of this id, if its person may still use it. Raises OutageError."""
        session = await self._store.get(session_id)
        return session if session is not None and await self._stands(session) else None

    async def join(self, session_id: str) -> str | None:
        """Another cookie of this session, for another host; None when it is over. Raises OutageError."""
        if await self.get(session_id) is None:
            return None
        value = token_format.new(token_format.SESSION_PREFIX)
        return value if await self._store.join(session_id, token_format.digest(value)) else None

    async def seen_by(self, session_id: str, client_id: str) -> None:
        """This client is told of the session, and is to be told of its end. Raises OutageError."""
        await self._store.seen_by(session_id, client_id)

    async def of_user(self, user_id: str) -> list[Session]:
        """All sessions of a person, the newest first. Raises OutageError."""
        return [one for one in await self._store.of_user(user_id) if await self._stands(one)]

    async def end(self, session_id: str, *, actor: str) -> None:
        """Log out: no host knows it any more, and what was issued in it is refused. Raises OutageError."""
        await self._changes.end_session(session_id, actor=actor)

    async def end_of_user(self, user_id: str, *, actor: str, but: str = "") -> int:
        """End all sessions of a person but one; how many. Raises OutageError: then some may not be ended."""
        ended = [one for one in await self._store.ids_of_user(user_id) if one != but]
        for session_id in ended:
            await self.end(session_id, actor=actor)
        return len(ended)

    async def _stands(self, session: Session) -> bool:
        standing = await self._standing(session.subject)
        return isinstance(judge_session(session, standing, self._clock()), Proven)


async def touch(store: SessionStore, session: Session, now: float) -> None:
    """Write down that it is used at `now` (unix seconds), if the last use that was is a while ago.

    A store that cannot write just now ends nobody's session; it will be over sooner.
    """
    now_ms = int(now * 1000)
    if now_ms - session.last_seen_ms < session.idle_ms // TOUCHED_AFTER:
        return
    try:
        await store.touch(session.id, now_ms)
    except StoreUnavailableError as trouble:
        log.warning("the use of a session was not written down: %s", trouble)


def _is_cookie(value: str) -> bool:
    return token_format.is_wellformed(value, token_format.SESSION_PREFIX)


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
