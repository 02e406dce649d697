"""The authorization endpoint (RFC 6749 3.1): `/oauth/authorize`, by GET or POST (OpenID Connect Core 3.1.2.1)."""

from __future__ import annotations

from urllib.parse import urlencode

from sumun.directory.client import RegisteredClient
from sumun.oauth.authorize.errors import AuthorizationError, Refusal, Untrusted, UntrustedRequestError
from sumun.oauth.authorize.flow import AuthorizationFlow, Considered
from sumun.oauth.authorize.parameters import Parameters, read_parameters
from sumun.oauth.authorize.pushed import URN, PushedRequests
from sumun.oauth.authorize.request import (
    AuthorizationRequest,
    client_named,
    read_request,
    reply_to,
    require_known,
)
from sumun.oauth.authorize.steps import Give, LogIn
from sumun.oauth.authorize.transactions import Transaction
from sumun.oauth.clients import FindClient, registered_itself, shown_name
from sumun.oauth.errors import BodyTooLargeError
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.login_first import LoginFirst
from sumun.oauth.messages import refuse_other_bodies
from sumun.oauth.page_answers import PageError, redirect
from sumun.oauth.paths import AUTHORIZE_PATH, CONSENT_PATH, LOGIN_PATH
from sumun.oauth.replies import Replies
from sumun.oauth.resources import Resources
from sumun.oauth.strangers import Strangers
from sumun.pages import Fault
from sumun.sessions.cookie import SESSION

# A GET may have as much, by HAProxy. Anybody may send it, and what it says is kept for a minute.
MAX_POSTED_BYTES = 16 * 1024

_FAULTS = {
    Untrusted.MALFORMED: Fault.APPLICATION,
    Untrusted.CLIENT: Fault.UNKNOWN_APPLICATION,
    Untrusted.REDIRECT: Fault.BAD_RETURN,
    Untrusted.PUSHED: Fault.EXPIRED,
}


class AuthorizeEndpoint:
    """Answers authorization requests: with a code, an error, or a page that has to come first."""

    def __init__(
        self,
        find_client: FindClient,
        flow: AuthorizationFlow,
        pushed: PushedRequests,
        login_first: LoginFirst,
        replies: Replies,
        resources: Resources,
        strangers: Strangers,
    ) -> None:
        self._find_client = find_client
        self._flow = flow
        self._pushed = pushed
        self._login_first = login_first
        self._replies = replies
        self._resources = resources
        self._strangers = strangers

    async def answer(self, request: Request) -> Answer:
        """One request. Raises PageError when nobody may be redirected; OutageError."""
        try:
            if request.method == "POST":
                return await self._posted(request)
            return await self._asked(request, read_parameters(request.query))
        except UntrustedRequestError as error:
            raise PageError(_FAULTS[error.why], 400, str(error)) from None

    async def _posted(self, request: Request) -> Answer:
        """With another site's form a browser sends no cookie of ours (SameSite=Lax), but it does with what follows."""
        refuse_other_bodies(request.content_types, request.body)
        if len(request.body) > MAX_POSTED_BYTES:
            raise BodyTooLargeError(f"the body is larger than {MAX_POSTED_BYTES} bytes")
        parameters = read_parameters(request.body)
        client_id = client_named(parameters)
        if await self._find_client(client_id) is None:
            raise UntrustedRequestError(Untrusted.CLIENT, "there is no such client")
        request_uri = parameters.get("request_uri")
        if request_uri is None:
            await self._strangers.count(request)
            request_uri = await self._pushed.push(client_id, parameters, by_client=False)
        query = urlencode({"client_id": client_id, "request_uri": request_uri})
        return redirect(f"{AUTHORIZE_PATH}?{query}")

    async def _asked(self, request: Request, parameters: Parameters) -> Answer:
        client_id = client_named(parameters)
        client = await self._find_client(client_id)
        if client is None or client.disabled:
            raise UntrustedRequestError(Untrusted.CLIENT, "there is no such client")
        request_uri = parameters.get("request_uri") or ""
        by_client = False
        if request_uri.startswith(URN):
            # RFC 9101 5: "only use the parameters included in the Request Object"; the others are not looked at.
            taken = await self._pushed.take(request_uri, client_id)
            parameters, by_client = taken.parameters(), taken.by_client
        to = reply_to(parameters, client)
        try:
            if client.requires_pushed_requests and not by_client:
                raise AuthorizationError(
                    Refusal.INVALID_REQUEST, "this client pushes its requests (RFC 9126)"
                )
            asked = read_request(parameters, client, to)
            require_known(asked, self._resources)
            return await self._next(request, asked, client)
        except AuthorizationError as error:
            if registered_itself(client) and not await self._flow.is_somebody(request.cookie(SESSION)):
                # RFC 9700 4.11.2: "SHOULD only automatically redirect the user agent if it trusts the redirection URI".
                back = self._replies.address_of_refusal(to, error)
                raise PageError(Fault.APPLICATION, 400, str(error), back=back) from None
            return self._replies.refused(request, to, error, shown_name(client))

    async def _next(self, request: Request, asked: AuthorizationRequest, client: RegisteredClient) -> Answer:
        considered = await self._flow.consider(asked, client, request.cookie(SESSION), None)
        if isinstance(considered, Considered) and isinstance(considered.step, Give):
            code = await self._flow.give(asked, client, considered, None)
            return self._replies.code(request, asked.to, code, shown_name(client))
        path = LOGIN_PATH if isinstance(considered, LogIn) else CONSENT_PATH
        waits = Transaction(
            b"",
            "",
            client.login,
            client_id=client.id,
            request=asked,
            login_hint=asked.login_hint or (considered.user_id if isinstance(considered, LogIn) else ""),
            ui_locales=asked.ui_locales,
            leads_to=asked.to.redirect_uri,
        )
        return await self._login_first.begin(request, waits, path)
