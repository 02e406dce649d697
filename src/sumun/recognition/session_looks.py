"""Looks at browser sessions: the cookie of one, or what was found with it before, becomes evidence.

A session is never remembered here: each look asks its store, and a look by a call is what shows that it is in use. The
person's standing is remembered as for tokens, and news about either makes it another look.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from sumun.access import Evidence, Invalid, InvalidBecause
from sumun.identity import Standing, Subject
from sumun.recognition.memory import Ticket
from sumun.sessions import Session, SessionStore
from sumun.sessions.judge import judge_session
from sumun.sessions.sessions import touch
from sumun.tokens.feed import Change, ChangeKind

_OVER = Invalid(InvalidBecause.SESSION_OVER)

ReadStanding: TypeAlias = Callable[[Subject], Awaitable[tuple[Ticket, Standing | None]]]
"""What is known of a person, and since when news about them would matter. Raises OutageError."""


@dataclass(frozen=True, slots=True)
class SessionLook:
    """What was found for a cookie, and since when news about it would matter."""

    ticket: Ticket
    session: Session | None
    standing: Standing | None = None

    def about(self) -> tuple[Change, ...]:
        """What this is about."""
        if self.session is None:
            return ()
        subject = Change(ChangeKind.SUBJECT, str(self.session.subject))
        return Change(ChangeKind.TOKEN, self.session.id), subject

    def judged(self, now: float) -> Evidence:
        """What it proves at `now` (unix seconds)."""
        return (
            _OVER if self.session is None else judge_session(self.session, self.standing, now, self.ticket.n)
        )


class SessionLooks:
    """Looks sessions up. Lives on one event loop."""

    def __init__(self, store: SessionStore, standing: ReadStanding, ticket: Callable[[], Ticket]) -> None:
        """`store` stays the caller's to close; `ticket` says where the process's memory stands now."""
        self._store = store
        self._standing = standing
        self._ticket = ticket

    async def look(self, digest: bytes, now: float, *, used: bool) -> SessionLook:
        """The session of the cookie with this digest. `used`: a call is made with it. Raises OutageError."""
        ticket = self._ticket()
        session = await self._store.see(digest)
        if session is None:
            return SessionLook(ticket, None)
        if used:
            await touch(self._store, session, now)
        since_standing, standing = await self._standing(session.subject)
        oldest = min(ticket, since_standing, key=lambda one: (one.era, one.n))
        return SessionLook(oldest, session, standing)
