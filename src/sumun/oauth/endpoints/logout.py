"""The end of a session (`/oauth/logout`; OpenID Connect RP-Initiated Logout 1.0).

    GET, POST of a client   with the ID token of this very session: it ends. Otherwise the person is asked (6: neither
                            a link nor another site's form logs anybody out)
    POST of our page        decision=logout, or decision=stay

A session that has run out ends in the same way when its ID token is shown: what was issued in it may live. One that
cannot be read is ended without a question: nothing can be done with it, and nobody can be asked.

When the session has ended, no host knows it any more, what was issued in it is refused, its streams are cut, and the
clients that were told of it are told of its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from sumun.changes import Applied
from sumun.identity import Subject
from sumun.oauth.account.settled import demand_refused_here
from sumun.oauth.clients import ReadStanding, registered_itself, shown_name
from sumun.oauth.csrf import FormKey, demand_own_form
from sumun.oauth.errors import InvalidRequestError
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.logout_request import PARAMETERS, LogoutRequest, LogoutRequests
from sumun.oauth.messages import Form, read_form, read_pairs
from sumun.oauth.page_answers import PageError, locale_of, page_answer, redirect
from sumun.oauth.paths import LOGOUT_PATH
from sumun.pages import (
    ConfirmLogoutPage,
    Fault,
    Frame,
    Person,
    SignedOutPage,
    page_headers,
    render_confirm_logout,
    render_signed_out,
)
from sumun.pages.frame import Hidden
from sumun.sessions import Session, Sessions
from sumun.sessions.cookie import SESSION, drop_cookie
from sumun.sessions.errors import UnreadableSessionError
from sumun.sessions.session import is_session_id

_DECISION: Final = "decision"
_LONGEST_QUERY: Final = 12 * 1024
"""Characters. A header that does not fit HAProxy's buffer (16 KiB) would be our outage, by a stranger's word."""
_STAY: Final = "/account"


class LogoutEndpoint:
    """Ends the session of the browser that asks."""

    def __init__(
        self,
        requests: LogoutRequests,
        sessions: Sessions,
        standing: ReadStanding,
        settled: Callable[[], Awaitable[Applied]],
    ) -> None:
        """`settled` says who has not confirmed what was changed so far (`changes.Changes.settled`)."""
        self._requests = requests
        self._sessions = sessions
        self._standing = standing
        self._settled = settled

    async def answer(self, request: Request) -> Answer:
        """Raises PageError, ForgedFormError, InvalidRequestError, OutageError."""
        if request.method != "POST":
            return await self._asked(request, _read_query(request))
        form = read_form(request.content_types, request.body)
        if _DECISION not in form:
            # A form of a client's site: cookies do not come with it (SameSite), with the GET they do.
            query = urlencode({name: value for name, value in form.items() if name in PARAMETERS})
            if len(query) > _LONGEST_QUERY:
                raise PageError(Fault.APPLICATION, 400, "the request is too long")
            return redirect(f"{LOGOUT_PATH}?{query}")
        return await self._decided(request, form)

    async def _asked(self, request: Request, given: Form) -> Answer:
        asked = await self._requests.read(given)
        session = await self._found(request)
        hint = asked.hint
        if hint is not None and session is None:
            return await self._out(request, asked, hint.session_id, hint.user_id)
        if session is None:
            return await self._out(request, asked)
        if hint is not None and hint.session_id == session.id:
            return await self._out(request, asked, session.id, session.user_id, somebody=True)
        return await self._question(request, asked, session)

    async def _decided(self, request: Request, form: Form) -> Answer:
        asked = await self._requests.read(form)
        session = await self._found(request)
        if session is None:
            return await self._out(request, asked)
        demand_own_form(request, form, _purpose(session))
        if form[_DECISION] != "logout":
            return redirect(_STAY)
        return await self._out(request, asked, session.id, session.user_id, somebody=True)

    async def _found(self, request: Request) -> Session | None:
        """The session of this browser."""
        try:
            return await self._sessions.find(request.cookie(SESSION))
        except UnreadableSessionError as unreadable:
            await self._end(unreadable.session_id, "sumun")
            return None

    async def _end(self, session_id: str, actor: str) -> None:
        await self._sessions.end(session_id, actor=actor)
        demand_refused_here(await self._settled())

    async def _out(
        self,
        request: Request,
        asked: LogoutRequest,
        session_id: str = "",
        user_id: str = "",
        *,
        somebody: bool = False,
    ) -> Answer:
        """End this one, if there is one, and go on. `somebody`: this browser was logged in."""
        if is_session_id(session_id):
            await self._end(session_id, f"user:{user_id}")
        frame = Frame(locale_of(request, asked.ui_locales))
        if asked.client is not None and registered_itself(asked.client) and not somebody:
            # RFC 9700 4.11: anybody may have registered where this leads, and sent this link. A person decides.
            page = SignedOutPage(frame, "", asked.returns_to)
        elif asked.returns_to:
            return redirect(asked.returns_to, drop_cookie(SESSION))
        else:
            page = SignedOutPage(frame, "" if asked.client is None else shown_name(asked.client))
        return page_answer(render_signed_out(page), (*page_headers(), drop_cookie(SESSION)))

    async def _question(self, request: Request, asked: LogoutRequest, session: Session) -> Answer:
        key = FormKey.of(request)
        standing = await self._standing(Subject.user(session.user_id))
        here = f"{LOGOUT_PATH}?{urlencode(asked.carried)}" if asked.carried else LOGOUT_PATH
        page = ConfirmLogoutPage(
            Frame(locale_of(request, asked.ui_locales), here),
            LOGOUT_PATH,
            (*(Hidden(name, value) for name, value in asked.carried.items()), key.field(_purpose(session))),
            Person(session.user_id, "" if standing is None else standing.name),
            "" if asked.client is None else shown_name(asked.client),
        )
        targets = (asked.returns_to,) if asked.returns_to else ()
        return page_answer(render_confirm_logout(page), (*page_headers(targets), *key.cookies))


def _read_query(request: Request) -> Form:
    """The parameters of a GET, each at most once."""
    pairs = read_pairs(request.query)
    given = {name: value for name, value in pairs if value}
    if len(given) != len([name for name, value in pairs if value]):
        raise InvalidRequestError("a parameter is there more than once")
    return given


def _purpose(session: Session) -> str:
    return f"logout {session.id}"
