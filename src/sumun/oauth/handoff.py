"""How a session comes from the login host to another host of ours, in a browser.

    B  /login/start?return=/page     remembers where to, for this browser      -> 303 to the login host
    A  /login/continue?request=R     is somebody logged in? else the login page -> 303 to B with a one-time code
    B  /login/handoff?code=C         the code, in the browser that began it     -> cookie, 303 to /page

R and C are random, kept as SHA-256, and good for minutes and for one minute. What stands under them was written by us:
the origin is B's as the configuration names it, and the code counts only there and only with the cookie that B set at
the start. So nobody is sent to a host that is not ours, a code that leaks is of no use in another browser, and nobody
is logged in as somebody else by a link (login CSRF, RFC 9700 4.7).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sumun.oauth.authorize.transactions import digest
from sumun.tokens.base64url import encode as base64url
from sumun.tokens.ephemeral import EphemeralStore, Kind

REQUEST_SECONDS: Final = 15 * 60
"""As long as a login may take."""

CODE_SECONDS: Final = 60
"""One redirect. (RFC 6749 4.1.2 recommends ten minutes at most for its codes.)"""

_RANDOM_BYTES: Final = 32


class Handoff(Struct, frozen=True):
    """What stands under a request, and under a code.

    origin      whose cookie it is about
    return_to   where the person wanted to go there: path and query
    browser     SHA-256 of the browser's cookie there
    session_id  of a code: the session; of a request: empty
    other       of a request: the login page is shown first, whoever is logged in
    """

    origin: str
    return_to: str
    browser: bytes
    session_id: str = ""
    other: bool = False


class Handoffs:
    """Requests and codes in the store. Every method raises StoreUnavailableError."""

    def __init__(self, store: EphemeralStore, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._store = store
        self._random = random

    def new_handle(self) -> str:
        """256 random bits: a handle, or a cookie's value."""
        return base64url(self._random(_RANDOM_BYTES))

    async def ask(self, origin: str, return_to: str, browser: str, *, other: bool = False) -> str:
        """Remember a request of the browser with this cookie; its handle."""
        return await self._put(Handoff(origin, return_to, digest(browser), other=other), REQUEST_SECONDS)

    async def show_login(self, handle: str) -> str | None:
        """Whoever is logged in when this comes back goes on: the request's new handle, once. None: it is over."""
        asked = _of(await self._store.take(Kind.HANDOFF, digest(handle)), is_code=False)
        return None if asked is None else await self._put(replace(asked, other=False), REQUEST_SECONDS)

    async def asked(self, handle: str) -> Handoff | None:
        """The request; it stays, for a login may come between."""
        return _of(await self._store.get(Kind.HANDOFF, digest(handle)), is_code=False)

    async def grant(self, handle: str, session_id: str) -> str | None:
        """The request becomes a code, once; None: it is over."""
        asked = _of(await self._store.take(Kind.HANDOFF, digest(handle)), is_code=False)
        return None if asked is None else await self._put(replace(asked, session_id=session_id), CODE_SECONDS)

    async def redeem(self, code: str, origin: str, browser: str | None) -> Handoff | None:
        """What the code stands for, once, on its host, in its browser; None otherwise."""
        found = _of(await self._store.take(Kind.HANDOFF, digest(code)), is_code=True)
        if found is None or browser is None or found.origin != origin:
            return None
        return found if hmac.compare_digest(found.browser, digest(browser)) else None

    async def _put(self, handoff: Handoff, seconds: int) -> str:
        handle = self.new_handle()
        await self._store.put(Kind.HANDOFF, digest(handle), _encode(handoff), seconds * 1000)
        return handle


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Handoff).decode


def _of(stored: bytes | None, *, is_code: bool) -> Handoff | None:
    """A handle is no code, and a code no handle."""
    found = None if stored is None else _decode(stored)
    return found if found is not None and bool(found.session_id) is is_code else None
