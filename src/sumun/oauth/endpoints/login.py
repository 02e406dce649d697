"""The login page (`/login`): a person proves who they are, in a transaction that began in this browser.

    GET   the page
    POST  decision=login    the login chain of who sent the person -> a session, new at every login -> back there
          decision=cancel   the client hears access_denied (RFC 6749 4.1.2.1)

An unknown person, a wrong password and a disabled account are shown the same page, after the same work.
"""

from __future__ import annotations

from collections.abc import Callable

from sumun.errors import OutageError
from sumun.identity import Standing, Subject
from sumun.login.authenticator import Identified, PasswordProof
from sumun.login.errors import LoginBusyError
from sumun.login.throttle import RateLimited
from sumun.oauth.authorize.errors import AuthorizationError, Refusal
from sumun.oauth.authorize.transactions import Transaction, Transactions, Waiting
from sumun.oauth.clients import FindClient, ReadStanding, shown_name
from sumun.oauth.csrf import ForgedFormError, FormKey, demand_own_form
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.grants.password import PASSWORD_CONTEXT, PASSWORD_METHOD, LoginFor
from sumun.oauth.login_first import HANDLE, LoginFirst, transaction_path
from sumun.oauth.messages import Form, read_form
from sumun.oauth.page_answers import PageError, locale_of, page_answer, redirect
from sumun.oauth.paths import CONSENT_PATH, LOGIN_PATH
from sumun.oauth.replies import Replies
from sumun.oauth.waiting import handle_in_query, waiting_of
from sumun.pages import Fault, Frame, LoginPage, LoginTrouble, page_headers, render_login
from sumun.pages.frame import Hidden
from sumun.sessions import Authentication, Session, Sessions
from sumun.sessions.cookie import SESSION, set_cookie

_WITHOUT_TRANSACTION = "/account"
_BUSY_SECONDS = 1


class LoginEndpoint:
    """Shows the page, and judges what it sends."""

    def __init__(
        self,
        transactions: Transactions,
        login_for: LoginFor,
        standing: ReadStanding,
        sessions: Sessions,
        find_client: FindClient,
        login_first: LoginFirst,
        replies: Replies,
        clock: Callable[[], float],
    ) -> None:
        """`standing` asks the directory itself; `clock` gives unix seconds."""
        self._transactions = transactions
        self._login_for = login_for
        self._standing = standing
        self._sessions = sessions
        self._find_client = find_client
        self._login_first = login_first
        self._replies = replies
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """One request. Raises PageError, OutageError."""
        if request.method == "POST":
            return await self._posted(request, read_form(request.content_types, request.body))
        handle = handle_in_query(request)
        if not handle:
            return await self._login_first.answer(request, _WITHOUT_TRANSACTION)
        waiting = await waiting_of(self._transactions, request, handle)
        return await self._page(request, waiting, waiting.transaction.login_hint)

    async def _posted(self, request: Request, form: Form) -> Answer:
        waiting = await waiting_of(self._transactions, request, form.get(HANDLE, ""))
        username = form.get("username", "")
        try:
            demand_own_form(request, form, _purpose(waiting))
        except ForgedFormError:
            return await self._page(request, waiting, username, LoginTrouble.FORGED, 403)
        if form.get("decision") == "cancel":
            return await self._cancelled(request, waiting)
        login = self._login_for(waiting.transaction.login)
        if login is None:  # a reload took away an authenticator that the transaction began with
            raise PageError(Fault.EXPIRED, 400)
        proof = PasswordProof(
            username,
            form.get("password", ""),
            waiting.transaction.client_id,
            request.source,
            request.request_id,
        )
        try:
            outcome = await login.prove(proof)
        except OutageError as outage:
            seconds = outage.retry_after_seconds if isinstance(outage, LoginBusyError) else _BUSY_SECONDS
            return await self._page(request, waiting, username, LoginTrouble.UNAVAILABLE, 503, seconds)
        if isinstance(outcome, RateLimited):
            seconds = outcome.retry_after_seconds
            return await self._page(request, waiting, username, LoginTrouble.THROTTLED, 429, seconds)
        standing = await self._standing_of(outcome) if isinstance(outcome, Identified) else None
        if standing is None:
            # RFC 9110 15.5.4. (401 would have to name a scheme of HTTP authentication.)
            return await self._page(request, waiting, username, LoginTrouble.REJECTED, 403)
        return await self._logged_in(request, waiting, standing)

    async def _standing_of(self, identified: Identified) -> Standing | None:
        """The person after the proof; None: what was proved is not true any more."""
        standing = await self._standing(Subject.user(identified.user_id))
        if standing is None or standing.disabled:
            return None
        return standing if identified.login_epoch in (None, standing.login_epoch) else None

    async def _logged_in(self, request: Request, waiting: Waiting, standing: Standing) -> Answer:
        who = Authentication(
            standing.subject.id,
            int(self._clock()),
            standing.login_epoch,
            (PASSWORD_METHOD,),
            PASSWORD_CONTEXT,
        )
        cookie, session = await self._sessions.begin(
            who,
            source=request.source,
            user_agent=request.one(b"user-agent") or "",
            cookie=request.cookie(SESSION),
        )
        return redirect(await self._onward(waiting, session), set_cookie(SESSION, cookie))

    async def _onward(self, waiting: Waiting, session: Session) -> str:
        if waiting.transaction.request is None:
            await self._transactions.end(waiting)
            return waiting.transaction.return_to
        # False: the form was sent twice, and the other one was first; what is next is looked at there.
        await self._transactions.change(waiting, waiting.transaction.proved(session.id))
        return transaction_path(CONSENT_PATH, waiting.handle)

    async def _cancelled(self, request: Request, waiting: Waiting) -> Answer:
        asked = waiting.transaction.request
        if asked is None or not await self._transactions.end(waiting):
            raise PageError(Fault.EXPIRED, 400)
        error = AuthorizationError(Refusal.ACCESS_DENIED, "the person did not log in")
        return self._replies.refused(request, asked.to, error, await self._application(waiting.transaction))

    async def _page(
        self,
        request: Request,
        waiting: Waiting,
        username: str,
        trouble: LoginTrouble = LoginTrouble.NONE,
        status: int = 200,
        wait_seconds: int = 0,
    ) -> Answer:
        transaction, key = waiting.transaction, FormKey.of(request)
        page = LoginPage(
            Frame(locale_of(request, transaction.ui_locales), transaction_path(LOGIN_PATH, waiting.handle)),
            LOGIN_PATH,
            (Hidden(HANDLE, waiting.handle), key.field(_purpose(waiting))),
            application=await self._application(transaction),
            username=username,
            trouble=trouble,
            wait_seconds=wait_seconds,
            cancels=transaction.request is not None,
        )
        headers = (*page_headers(filter(None, (transaction.leads_to,))), *key.cookies)
        if wait_seconds:
            headers = (*headers, (b"retry-after", b"%d" % wait_seconds))
        return page_answer(render_login(page), headers, status)

    async def _application(self, transaction: Transaction) -> str:
        client = await self._find_client(transaction.client_id) if transaction.client_id else None
        return "" if client is None else shown_name(client)


def _purpose(waiting: Waiting) -> str:
    return f"login {waiting.handle}"
