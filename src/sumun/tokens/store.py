"""TokenStore: the contract every store of live tokens keeps.

Guarantees every implementation gives:
- A call that returned is durable as far as the store's documentation says; one that did not return may have happened.
- Every change publishes its news in the same atomic step as the change itself, so no crash separates the two.
- Tokens are remembered under what they were issued for: a session (`sid_...`), a grant (`grt_...`), a refresh family
  (`fam_...`), the token that they were exchanged for. When one of these has ended, nothing is put under it any more, in
  the same atomic step: what is put before the end is found by it, what comes after it is refused.
- Only SHA-256 digests of tokens reach the store, never a token.
- No answer in time is `StoreUnavailableError`, never None: None means "there is no such token", for certain.
  So is a record that cannot be read: it is our outage, not the caller's bad token.
- A record stays for KEPT_AFTER_EXPIRY_MS after its expiry, so logs can say `expired` instead of `unknown`, and clocks
  may differ a little. Whoever reads a record looks at `expires_at_ms` (`tokens/judge.py` does).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sumun.identity import Permission
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord

KEPT_AFTER_EXPIRY_MS = 60_000

ENDED_FOR_MS = 24 * 3600 * 1000
"""How long an end is remembered: whoever read of a session or grant before it has put its token long since."""


@dataclass(frozen=True, slots=True)
class Rights:
    """A token's own roles and permissions, as `edit` sets them."""

    roles: frozenset[str]
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of the tokens under one id.

    n        the number of the last news; None: no opaque token had to change
    claims   (jti, expiry in unix ms) of the JWTs under it: they are not here, so whoever asked denies them
    """

    n: int | None
    claims: tuple[tuple[str, int], ...]


def stands_under(record: TokenRecord, came_of: str = "") -> list[str]:
    """The ids that a token is remembered under."""
    return [key for key in (record.session_id, record.grant_id, record.family_id, came_of) if key]


Found: TypeAlias = list[TokenRecord | None] | StoreUnavailableError
Hear: TypeAlias = Callable[[Found], None]
"""Told the records in order, None where there is none; or why nobody knows. It must not raise."""


Look: TypeAlias = Callable[[Sequence[bytes], Hear], None]


class TokenStore(Protocol):
    """Live opaque tokens by the SHA-256 digest of the token (32 bytes), and of JWTs what they were issued for."""

    async def put(self, digest: bytes, record: TokenRecord, came_of: str = "") -> bool:
        """Remember a new token until it expires, under its session, its grant, its family, and this token's id.

        False, and nothing is kept, when one of them has ended. Raises StoreUnavailableError.
        """
        ...

    async def put_claims(self, token_id: str, expires_at_ms: int, under: Collection[str]) -> bool:
        """Remember under these that a JWT was issued. False as for `put`. Raises StoreUnavailableError."""
        ...

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none. One round trip. Raises StoreUnavailableError."""
        ...

    def look(self, digests: Sequence[bytes], hear: Hear) -> None:
        """Have `hear` told what `get_many` would find, at once or later: without a task for each."""
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

    async def end_under(self, key: str) -> Swept:
        """The session, grant or family of this id has ended: forget every token under it, and take no more.

        Once more finds what is left: the JWTs, until they have expired. Raises StoreUnavailableError.
        """
        ...

    async def narrow_under(self, key: str, narrow: Callable[[TokenRecord], TokenRecord | None]) -> Swept:
        """Make every token under this id what `narrow` makes of it, in place; None: forget it.

        A record that cannot be read is forgotten too. Raises StoreUnavailableError.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice, and after a failed start."""
        ...
