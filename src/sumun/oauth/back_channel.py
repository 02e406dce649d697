"""Tells clients that a session of their people has ended (OpenID Connect Back-Channel Logout 1.0).

One signed POST to each client that was told of the session and has an address for it. Who cannot be reached is tried
again a few times within half a minute, and then left alone: what the client can do here has ended already, and it
learns so when it next tries. What is to be told is in memory only, and bounded.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlencode

from sumun.errors import SumunError
from sumun.oauth.clients import FindClient
from sumun.oauth.id_tokens import mint_logout_token
from sumun.sessions import Session
from sumun.tokens.signing_keys import KeyRing

log = logging.getLogger(__name__)

PAUSES_SECONDS: Final = (1.0, 5.0, 20.0)
MOST_WAITING: Final = 1000
AT_ONCE: Final = 16

Post = Callable[[str, bytes], Awaitable[int]]
"""(URL, form) -> HTTP status. Raises OSError: nobody answered."""


class BackChannel:
    """Lives on one event loop."""

    def __init__(
        self,
        find_client: FindClient,
        keys: Callable[[], KeyRing],
        clock: Callable[[], float],
        post: Post,
        *,
        issuer: str,
        algorithm: str,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        """`clock` gives unix seconds; `algorithm` signs. `pauses_seconds`: between one try and the next."""
        self._find_client = find_client
        self._keys = keys
        self._clock = clock
        self._post = post
        self._issuer = issuer
        self._algorithm = algorithm
        self._pauses = pauses_seconds
        self._free = asyncio.Semaphore(AT_ONCE)
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, session: Session, client_ids: Sequence[str]) -> None:
        """Have these clients told, soon. Never raises, and waits for nobody."""
        for client_id in client_ids:
            if len(self._telling) >= MOST_WAITING:
                log.warning("a client is not told of a logout, too many wait: client=%s", client_id)
                continue
            task = asyncio.create_task(self._told(session, client_id))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def close(self) -> None:
        """Nobody else is told."""
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def _told(self, session: Session, client_id: str) -> None:
        try:
            client = await self._find_client(client_id)
            if client is None or not client.backchannel_logout_uri:
                return
            for pause in (*self._pauses, None):
                if await self._is_done(session, client_id, client.backchannel_logout_uri):
                    return
                if pause is not None:
                    await asyncio.sleep(pause)
        except SumunError as trouble:
            log.warning("a client is not told of a logout: client=%s: %s", client_id, trouble)
            return
        log.warning("a client could not be told of a logout: client=%s", client_id)

    async def _is_done(self, session: Session, client_id: str, uri: str) -> bool:
        """Tell it once. True: it knows, or does not want to (2.8: 400)."""
        token = mint_logout_token(
            client_id,
            session.user_id,
            session.id,
            self._keys().active(self._algorithm),
            issuer=self._issuer,
            now=self._clock(),
            random=secrets.token_bytes(16),
        )
        try:
            async with self._free:
                status = await self._post(uri, urlencode({"logout_token": token}).encode())
        except OSError as trouble:
            log.info("a client did not answer to a logout: client=%s: %s", client_id, type(trouble).__name__)
            return False
        if status not in (200, 204):
            log.info("a client answered %d to a logout: client=%s", status, client_id)
        return status in (200, 204, 400)
