"""Sends a person to the login page, and back to where they came from.

    somewhere -> 303 /login?transaction=... (-> the person logs in) -> 303 `return_to`

The address holds only the handle of a transaction, which is bound to this browser; where it leads stands in the
transaction, so nobody can be sent elsewhere by a link.
"""

from __future__ import annotations

from urllib.parse import urlencode

from sumun.config.plan import OWN_PATHS
from sumun.oauth.authorize.transactions import Transaction, Transactions, digest
from sumun.oauth.exchange import Answer, Request
from sumun.oauth.page_answers import redirect
from sumun.oauth.paths import LOGIN_PATH
from sumun.oauth.strangers import Strangers
from sumun.sessions.cookie import LOGIN, set_cookie

HANDLE = "transaction"


class LoginFirst:
    """Begins transactions. `login`: the chain of the gateway's own pages (the top-level `login`)."""

    def __init__(self, transactions: Transactions, login: tuple[str, ...], strangers: Strangers) -> None:
        self._transactions = transactions
        self._login = login
        self._strangers = strangers

    async def answer(
        self, request: Request, return_to: str, *, login_hint: str = "", leads_to: str = ""
    ) -> Answer:
        """Let somebody log in, then come back to `return_to`, a path of ours with its query.

        `leads_to`: an address on another host that `return_to` may redirect to. Raises SlowDownError, OutageError;
        ValueError for a path that is not ours.
        """
        if not return_to.startswith(tuple(f"{own}{end}" for own in OWN_PATHS for end in "/?")) and (
            return_to not in OWN_PATHS
        ):
            raise ValueError("people come back to a path of ours")
        return await self.begin(
            request,
            Transaction(b"", return_to, self._login, login_hint=login_hint, leads_to=leads_to),
            LOGIN_PATH,
        )

    async def begin(self, request: Request, transaction: Transaction, path: str) -> Answer:
        """Let this wait for the browser that asks, and send it to this page. its `browser` is filled in, and
        its `login` when it has none: a client that was registered at run time. Raises SlowDownError, OutageError.
        """
        await self._strangers.count(request)
        browser = request.cookie(LOGIN)
        new = browser or self._transactions.new_handle()
        handle = self._transactions.new_handle()
        waits = transaction.of_browser(digest(new), transaction.login or self._login)
        await self._transactions.begin(handle, waits)
        cookie = () if browser else (set_cookie(LOGIN, new),)
        return redirect(transaction_path(path, handle), *cookie)


def transaction_path(path: str, handle: str) -> str:
    """Where a page of this transaction is."""
    return f"{path}?{urlencode({HANDLE: handle})}"
