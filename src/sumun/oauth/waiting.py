"""The transaction that a request is about."""

from __future__ import annotations

from urllib.parse import parse_qs

from sumun.oauth.authorize.transactions import Transactions, Waiting
from sumun.oauth.exchange import Request
from sumun.oauth.login_first import HANDLE
from sumun.oauth.page_answers import PageError
from sumun.pages import Fault
from sumun.sessions.cookie import LOGIN


def handle_in_query(request: Request) -> str:
    """The handle in the address; empty: there is none."""
    return parse_qs(request.query.decode("latin-1")).get(HANDLE, [""])[0]


async def waiting_of(transactions: Transactions, request: Request, handle: str) -> Waiting:
    """The transaction. Raises PageError: over, or another browser's (one page for both); OutageError."""
    waiting = await transactions.find(handle, request.cookie(LOGIN))
    if waiting is None:
        raise PageError(Fault.EXPIRED, 400)
    return waiting
