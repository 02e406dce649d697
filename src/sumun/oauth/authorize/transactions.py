"""Transactions: what waits while a person logs in or is asked. Each is bound to the browser in which it began.

    handle   in the address of our pages; random, kept as SHA-256
    browser  the cookie `__Host-sumun_login`; random, kept as SHA-256 inside

Whoever is sent another's link has the handle but not the cookie: nobody logs in, or allows something, in a transaction
that somebody else began (login CSRF, session fixation: RFC 9700 4.7).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sumun.oauth.authorize.request import AuthorizationRequest
from sumun.tokens.base64url import encode as base64url
from sumun.tokens.ephemeral import EphemeralStore, Kind

# Long enough to look for a password; what waits costs room in the store.
LIFETIME_SECONDS = 15 * 60
_RANDOM_BYTES = 32


class Transaction(Struct, frozen=True):
    """What waits.

    browser      SHA-256 of the browser's cookie
    return_to    where the person goes once logged in: a path of ours
    login        the authenticators that are asked
    client_id    whose login it is; empty: the gateway's own pages
    request      the authorization request, if there is one
    leads_to     an address that the answer to a form may lead to, for the pages' Content-Security-Policy; or empty
    session_id   the session in which the person proved who they are for it, or empty
    asked_user   who was shown the consent page last
    """

    browser: bytes
    return_to: str
    login: tuple[str, ...]
    client_id: str = ""
    request: AuthorizationRequest | None = None
    login_hint: str = ""
    ui_locales: str = ""
    leads_to: str = ""
    session_id: str = ""
    asked_user: str = ""

    def of_browser(self, browser: bytes, login: tuple[str, ...]) -> Transaction:
        """The same, bound to the browser of this digest, with these authenticators."""
        return replace(self, browser=browser, login=login)

    def proved(self, session_id: str) -> Transaction:
        """The same, in which somebody proved who they are."""
        return replace(self, session_id=session_id)

    def asking(self, request: AuthorizationRequest) -> Transaction:
        """The same with another request, to be gone through from the start."""
        return replace(self, request=request, login_hint=request.login_hint, session_id="", asked_user="")

    def asked(self, user_id: str) -> Transaction:
        """The same, in which this person is shown the consent page."""
        return replace(self, asked_user=user_id)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction that was found, and what is needed to change exactly this one."""

    handle: str = field(repr=False)
    transaction: Transaction
    stored: bytes = field(repr=False)


class Transactions:
    """Transactions in the store. Every method raises StoreUnavailableError."""

    def __init__(self, store: EphemeralStore, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._store = store
        self._random = random

    def new_handle(self) -> str:
        """A handle, or a cookie's value: 256 random bits."""
        return base64url(self._random(_RANDOM_BYTES))

    async def begin(self, handle: str, transaction: Transaction) -> None:
        """Let it wait under a new handle."""
        await self._store.put(Kind.TRANSACTION, digest(handle), _encode(transaction), LIFETIME_SECONDS * 1000)

    async def find(self, handle: str, browser: str | None) -> Waiting | None:
        """The transaction, for the browser that has this cookie; None: over, or another browser's."""
        stored = await self._store.get(Kind.TRANSACTION, digest(handle))
        if stored is None or browser is None:
            return None
        transaction = _decode(stored)
        if not hmac.compare_digest(transaction.browser, digest(browser)):
            return None
        return Waiting(handle, transaction, stored)

    async def change(self, waiting: Waiting, transaction: Transaction) -> bool:
        """Put another in its place; False when it is over, or was changed since it was found."""
        return await self._store.swap(
            Kind.TRANSACTION, digest(waiting.handle), waiting.stored, _encode(transaction)
        )

    async def end(self, waiting: Waiting) -> bool:
        """It is over. True for one caller only: who may answer the client."""
        return await self._store.take(Kind.TRANSACTION, digest(waiting.handle)) is not None


def digest(text: str) -> bytes:
    """SHA-256 of a handle or a cookie."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Transaction).decode
