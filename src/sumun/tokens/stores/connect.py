"""Make the Valkey stores and the feed of one server, each with connections of its own.

Each connects when it is first used. `steady` gives seconds that never jump, `deadline` how long one command may take.
"""

from __future__ import annotations

from collections.abc import Callable

from sumun.tokens.stores.valkey import ValkeyStore
from sumun.tokens.stores.valkey_ephemeral import ValkeyEphemeral
from sumun.tokens.stores.valkey_feed import ValkeyFeed
from sumun.tokens.stores.valkey_link import Deadline, ValkeyAddress, ValkeyLink
from sumun.tokens.stores.valkey_tickets import ValkeyTickets


def valkey_store(address: ValkeyAddress, steady: Callable[[], float], deadline: Deadline) -> ValkeyStore:
    """The token store on this server."""
    return ValkeyStore(ValkeyLink(address, deadline=deadline, steady=steady))


def valkey_tickets(address: ValkeyAddress, steady: Callable[[], float], deadline: Deadline) -> ValkeyTickets:
    """The ticket store on this server."""
    return ValkeyTickets(ValkeyLink(address, connections=4, deadline=deadline, steady=steady))


def valkey_ephemeral(
    address: ValkeyAddress, steady: Callable[[], float], deadline: Deadline
) -> ValkeyEphemeral:
    """The ephemeral store on this server."""
    return ValkeyEphemeral(ValkeyLink(address, deadline=deadline, steady=steady))


def valkey_feed(address: ValkeyAddress, steady: Callable[[], float], deadline: Deadline) -> ValkeyFeed:
    """The feed on this server."""
    link = ValkeyLink(address, connections=4, deadline=deadline, steady=steady)
    doorbell = ValkeyLink(address, connections=1, deadline=deadline, steady=steady)
    return ValkeyFeed(link, doorbell)
