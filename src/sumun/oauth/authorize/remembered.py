"""What people allow clients, on the event loop: `directory.Grants` with this server's clock."""

from __future__ import annotations

from collections.abc import Callable

from sumun.directory import Directory, DirectoryThreads, Occasion, StoredGrant
from sumun.oauth.authorize.consent import Wanted


class RememberedConsents:
    """Every method raises DirectoryUnavailableError."""

    def __init__(
        self,
        directory: Directory,
        threads: DirectoryThreads,
        clock: Callable[[], float],
        claims_live_seconds: int,
    ) -> None:
        """`clock` gives unix seconds; `claims_live_seconds`: see Occasion."""
        self._directory = directory
        self._threads = threads
        self._clock = clock
        self._claims_live_seconds = claims_live_seconds

    async def of(self, user_id: str, client_id: str) -> StoredGrant | None:
        """What this person lets this client do; None: nothing."""
        return await self._threads.call(self._directory.grants.of, user_id, client_id)

    async def allow(self, user_id: str, client_id: str, what: Wanted) -> StoredGrant:
        """Let the client do this too; the grant after that. Raises UnknownUserError."""
        occasion = Occasion(f"user:{user_id}", int(self._clock() * 1000), self._claims_live_seconds)
        return await self._threads.change(
            self._directory.grants.allow, user_id, client_id, what.scopes, what.openid, occasion
        )
