"""A person changes their password (`/account/password`).

The current password is asked for, whenever the login was (it is the proof that the person is there), by the same login
and behind the same throttle as everywhere. Then every other login of the person ends: browsers, applications, tokens.
This browser stays logged in, under a new cookie.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from sumun.directory.errors import InvalidPasswordError, UserFromElsewhereError
from sumun.directory.passwords import prepare
from sumun.errors import OutageError
from sumun.identity import Subject
from sumun.login.authenticator import Identified, PasswordProof, Rejected
from sumun.login.throttle import RateLimited
from sumun.oauth.account.people import AccountReader, ChangesAccounts, keeps_password_here
from sumun.oauth.account.visit import Visit, Visits, done
from sumun.oauth.clients import ReadStanding
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.grants.password import LoginFor
from sumun.oauth.messages import Form
from sumun.pages import Notice, PasswordPage, PasswordTrouble, Person, render_password
from sumun.sessions import Authentication, Sessions
from sumun.sessions.cookie import SESSION, set_cookie

log = logging.getLogger(__name__)

PASSWORD = "/account/password"

# NIST SP 800-63B-4 3.1.1.2: 15 characters where a password is all that is asked for; each code point counts as one.
SHORTEST: Final = 15


class PasswordEndpoint:
    """Shows the form, and judges it."""

    def __init__(
        self,
        visits: Visits,
        people: AccountReader,
        changes: ChangesAccounts,
        sessions: Sessions,
        login_for: LoginFor,
        login: tuple[str, ...],
        standing: ReadStanding,
        clock: Callable[[], float],
    ) -> None:
        """`login`: the authenticators of our own pages. `standing` asks the directory itself."""
        self._visits = visits
        self._people = people
        self._changes = changes
        self._sessions = sessions
        self._login_for = login_for
        self._login = login
        self._standing = standing
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """One request. Raises ForgedFormError, InvalidRequestError, OutageError."""
        visit = await self._visits.of(request, PASSWORD)
        if isinstance(visit, Answer):
            return visit
        user = await self._people.user(visit.user_id)
        login = self._login_for(self._login)
        if user is None or login is None or not keeps_password_here(user):
            return done()
        person = Person(user.id, user.display_name)
        if request.method != "POST":
            return _page(visit, person)
        form = visit.form()
        trouble = _judged(form)
        if trouble is not PasswordTrouble.NONE:
            return _page(visit, person, trouble, 422)
        proof = PasswordProof(user.id, form.get("current", ""), "", request.source, request.request_id)
        match await login.prove(proof):
            case RateLimited(seconds):
                return _page(visit, person, PasswordTrouble.THROTTLED, 429, seconds)
            case Identified(user_id, _, int(login_epoch)) if user_id == user.id:
                return await self._changed(visit, form.get("new", ""), login_epoch)
            case Identified() | Rejected():
                return _page(visit, person, PasswordTrouble.WRONG, 403)

    async def _changed(self, visit: Visit, new: str, login_epoch: int) -> Answer:
        hashed = await self._people.hash(new)
        try:
            await self._changes.set_password(visit.user_id, hashed, actor=visit.actor)
        except UserFromElsewhereError:
            return done()
        standing = await self._standing(Subject.user(visit.user_id))
        if standing is None or standing.disabled or standing.login_epoch != login_epoch + 1:
            return done()  # somebody else ended this person's logins meanwhile: this one too
        who = Authentication(
            visit.user_id,
            int(self._clock()),
            standing.login_epoch,
            visit.session.who.methods,
            visit.session.who.context,
        )
        cookie, session = await self._sessions.begin(
            who,
            source=visit.request.source,
            user_agent=visit.request.one(b"user-agent") or "",
            cookie=visit.request.cookie(SESSION),
        )
        try:
            await self._sessions.end_of_user(visit.user_id, actor=visit.actor, but=session.id)
            settled = not (await self._changes.settled()).unconfirmed
        except OutageError as outage:
            # None of them counts any more; what is missing is that their streams are cut and applications told.
            log.warning("sessions of %s were not ended after a new password: %s", visit.user_id, outage)
            settled = False
        notice = Notice.PASSWORD_CHANGED if settled else Notice.PASSWORD_CHANGING
        return done(notice, set_cookie(SESSION, cookie))


def _judged(form: Form) -> PasswordTrouble:
    """What is wrong with the new password, whatever the current one is."""
    current, new = form.get("current", ""), form.get("new", "")
    if len(new) < SHORTEST:
        return PasswordTrouble.SHORT
    try:
        prepared = prepare(new)
    except InvalidPasswordError:
        return PasswordTrouble.UNUSABLE
    if form.get("again", "") != new:
        return PasswordTrouble.DIFFERENT
    try:
        return PasswordTrouble.SAME if prepared == prepare(current) else PasswordTrouble.NONE
    except InvalidPasswordError:
        return PasswordTrouble.NONE  # the current one is wrong, which is looked at next


def _page(
    visit: Visit,
    person: Person,
    trouble: PasswordTrouble = PasswordTrouble.NONE,
    status: int = 200,
    wait_seconds: int = 0,
) -> Answer:
    page = PasswordPage(visit.frame(PASSWORD), visit.hidden, person, SHORTEST, trouble, wait_seconds)
    more = ((b"retry-after", b"%d" % wait_seconds),) if wait_seconds else ()
    return visit.shown(render_password(page), status, more)
