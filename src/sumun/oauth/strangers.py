"""What whoever is not known may leave with us: requests that wait for a person, in a store that is not endless.

Anybody may begin a login, a code for a device, an authorization request, and each waits for minutes
(`tokens.ephemeral`). So how many begin is bounded, from one address and in all, over all nodes, which share that store.
Clients of the configuration that prove who they are are not concerned: whoever runs this knows them.
"""

from __future__ import annotations

from typing import Final

from sumun.directory.client import RegisteredClient
from sumun.login.throttle import Attempt, LoginThrottle, RateLimited
from sumun.oauth.clients import registered_itself
from sumun.oauth.errors import SlowDownError
from sumun.oauth.exchange import Request

WAITS_SECONDS: Final = 20 * 60
"""Nothing of it waits for longer."""


class Strangers:
    """Counts what they leave."""

    def __init__(self, throttle: LoginThrottle) -> None:
        """`throttle` is for this alone."""
        self._throttle = throttle

    async def count_unless_known(self, client: RegisteredClient, request: Request) -> None:
        """The same for what a client asks for. Raises SlowDownError, OutageError."""
        if registered_itself(client) or not client.proves_itself:
            await self.count(request)

    async def count(self, request: Request) -> None:
        """One more thing is to wait for who sent this. Raises SlowDownError, OutageError."""
        counted = await self._throttle.count(Attempt("waiting", request.source))
        if isinstance(counted, RateLimited):
            raise SlowDownError("too much waits already", counted.retry_after_seconds)
