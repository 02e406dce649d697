"""Applied: what became of a change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Applied:
    """The change is stored and announced.

    n            its number in the feed, or a later one; None when nothing changed (there was nothing to do)
    unconfirmed  the live processes (`node/process`) that had not confirmed `n` when the wait ended; empty: all have.
                 `process` may have the node's life behind a colon
    """

    n: int | None
    unconfirmed: frozenset[str] = frozenset()

    def behind(self) -> str:
        """Who has not confirmed, for people: `node-a (answer-0, keeper), node-b (http)`."""
        by_node: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(self.unconfirmed):
            node, _, process = name.partition("/")
            by_node[node].append(process.partition(":")[0])
        return ", ".join(
            f"{node} ({', '.join(dict.fromkeys(processes))})" for node, processes in by_node.items()
        )


NOTHING_CHANGED = Applied(None)
