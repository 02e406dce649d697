"""What people allow clients, and what they refused them, on the event loop."""

from __future__ import annotations

from typing import Protocol

from sumun.directory import Directory, DirectoryThreads, StoredGrant
from sumun.identity import Permission
from sumun.oauth.authorize.consent import NOTHING, Wanted


class AllowsGrants(Protocol):
    """What this needs of `changes.Changes`."""

    async def allow_grant(
        self,
        user_id: str,
        client_id: str,
        scopes: frozenset[Permission],
        openid: frozenset[str],
        refused: frozenset[str] = frozenset(),
        *,
        actor: str,
    ) -> StoredGrant:
        """A person lets a client do this too, and not these. Raises UnknownUserError, OutageError."""
        ...


class RememberedConsents:
    """Every method raises DirectoryUnavailableError."""

    def __init__(self, directory: Directory, threads: DirectoryThreads, changes: AllowsGrants) -> None:
        """`directory` is read; `changes` makes changes."""
        self._directory = directory
        self._threads = threads
        self._changes = changes

    async def of(self, user_id: str, client_id: str) -> StoredGrant | None:
        """What this person lets this client do; None: nothing."""
        return await self._threads.call(self._directory.grants.of, user_id, client_id)

    async def allow(
        self, user_id: str, client_id: str, what: Wanted, refused: Wanted = NOTHING
    ) -> StoredGrant:
        """Let the client do this too, and remember what it may not; the grant after that. Raises UnknownUserError."""
        return await self._changes.allow_grant(
            user_id, client_id, what.scopes, what.openid, refused.texts, actor=f"user:{user_id}"
        )
