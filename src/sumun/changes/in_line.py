"""InLine: tokens follow what became of the session, grant or refresh family that they were issued under.

The directory says what became of it; an outbox entry says that it was changed. A grant that still stands narrows its
tokens in place; whatever else is named has ended, and they go. JWTs cannot be changed: they are denied either way.
Every step may be done again, by any process, so nothing is lost by a crash in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from sumun.directory import Directory, DirectoryThreads, Occasion, StoredGrant
from sumun.directory.issued import GRANT_PREFIX
from sumun.identity import narrowed
from sumun.sessions import Farewells, SessionStore
from sumun.sessions.errors import UnreadableSessionError
from sumun.sessions.session import is_session_id
from sumun.telemetry import metrics
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import Swept, TokenStore

log = logging.getLogger(__name__)


class InLine:
    """Brings tokens in line. Owns nothing of what it is given."""

    def __init__(
        self,
        directory: Directory,
        threads: DirectoryThreads,
        store: TokenStore,
        sessions: SessionStore,
        farewells: Farewells,
        occasion: Callable[[str], Occasion],
    ) -> None:
        """`occasion` makes the Occasion of an actor."""
        self._directory = directory
        self._threads = threads
        self._store = store
        self._sessions = sessions
        self._farewells = farewells
        self._occasion = occasion

    async def bring(self, key: str) -> int | None:
        """What is issued under this id is what the directory says; the number of the last news, None without any.

        News of JWTs is left in the outbox. Raises StoreUnavailableError, DirectoryUnavailableError: do it again.
        """
        grant = None
        if key.startswith(GRANT_PREFIX):
            grant = await self._threads.call(self._directory.grants.get, key)
        ended = await self._end_session(key) if is_session_id(key) else None
        if grant is None:
            swept = await self._store.end_under(key)
        else:
            swept = await self._store.narrow_under(key, partial(_within, grant))
        await self._threads.change(self._directory.issued.settle, key, swept.claims, self._occasion("sumun"))
        return swept.n or ended

    async def _end_session(self, session_id: str) -> int | None:
        """No browser knows it any more, and the clients that knew of it are to be told.

        Of one that has run out, or cannot be read, they are told its id alone: nobody knows whose it was.
        """
        try:
            session = await self._sessions.get(session_id)
        except UnreadableSessionError as unreadable:
            session = None
            metrics.SESSIONS_UNREADABLE.inc()
            log.error("ended with all that was issued in it, without having been read: %s", unreadable)
        clients = await self._sessions.clients_of(session_id)
        await self._farewells.add(session_id, "" if session is None else session.user_id, clients)
        return await self._sessions.end(session_id)

    async def end_what_came_of(self, token_id: str) -> Swept:
        """This token is revoked: what it was exchanged for goes. News of JWTs is left in the outbox."""
        swept = await self._store.narrow_under(token_id, lambda _: None)
        if swept.claims:
            settle = self._directory.issued.settle
            await self._threads.change(settle, token_id, swept.claims, self._occasion("sumun"))
        return swept


def _within(grant: StoredGrant, record: TokenRecord) -> TokenRecord | None:
    """The record with no more than the grant allows; None: nothing is left."""
    scopes, openid = narrowed(record.scopes, grant.scopes), record.openid & grant.openid
    return replace(record, scopes=scopes, openid=openid) if scopes or openid else None
