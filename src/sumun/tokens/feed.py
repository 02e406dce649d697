"""Feed: the ordered news of changes, and who has applied them.

Every change has a number `n`, gapless within one *incarnation* of the feed. A reader that meets a gap or another
incarnation may have missed news: it forgets everything it kept. A change is committed to its store before it is
published; directory changes reach the feed through the directory's outbox, so a crash in between loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ChangeKind(StrEnum):
    """What a piece of news is about; `key` names which one."""

    TOKEN = "token"
    """A token revoked or edited. key: its token_id (for a JWT its `jti`)."""
    SUBJECT = "subject"
    """Roles, permissions, password, disabled. key: `user:alice` or `client:batch`."""
    CLIENT = "client"
    """A client registered, changed or disabled. key: its client_id."""
    KEYS = "keys"
    """Signing keys changed. key: empty."""
    EVERYTHING = "everything"
    """Trust nothing learned before. key: empty."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed."""

    kind: ChangeKind
    key: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """A change with its number."""

    n: int
    change: Change


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands: the feed's incarnation and the last number it applied."""

    incarnation: str
    n: int


class Feed(Protocol):
    """The news feed of one deployment."""

    async def publish(self, changes: Sequence[Change]) -> int:
        """Append; returns the number of the last one. Raises StoreUnavailableError."""
        ...

    async def head(self) -> Position:
        """The newest position. Raises StoreUnavailableError."""
        ...

    async def read_after(self, position: Position, wait_seconds: float) -> list[News]:
        """News after `position`, oldest first; waits up to `wait_seconds` for the first; [] is a proof of contact.

        Raises NewsLostError when numbers after `position` are gone or the incarnation is another;
        StoreUnavailableError when the store does not answer.
        """
        ...

    async def confirm(self, node: str, process: str, position: Position, alive_for_seconds: float) -> None:
        """Say that this process has applied everything up to `position`, and lives for at least so long.

        `alive_for_seconds` 0 says goodbye: the process trusts nothing it learned any more, and nobody waits for it.
        """
        ...

    async def unconfirmed(self, node: str | None, n: int) -> frozenset[str]:
        """The live processes (`node/process`) that have not confirmed `n`; of one node, or (None) of all."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        ...
