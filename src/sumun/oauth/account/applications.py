"""A person takes back what an application was given (`POST /account/applications`)."""

from __future__ import annotations

from sumun.directory import StoredGrant
from sumun.oauth.account.people import AccountReader, ChangesAccounts
from sumun.oauth.account.settled import demand_refused_here
from sumun.oauth.account.visit import Visit, done
from sumun.oauth.exchange import Answer
from sumun.oauth.messages import Form
from sumun.pages import Notice


class Applications:
    """Withdraws one permission (`withdraw`), or all (`withdraw_all`)."""

    def __init__(self, people: AccountReader, changes: ChangesAccounts) -> None:
        self._people = people
        self._changes = changes

    async def act(self, visit: Visit, form: Form) -> Answer:
        """What the form asks for. Raises OutageError."""
        wanted = form.get("application")
        grants = await self._people.grants(visit.user_id)
        grant = next((one for one in grants if one.id == wanted), None)
        if grant is None:  # withdrawn already (just now, perhaps, and not confirmed), or another's
            demand_refused_here(await self._changes.settled())
            return done(Notice.WITHDRAWN)
        if "withdraw_all" in form:
            demand_refused_here(await self._changes.withdraw_grant(grant.id, actor=visit.actor))
            return done(Notice.WITHDRAWN)
        return await self._narrowed(visit, grant, form.get("withdraw", ""))

    async def _narrowed(self, visit: Visit, grant: StoredGrant, scope: str) -> Answer:
        scopes = frozenset(one for one in grant.scopes if str(one) != scope)
        openid = grant.openid - {scope}
        applied = await self._changes.narrow_grant(grant.id, scopes, openid, actor=visit.actor)
        demand_refused_here(applied)
        return done(Notice.NARROWED if scopes or openid else Notice.WITHDRAWN)
