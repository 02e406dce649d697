"""A token that somebody holds out to us: whose it is and how long it lives, whatever else is true of it.

Nothing here says that the token is good (`recognition` does, for introspection). A token whose subject was disabled or
whose client is gone is still there, and can still be revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sumun.access import Invalid
from sumun.identity import Standing
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

    `openid` are the words of OpenID Connect in its scope. `epoch` is the subject's at issue: of a JWT the epoch, of an
    opaque token the login epoch. The others: `tokens.record.TokenRecord`.
    """

    token_id: str
    client_id: str
    issued_at: int
    expires_at: int
    digest: bytes | None = field(default=None, repr=False)
    openid: frozenset[str] = frozenset()
    session_id: str = ""
    grant_id: str = ""
    family_id: str = ""
    actor: str = ""
    epoch: int = 0

    def is_of(self, standing: Standing) -> bool:
        """True when nothing ended since the subject was at this epoch: a new token would not outlive this one."""
        return self.epoch == (standing.epoch if self.digest is None else standing.login_epoch)


class LooksAtTokens(Protocol):
    """What the endpoints need of PresentedTokens."""

    async def look(self, token: str) -> Presented | None:
        """None: not an access token of ours, or over. Raises OutageError."""
        ...

    async def is_there(self, digest: bytes) -> bool:
        """Whether an opaque token was not revoked, by a look that begins after the call. Raises OutageError."""
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
            claims.token_id,
            claims.client_id,
            claims.issued_at,
            claims.expires_at,
            openid=claims.openid,
            session_id=claims.session_id,
            grant_id=claims.grant_id,
            family_id=claims.family_id,
            actor=claims.actor,
            epoch=claims.epoch,
        )

    async def is_there(self, digest: bytes) -> bool:
        """Whether an opaque token was not revoked. Raises StoreUnavailableError."""
        return await self._store.get_many([digest]) != [None]

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
            record.session_id,
            record.grant_id,
            record.family_id,
            record.actor,
            record.login_epoch,
        )
