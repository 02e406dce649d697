"""Make the Valkey stores and the feed of one server, each with connections of its own."""

from __future__ import annotations

from collections.abc import Callable

from sumun.tokens.stores.valkey import ValkeyStore
from sumun.tokens.stores.valkey_ephemeral import ValkeyEphemeral
from sumun.tokens.stores.valkey_feed import ValkeyFeed
from sumun.tokens.stores.valkey_link import DEADLINE_SECONDS, ValkeyAddress, ValkeyLink
from sumun.tokens.stores.valkey_tickets import ValkeyTickets


def valkey_store(
    address: ValkeyAddress, steady: Callable[[], float], deadline_seconds: float = DEADLINE_SECONDS
) -> ValkeyStore:
    """The token store on this server; connects when it is first used. `steady`: seconds that never jump."""
    return ValkeyStore(ValkeyLink(address, deadline_seconds=deadline_seconds, steady=steady))


def valkey_tickets(
    address: ValkeyAddress, steady: Callable[[], float], deadline_seconds: float = DEADLINE_SECONDS
) -> ValkeyTickets:
    """The ticket store on this server; connects when it is first used. `steady`: seconds that never jump."""
    return ValkeyTickets(ValkeyLink(address, connections=4, deadline_seconds=deadline_seconds, steady=steady))


def valkey_ephemeral(
    address: ValkeyAddress, steady: Callable[[], float], deadline_seconds: float = DEADLINE_SECONDS
) -> ValkeyEphemeral:
    """The ephemeral store on this server; connects when it is first used. `steady`: seconds that never jump."""
    return ValkeyEphemeral(ValkeyLink(address, deadline_seconds=deadline_seconds, steady=steady))


def valkey_feed(
    address: ValkeyAddress, steady: Callable[[], float], deadline_seconds: float = DEADLINE_SECONDS
) -> ValkeyFeed:
    """The feed on this server; connects when it is first used. `steady`: seconds that never jump."""
    link = ValkeyLink(address, connections=4, deadline_seconds=deadline_seconds, steady=steady)
    doorbell = ValkeyLink(address, connections=1, deadline_seconds=deadline_seconds, steady=steady)
    return ValkeyFeed(link, doorbell)
