"""The consent page (`/oauth/consent`): a person grants or refuses each permission that a client asks for.

    GET   what is next: log in, the page, or (nothing is to be asked) the code
    POST  decision=allow    what is ticked
          decision=all      everything that the page showed
          decision=refuse   the client hears access_denied
          decision=other    log in as somebody else first

The form counts only for the person who was shown the page, and for what it showed: if another logged in meanwhile, in
another tab, or what is to be asked is not the same any more, the page is shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from sumun.config.plan import Sentence
from sumun.directory.client import RegisteredClient
from sumun.oauth.authorize.consent import ABOUT, Wanted
from sumun.oauth.authorize.errors import AuthorizationError, Refusal
from sumun.oauth.authorize.flow import AuthorizationFlow, Considered, has_something
from sumun.oauth.authorize.remembered import allowed_by
from sumun.oauth.authorize.request import AuthorizationRequest, Prompt
from sumun.oauth.authorize.steps import Ask, LogIn
from sumun.oauth.authorize.transactions import Transactions, Waiting
from sumun.oauth.clients import FindClient, registered_itself, shown_name
from sumun.oauth.csrf import FormKey, demand_own_form
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.login_first import HANDLE, transaction_path
from sumun.oauth.messages import MAX_BOXES, Form, read_form
from sumun.oauth.page_answers import PageError, locale_of, page_answer, redirect
from sumun.oauth.paths import CONSENT_PATH, LOGIN_PATH
from sumun.oauth.replies import Replies
from sumun.oauth.waiting import handle_in_query, waiting_of
from sumun.pages import (
    ConsentPage,
    Fault,
    Frame,
    Person,
    asked_permissions,
    page_headers,
    render_consent,
    ticked,
)
from sumun.pages.frame import Hidden
from sumun.sessions.cookie import SESSION


class ConsentEndpoint:
    """Shows the page, and does what it sends."""

    def __init__(
        self,
        transactions: Transactions,
        flow: AuthorizationFlow,
        find_client: FindClient,
        replies: Replies,
        vocabulary: Mapping[str, Sentence],
    ) -> None:
        """`vocabulary`: permission -> words, of the configuration."""
        self._transactions = transactions
        self._flow = flow
        self._find_client = find_client
        self._replies = replies
        self._vocabulary = vocabulary

    async def answer(self, request: Request) -> Answer:
        """One request. Raises PageError, ForgedFormError, OutageError."""
        form: Form | None = None
        handle = handle_in_query(request)
        if request.method == "POST":
            form = read_form(request.content_types, request.body, MAX_BOXES)
            handle = form.get(HANDLE, "")
        waiting = await waiting_of(self._transactions, request, handle)
        asked, client = waiting.transaction.request, await self._find_client(waiting.transaction.client_id)
        if asked is None or client is None or client.disabled:
            raise PageError(Fault.EXPIRED, 400)
        if form is not None:
            demand_own_form(request, form, _purpose(waiting))
        try:
            return await self._next(request, form, waiting, asked, client)
        except AuthorizationError as error:
            await self._end(waiting)
            return self._replies.refused(request, asked.to, error, shown_name(client))

    async def _next(
        self,
        request: Request,
        form: Form | None,
        waiting: Waiting,
        asked: AuthorizationRequest,
        client: RegisteredClient,
    ) -> Answer:
        if form is not None and form.get("decision") == "refuse":
            raise AuthorizationError(Refusal.ACCESS_DENIED, "the person refused")
        considered = await self._flow.consider(asked, client, request.cookie(SESSION), waiting)
        if isinstance(considered, LogIn):
            return redirect(transaction_path(LOGIN_PATH, waiting.handle))
        if not isinstance(considered.step, Ask):
            return await self._give(request, waiting, asked, client, considered, None)
        about = considered.step.about
        if form is None or waiting.transaction.asked_user != considered.session.user_id:
            return await self._page(request, waiting, client, considered, about)
        if form.get("decision") != "other" and form.get(ABOUT) != about.digest:
            # Something was given or taken back since the page was shown.
            return await self._page(request, waiting, client, considered, about)
        if form.get("decision") == "other":
            return await self._somebody_else(waiting, asked)
        chosen = about if form.get("decision") == "all" else about.chosen(ticked(form))
        if not chosen and not has_something(considered):
            return await self._page(request, waiting, client, considered, about, nothing_ticked=True)
        return await self._give(request, waiting, asked, client, considered, chosen)

    async def _give(
        self,
        request: Request,
        waiting: Waiting,
        asked: AuthorizationRequest,
        client: RegisteredClient,
        considered: Considered,
        chosen: Wanted | None,
    ) -> Answer:
        await self._end(waiting)
        code = await self._flow.give(asked, client, considered, chosen)
        return self._replies.code(request, asked.to, code, shown_name(client))

    async def _somebody_else(self, waiting: Waiting, asked: AuthorizationRequest) -> Answer:
        """The session of now is not enough any more: who goes on has to prove who they are."""
        again = replace(asked, prompt=asked.prompt | {Prompt.SELECT_ACCOUNT}, login_hint="")
        await self._transactions.change(waiting, waiting.transaction.asking(again))
        return redirect(transaction_path(LOGIN_PATH, waiting.handle))

    async def _end(self, waiting: Waiting) -> None:
        """Raises PageError: another tab has answered the client already."""
        if not await self._transactions.end(waiting):
            raise PageError(Fault.EXPIRED, 400)

    async def _page(
        self,
        request: Request,
        waiting: Waiting,
        client: RegisteredClient,
        considered: Considered,
        about: Wanted,
        *,
        nothing_ticked: bool = False,
    ) -> Answer:
        transaction, user_id = waiting.transaction, considered.session.user_id
        if transaction.asked_user != user_id:
            await self._transactions.change(waiting, transaction.asked(user_id))
        locale, key = locale_of(request, transaction.ui_locales), FormKey.of(request)
        before = allowed_by(considered.remembered).texts
        page = ConsentPage(
            Frame(locale, transaction_path(CONSENT_PATH, waiting.handle)),
            CONSENT_PATH,
            (Hidden(HANDLE, waiting.handle), Hidden(ABOUT, about.digest), key.field(_purpose(waiting))),
            shown_name(client),
            Person(user_id, considered.standing.name),
            asked_permissions(about.texts, self._vocabulary, locale, before),
            goes_to=_place(transaction.leads_to),
            unknown=registered_itself(client),
            nothing_ticked=nothing_ticked,
        )
        return page_answer(
            render_consent(page),
            (*page_headers((transaction.leads_to,)), *key.cookies),
            400 if nothing_ticked else 200,
        )


def _place(address: str) -> str:
    """Where it leads, for people: a host; of an application's own scheme the scheme, for what follows is its own."""
    parts = urlsplit(address)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def _purpose(waiting: Waiting) -> str:
    return f"consent {waiting.handle}"
