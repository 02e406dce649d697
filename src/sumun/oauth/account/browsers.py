"""A person logs out other browsers of theirs (`POST /account/sessions`)."""

from __future__ import annotations

from sumun.oauth.account.people import ChangesAccounts
from sumun.oauth.account.settled import demand_refused_here
from sumun.oauth.account.visit import Visit, done
from sumun.oauth.exchange import Answer
from sumun.oauth.messages import Form
from sumun.pages import Notice
from sumun.sessions import Sessions


class Browsers:
    """Ends one session (`end`), or all but this one (`others`)."""

    def __init__(self, sessions: Sessions, changes: ChangesAccounts) -> None:
        self._sessions = sessions
        self._changes = changes

    async def act(self, visit: Visit, form: Form) -> Answer:
        """What the form asks for. Raises OutageError."""
        if "others" in form:
            await self._sessions.end_of_user(visit.user_id, actor=visit.actor, but=visit.session.id)
            demand_refused_here(await self._changes.settled())
            return done(Notice.OTHERS_ENDED)
        wanted = form.get("end")
        if any(one.id == wanted for one in await self._sessions.of_user(visit.user_id)):
            await self._sessions.end(str(wanted), actor=visit.actor)
        demand_refused_here(await self._changes.settled())
        return done(Notice.SESSION_ENDED)
