"""TokenStore: the contract every store of live tokens keeps.

Guarantees every implementation gives:
- A call that returned is durable as far as the store's documentation says; one that did not return may have happened.
- `revoke` and `edit` publish their change in the same atomic step as the change itself, so no crash separates the two.
- Only SHA-256 digests of tokens reach the store, never a token.
- No answer in time is `StoreUnavailableError`, never None: None means "there is no such token", for certain.
  So is a record that cannot be read: it is our outage, not the caller's bad token.
- A record stays for KEPT_AFTER_EXPIRY_MS after its expiry, so logs can say `expired` instead of `unknown`, and clocks
  may differ a little. Whoever reads a record looks at `expires_at_ms` (`tokens/judge.py` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sumun.identity import Permission
from sumun.tokens.record import TokenRecord

KEPT_AFTER_EXPIRY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Rights:
    """A token's own roles and permissions, as `edit` sets them."""

    roles: frozenset[str]
    permissions: frozenset[Permission]


class TokenStore(Protocol):
    """Live opaque tokens by the SHA-256 digest of the token (32 bytes)."""

    async def put(self, digest: bytes, record: TokenRecord) -> None:
        """Remember a new token until it expires. Raises StoreUnavailableError."""
        ...

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none. One round trip. Raises StoreUnavailableError."""
        ...

    async def find(self, token_id: str) -> tuple[bytes, TokenRecord] | None:
        """Digest and record by public handle. Raises StoreUnavailableError."""
        ...

    async def edit(self, token_id: str, rights: Rights) -> int | None:
        """Give the token these rights of its own, in place; its expiry stays.

        Returns the change number, None if there is no such token. Raises StoreUnavailableError.
        """
        ...

    async def revoke(self, digest: bytes) -> int | None:
        """Forget the token. Returns the change number, None if there was none. Raises StoreUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice, and after a failed start."""
        ...
