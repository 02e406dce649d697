"""The answer to a client, sent through the person's browser: a redirect, or a page that posts it."""

from __future__ import annotations

from collections.abc import Mapping

from sumun.oauth.authorize.errors import AuthorizationError
from sumun.oauth.authorize.reply import ReplyTo, reply
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.page_answers import locale_of, page_answer, redirect
from sumun.pages import Frame, PassingPage, page_headers, render_passing
from sumun.pages.frame import Hidden


class Replies:
    """Answers in the name of this issuer."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def code(self, request: Request, to: ReplyTo, code: str, application: str) -> Answer:
        """RFC 6749 4.1.2."""
        return self._answer(request, to, {"code": code}, application)

    def refused(self, request: Request, to: ReplyTo, error: AuthorizationError, application: str) -> Answer:
        """RFC 6749 4.1.2.1."""
        return self._answer(request, to, _told(error), application)

    def address_of_refusal(self, to: ReplyTo, error: AuthorizationError) -> str:
        """Where `refused` would send a browser; empty: it would post a form."""
        replied = reply(to, _told(error), self._issuer)
        return "" if replied.fields else replied.address

    def _answer(self, request: Request, to: ReplyTo, members: Mapping[str, str], application: str) -> Answer:
        replied = reply(to, members, self._issuer)
        if not replied.fields:
            return redirect(replied.address)
        page = PassingPage(
            Frame(locale_of(request)),
            application,
            replied.address,
            tuple(Hidden(name, value) for name, value in replied.fields.items()),
        )
        return page_answer(render_passing(page), page_headers((replied.address,), script=True))


def _told(error: AuthorizationError) -> dict[str, str]:
    return {"error": error.refusal.value, "error_description": str(error)}
