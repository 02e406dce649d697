"""A person logs out one of the operator's own applications (`POST /account/logins`); no grant stands behind these."""

from __future__ import annotations

from sumun.oauth.account.people import AccountReader, ChangesAccounts
from sumun.oauth.account.settled import demand_refused_here
from sumun.oauth.account.visit import Visits, done
from sumun.oauth.exchange import Answer, Request
from sumun.pages import Notice

LOGGED_OUT = "logged_out"
"""The reason in the audit record."""


class LoginsEndpoint:
    """Ends every login of the person through one client (`end`)."""

    def __init__(self, visits: Visits, people: AccountReader, changes: ChangesAccounts) -> None:
        self._visits = visits
        self._people = people
        self._changes = changes

    async def answer(self, request: Request) -> Answer:
        """One request. Raises ForgedFormError, InvalidRequestError, OutageError."""
        visit = await self._visits.of(request)
        if isinstance(visit, Answer):
            return visit
        if request.method != "POST":  # the address of a form, typed or reloaded
            return done()
        client_id = visit.form().get("end")
        for login in await self._people.lasting_logins(visit.user_id):
            if login.client_id == client_id:
                await self._changes.end_family(login.family_id, LOGGED_OUT, actor=visit.actor)
        demand_refused_here(await self._changes.settled())
        return done(Notice.LOGIN_ENDED)
