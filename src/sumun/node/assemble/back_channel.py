"""Who tells clients of logouts in the HTTP process: clients and keys as they are when one is to be told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sumun.node.assemble.following import Following
from sumun.node.assemble.shared import Shared
from sumun.oauth.back_channel import BackChannel
from sumun.oauth.back_channel_http import BackChannelHttp
from sumun.tokens.signing_keys import SigningKey


@asynccontextmanager
async def open_back_channel(shared: Shared, following: Following) -> AsyncIterator[BackChannel]:
    """The back channel of this process."""

    async def address_of(client_id: str) -> str:
        configured = shared.in_force.plan.clients.get(client_id)
        if configured is not None:
            return configured.backchannel_logout_uri
        registered = await shared.threads.call(shared.directory.clients.get, client_id)
        return "" if registered is None or registered.disabled else registered.backchannel_logout_uri

    def key() -> SigningKey:
        return following.keys().active(shared.in_force.plan.tokens.jwt_algorithm)

    http = BackChannelHttp()
    try:
        yield BackChannel(
            shared.stores.farewells,
            address_of,
            key,
            lambda: shared.in_force.plan.tokens.issuer,
            time.time,
            http.post,
        )
    finally:
        await http.close()
