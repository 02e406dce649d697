"""Quotas: which clients have used up the day, and what every worker's map must say of them. Pure.

`used` is what the store has counted for all nodes together; a day is one of UTC, by the store's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumun.config.plan import Plan
from sumun.haproxy.map_commands import Row

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Used:
    """How many calls a client has made on a day, counted from 1970-01-01."""

    calls: int
    day: int


def quotas_of(plan: Plan) -> dict[str, int]:
    """Client -> calls a day, of those that have a quota."""
    return {client.id: client.quota for client in plan.clients.values() if client.quota is not None}


def rows(quotas: Mapping[str, int], used: Mapping[str, Used]) -> tuple[Row, ...]:
    """The rows of HAProxy's map: who is refused, until when, and the quota. A client that nobody counted is not."""
    return tuple(
        (client, f"{(used[client].day + 1) * DAY_SECONDS}|{quota}")
        for client, quota in sorted(quotas.items())
        if client in used and used[client].calls >= quota
    )
