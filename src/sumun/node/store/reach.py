"""Is the store that the configuration names there, and does it let us in? Asked before anything is started."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from sumun.config.plan import SecretRef
from sumun.node.errors import NodeError
from sumun.recognition import steady_seconds
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.valkey_link import ValkeyAddress, ValkeyLink

_TRIES = 5
_PAUSE_SECONDS = 0.3
_SCHEMES = "valkey://, valkeys://, redis://, rediss:// or unix://"


class StoreOutOfReachError(NodeError):
    """The store that the configuration names does not answer, or does not let us in."""

    code = "store_out_of_reach"


async def reach_store(ref: SecretRef, address: ValkeyAddress) -> None:
    """Return when the store answered. Tries for a second or two. Raises StoreOutOfReachError, without the password."""
    try:
        link = ValkeyLink(address, connections=1, steady=steady_seconds)
    except ValueError:
        raise StoreOutOfReachError(
            f"{ref.where}: the store's URL ({ref.source}) cannot be read; it begins with {_SCHEMES}"
        ) from None
    try:
        for tries_left in reversed(range(_TRIES)):
            try:
                await link.command("TIME")
            except StoreUnavailableError as trouble:
                if not tries_left:
                    raise StoreOutOfReachError(
                        f"{ref.where}: {trouble}, at {_place(address.url)}: check that it runs, and that user and "
                        f"password of its URL ({ref.source}) are right"
                    ) from None
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return
    finally:
        await link.close()


def _place(url: str) -> str:
    """The URL without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
