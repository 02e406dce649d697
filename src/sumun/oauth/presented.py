"""A token that somebody holds out to us: whose it is and how long it lives, whatever else is true of it.

Nothing here says that the token is good (`recognition` does, for introspection). A token whose subject was disabled or
whose client is gone is still there, and can still be revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sumun.access import Invalid
from sumun.tokens import format as token_format
from sumun.tokens import jwt
from sumun.tokens.record import TokenRecord
from sumun.tokens.signing_keys import KeyRing


class ReadsTokens(Protocol):
    """What this needs of the token store."""

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none. Raises StoreUnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class Presented:
    """A token of ours that has not expired. Times are unix seconds; `digest` is an opaque token's, None for a JWT.

    `openid` are the words of OpenID Connect in its scope.
    """

    token_id: str
    client_id: str
    issued_at: int
    expires_at: int
    digest: bytes | None = field(default=None, repr=False)
    openid: frozenset[str] = frozenset()


class LooksAtTokens(Protocol):
    """What the endpoints need of PresentedTokens."""

    async def look(self, token: str) -> Presented | None:
        """None: not an access token of ours, or over. Raises OutageError."""
        ...


class PresentedTokens:
    """Looks at tokens."""

    def __init__(
        self,
        store: ReadsTokens,
        keys: Callable[[], KeyRing],
        clock: Callable[[], float],
        *,
        issuer: str,
        audience: str,
    ) -> None:
        """`keys` gives today's ring, `clock` unix seconds."""
        self._store = store
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    async def look(self, token: str) -> Presented | None:
        """None: not an access token of ours, or over. Raises StoreUnavailableError."""
        if token_format.is_wellformed(token, token_format.ACCESS_PREFIX):
            return await self._opaque(token)
        claims = jwt.verify(token, self._keys(), self._issuer, self._audience, self._clock())
        if isinstance(claims, Invalid):
            return None
        return Presented(
            claims.token_id, claims.client_id, claims.issued_at, claims.expires_at, openid=claims.openid
        )

    async def _opaque(self, token: str) -> Presented | None:
        digest = token_format.digest(token)
        (record,) = await self._store.get_many([digest])
        if record is None or record.expires_at_ms <= self._clock() * 1000:
            return None
        return Presented(
            record.token_id,
            record.client_id,
            record.issued_at_ms // 1000,
            record.expires_at_ms // 1000,
            digest,
            record.openid,
        )
