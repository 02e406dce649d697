"""A person logs out one of the operator's own applications (`POST /account/logins`); no grant stands behind these."""

from __future__ import annotations

from sumun.oauth.account.people import AccountReader, ChangesAccounts
from sumun.oauth.account.settled import demand_refused_here
from sumun.oauth.account.visit import Visit, done
from sumun.oauth.exchange import Answer
from sumun.oauth.messages import Form
from sumun.pages import Notice

LOGGED_OUT = "logged_out"
"""The reason in the audit record."""


class Logins:
    """Ends every login of the person through one client (`end`)."""

    def __init__(self, people: AccountReader, changes: ChangesAccounts) -> None:
        self._people = people
        self._changes = changes

    async def act(self, visit: Visit, form: Form) -> Answer:
        """What the form asks for. Raises OutageError."""
        client_id = form.get("end")
        for login in await self._people.lasting_logins(visit.user_id):
            if login.client_id == client_id:
                await self._changes.end_family(login.family_id, LOGGED_OUT, actor=visit.actor)
        demand_refused_here(await self._changes.settled())
        return done(Notice.LOGIN_ENDED)
