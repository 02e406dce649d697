"""One login for every host: `/login/start`, `/login/continue`, `/login/handoff` (`oauth/handoff.py`).

With `other=1` at the start the login page is shown to who is logged in, too, to go on as somebody else.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from sumun.oauth.exchange import Answer, Request
from sumun.oauth.handoff import Handoffs
from sumun.oauth.login_first import LoginFirst
from sumun.oauth.our_hosts import OurHosts, is_path
from sumun.oauth.page_answers import PageError, redirect
from sumun.oauth.paths import LOGIN_CONTINUE_PATH, LOGIN_HANDOFF_PATH, LOGIN_START_PATH
from sumun.oauth.strangers import Strangers
from sumun.pages import Fault
from sumun.sessions import Sessions
from sumun.sessions.cookie import LOGIN, SESSION, set_cookie

# A URL with a code in it is nobody's business (RFC 9700 4.2.4).
_UNSAID = (b"referrer-policy", b"no-referrer")


class StartEndpoint:
    """Where HAProxy sends a browser that is not logged in, on its own host."""

    def __init__(self, hosts: OurHosts, handoffs: Handoffs, strangers: Strangers) -> None:
        self._hosts = hosts
        self._handoffs = handoffs
        self._strangers = strangers

    async def answer(self, request: Request) -> Answer:
        """Raises PageError, SlowDownError, OutageError."""
        return_to = _parameter(request, "return")
        if not is_path(return_to):
            raise PageError(Fault.BAD_RETURN, 400)
        other = _parameter(request, "other") == "1"
        origin = self._hosts.origin_of(request.one(b"host"))
        if origin is None:
            # Some other name of ours, such as an address: nobody is logged in under it.
            asked = {"return": return_to, "other": "1"} if other else {"return": return_to}
            return redirect(f"{self._hosts.login}{LOGIN_START_PATH}?{urlencode(asked)}")
        await self._strangers.count(request)
        browser = request.cookie(LOGIN)
        new = browser or self._handoffs.new_handle()
        handle = await self._handoffs.ask(origin, return_to, new, other=other)
        there = f"{self._hosts.login}{LOGIN_CONTINUE_PATH}?{urlencode({'request': handle})}"
        return redirect(there, *(() if browser else (set_cookie(LOGIN, new),)))


class ContinueEndpoint:
    """On the login host: who is logged in goes back with a code, who is not logs in first."""

    def __init__(
        self, hosts: OurHosts, handoffs: Handoffs, sessions: Sessions, login_first: LoginFirst
    ) -> None:
        self._hosts = hosts
        self._handoffs = handoffs
        self._sessions = sessions
        self._login_first = login_first

    async def answer(self, request: Request) -> Answer:
        """Raises PageError, OutageError."""
        handle = _parameter(request, "request")
        asked = await self._handoffs.asked(handle)
        if asked is None or self._hosts.origin_of(request.one(b"host")) != self._hosts.login:
            raise PageError(Fault.EXPIRED, 400)
        session = await self._sessions.find(request.cookie(SESSION))
        if session is None or asked.other:
            once = await self._handoffs.show_login(handle) if asked.other else handle
            if once is None:
                raise PageError(Fault.EXPIRED, 400)
            back = f"{LOGIN_CONTINUE_PATH}?{urlencode({'request': once})}"
            return await self._login_first.answer(request, back, leads_to=f"{asked.origin}/")
        code = await self._handoffs.grant(handle, session.id)
        if code is None:
            raise PageError(Fault.EXPIRED, 400)
        if asked.origin == self._hosts.login:
            return redirect(asked.return_to)  # its cookie is here already
        return redirect(f"{asked.origin}{LOGIN_HANDOFF_PATH}?{urlencode({'code': code})}", _UNSAID)


class HandoffEndpoint:
    """On the host where it began: the code becomes a cookie of the session."""

    def __init__(self, hosts: OurHosts, handoffs: Handoffs, sessions: Sessions) -> None:
        self._hosts = hosts
        self._handoffs = handoffs
        self._sessions = sessions

    async def answer(self, request: Request) -> Answer:
        """Raises PageError, OutageError."""
        origin = self._hosts.origin_of(request.one(b"host"))
        code = _parameter(request, "code")
        found = await self._handoffs.redeem(code, origin or "", request.cookie(LOGIN))
        cookie = None if found is None else await self._sessions.join(found.session_id)
        if found is None or cookie is None:
            raise PageError(Fault.EXPIRED, 400)
        return redirect(found.return_to, set_cookie(SESSION, cookie), _UNSAID)


def _parameter(request: Request, name: str) -> str:
    """The value of a parameter that is there exactly once; empty otherwise."""
    values = parse_qs(request.query.decode("latin-1")).get(name, [])
    return values[0] if len(values) == 1 else ""
