"""Tells clients that a session of their people has ended (OpenID Connect Back-Channel Logout 1.0).

One signed POST to each client that was told of the session and has an address for it. Who cannot be reached is tried
again, later and later; what the client can do here has ended already. What is to be told is in the store, so it
outlives this process, and any node tells it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from sumun.errors import SumunError
from sumun.oauth.id_tokens import mint_logout_token
from sumun.sessions.farewells import MOST_TRIES, Farewell, Farewells
from sumun.tokens.signing_keys import SigningKey

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 1.0
AT_ONCE: Final = 16

Post = Callable[[str, bytes], Awaitable[int]]
"""(URL, form) -> HTTP status. Raises OSError: nobody answered."""

FindAddress = Callable[[str], Awaitable[str]]
"""A client's `backchannel_logout_uri`, by its id; empty: it has none (any more). Raises OutageError."""


class BackChannel:
    """Lives on one event loop; owns nothing of what it is given."""

    def __init__(
        self,
        farewells: Farewells,
        address_of: FindAddress,
        key: Callable[[], SigningKey],
        issuer: Callable[[], str],
        clock: Callable[[], float],
        post: Post,
    ) -> None:
        """`key` signs now (raises OutageError, NoSigningKeyError); `clock` gives unix seconds."""
        self._farewells = farewells
        self._address_of = address_of
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._post = post

    async def tell_forever(self) -> None:
        """Tell what is due, again and again, until cancelled."""
        while True:
            try:
                busy = await self.tell() == AT_ONCE
            except SumunError as trouble:
                busy = False
                log.warning("clients are not told of logouts now: %s", trouble)
            if not busy:
                await asyncio.sleep(EVERY_SECONDS)

    async def tell(self) -> int:
        """Tell what is due now; to how many. Raises SumunError: what was not told stays due."""
        due = await self._farewells.due(AT_ONCE)
        for outcome in await asyncio.gather(*map(self._tell, due), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        return len(due)

    async def _tell(self, farewell: Farewell) -> None:
        url = await self._address_of(farewell.client_id)
        if not url or await self._is_told(farewell, url):
            await self._farewells.done(farewell)
        elif farewell.tries >= MOST_TRIES:
            log.error("a client could not be told of a logout: client=%s", farewell.client_id)
            await self._farewells.done(farewell)

    async def _is_told(self, farewell: Farewell, url: str) -> bool:
        """Tell it once. True: it knows, or does not want to (2.8: 400)."""
        token = mint_logout_token(
            farewell.client_id,
            farewell.user_id,
            farewell.session_id,
            self._key(),
            issuer=self._issuer(),
            now=self._clock(),
            random=secrets.token_bytes(16),
        )
        try:
            status = await self._post(url, urlencode({"logout_token": token}).encode())
        except OSError as trouble:
            log.info(
                "a client did not answer to a logout: client=%s: %s",
                farewell.client_id,
                type(trouble).__name__,
            )
            return False
        if status not in (200, 204):
            log.info("a client answered %d to a logout: client=%s", status, farewell.client_id)
        return status in (200, 204, 400)
