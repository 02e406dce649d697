"""Whose browser it is, and what every page of the account needs of the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sumun.oauth.csrf import FormKey, demand_own_form
from sumun.oauth.exchange import Answer, Headers, Request
from sumun.oauth.messages import Form, read_form
from sumun.oauth.page_answers import locale_of, page_answer, redirect
from sumun.pages import Frame, Locale, Notice, page_headers
from sumun.pages.frame import Hidden
from sumun.sessions import Session, Sessions
from sumun.sessions.cookie import SESSION

ACCOUNT = "/account"


class SendsToLogin(Protocol):
    """What this needs of `login_first.LoginFirst`."""

    async def answer(self, request: Request, return_to: str, *, login_hint: str = "") -> Answer:
        """A redirect to the login page, which leads back to `return_to`. Raises OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a person who is logged in."""

    request: Request
    session: Session
    key: FormKey

    @property
    def user_id(self) -> str:
        """Whose."""
        return self.session.user_id

    @property
    def actor(self) -> str:
        """The person, for the audit record."""
        return f"user:{self.user_id}"

    @property
    def locale(self) -> Locale:
        """The language of the answer."""
        return locale_of(self.request)

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        """What every form of the page holds."""
        return (self.key.field(self._purpose),)

    def frame(self, here: str) -> Frame:
        """See Frame."""
        return Frame(self.locale, here)

    def form(self) -> Form:
        """The form that was sent, from a page of this session. Raises ForgedFormError, InvalidRequestError."""
        form = read_form(self.request.content_types, self.request.body)
        demand_own_form(self.request, form, self._purpose)
        return form

    def shown(self, html: str, status: int = 200, more: Headers = ()) -> Answer:
        """A page."""
        return page_answer(html, (*page_headers(), *self.key.cookies, *more), status)

    @property
    def _purpose(self) -> str:
        return f"account {self.session.id}"


class Visits:
    """Tells a person from nobody."""

    def __init__(self, sessions: Sessions, login_first: SendsToLogin) -> None:
        self._sessions = sessions
        self._login_first = login_first

    async def of(self, request: Request, back_to: str = ACCOUNT) -> Visit | Answer:
        """The person's visit, or the way to the login page and from there to `back_to`. Raises OutageError."""
        session = await self._sessions.find(request.cookie(SESSION))
        if session is None:
            return await self._login_first.answer(request, back_to)
        return Visit(request, session, FormKey.of(request))


Act: TypeAlias = Callable[[Visit, Form], Awaitable[Answer]]


class AccountForm:
    """The address of a form of the account: no page of its own."""

    def __init__(self, visits: Visits, act: Act) -> None:
        """`act` does what the form asks for."""
        self._visits = visits
        self._act = act

    async def answer(self, request: Request) -> Answer:
        """One request. Raises ForgedFormError, InvalidRequestError, OutageError."""
        visit = await self._visits.of(request)
        if isinstance(visit, Answer):
            return visit
        if request.method != "POST":  # typed or reloaded
            return done()
        return await self._act(visit, visit.form())


def done(notice: Notice | None = None, *headers: tuple[bytes, bytes]) -> Answer:
    """Back to the account, which says what was done."""
    return redirect(ACCOUNT if notice is None else f"{ACCOUNT}?done={notice}", *headers)
