"""From a grant to a token: mint it, store it, say what was issued. The only place in `oauth` that issues.

What a token carries was read in one look, and the epochs beside it are not newer than it (`grants`, `clients`): so a
change that comes in between makes the token one that is refused, never one that lives on with what was taken away.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from sumun.access import TokenKind
from sumun.directory import StoredGrant
from sumun.directory.client import RegisteredClient
from sumun.identity import Permission
from sumun.oauth.errors import InvalidGrantError, InvalidScopeError
from sumun.oauth.grants.grant import Granted
from sumun.oauth.id_tokens import mint_id_token, wants_id_token
from sumun.tokens.errors import TokenTooLargeError
from sumun.tokens.format import jwt_id
from sumun.tokens.mint import JWT_RANDOM_BYTES, OPAQUE_RANDOM_BYTES, Grant, mint_jwt, mint_opaque
from sumun.tokens.record import TokenRecord
from sumun.tokens.signing_keys import KeyRing

REFRESH_GRANT = "refresh_token"
_ENDED = "the session or grant that this was for has ended"

FindGrant: TypeAlias = Callable[[str], Awaitable[StoredGrant | None]]
"""What a person allows a client, by its id; None: nothing any more. Raises OutageError."""


class KeepsTokens(Protocol):
    """What this needs of the token store."""

    async def put(self, digest: bytes, record: TokenRecord, came_of: str = "") -> bool:
        """Remember a new token; False when what it is for has ended. Raises StoreUnavailableError."""
        ...

    async def put_claims(self, token_id: str, expires_at_ms: int, under: Collection[str]) -> bool:
        """Remember what a JWT was issued for; False when that has ended. Raises StoreUnavailableError."""
        ...


class BeginsFamilies(Protocol):
    """What this needs of `grants.refreshing.RefreshTokens`."""

    async def begin(self, granted: Granted, client: RegisteredClient) -> tuple[str, str]:
        """(family id, first refresh token). Raises InvalidGrantError, OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class Issued:
    """A new access token, its life in seconds, its scopes; and what goes with it. Tokens never show in repr."""

    access_token: str = field(repr=False)
    expires_in_seconds: int
    scopes: frozenset[Permission]
    openid: frozenset[str] = frozenset()
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)


class Issuer:
    """Issues access tokens of the kind that the client is configured for."""

    def __init__(
        self,
        store: KeepsTokens,
        keys: Callable[[], KeyRing],
        clock: Callable[[], float],
        refresh: BeginsFamilies,
        grant_of: FindGrant,
        *,
        issuer: str,
        audience: str,
        algorithm: str,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """`keys` gives today's ring, `clock` unix seconds; `algorithm` signs JWTs.

        `grant_of` asks the directory what a person allowed a client; None: nothing any more.
        """
        self._store = store
        self._refresh = refresh
        self._grant_of = grant_of
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._algorithm = algorithm
        self._random = random

    async def issue(
        self, granted: Granted, client: RegisteredClient, client_epoch: int, audience: frozenset[str]
    ) -> Issued:
        """A new token of the client's kind, for these services (empty: for all).

        `client_epoch` is not newer than `client`; opaque tokens do not carry it.

        Raises InvalidScopeError (a JWT would be too large), InvalidGrantError (the session, grant or family has ended),
        NoSigningKeyError, StoreUnavailableError.
        """
        seconds = client.token_lifetime_seconds
        if granted.until is not None:
            seconds = min(seconds, int(granted.until - self._clock()))
            if seconds < 1:
                raise InvalidGrantError(_ENDED)
        refresh_token = ""
        if granted.refreshable and REFRESH_GRANT in client.grants:
            family_id, refresh_token = await self._refresh.begin(granted, client)
            granted = replace(granted, family_id=family_id)
        # What was granted is for more services, perhaps, than this token (RFC 8707 2.2).
        grant = _grant(replace(granted, audience=audience), client, client_epoch)
        if client.token_kind is TokenKind.JWT:
            token = await self._jwt(replace(grant, permissions=_within(granted)), seconds, granted.came_of)
        else:
            token, digest, record = mint_opaque(
                grant, now=self._clock(), lifetime_seconds=seconds, random=self._random(OPAQUE_RANDOM_BYTES)
            )
            if not await self._store.put(digest, record, granted.came_of):
                raise InvalidGrantError(_ENDED)
        await self._require_still(granted)
        if granted.next_refresh_token is not None:
            # Now, when nothing can fail any more: a token that was used up in vain would end the login.
            refresh_token = await granted.next_refresh_token()
        return Issued(
            token,
            seconds,
            granted.scopes,
            granted.openid,
            refresh_token=refresh_token,
            id_token=self._id_token(granted, client, token),
        )

    async def _require_still(self, granted: Granted) -> None:
        """Look once more, now that the token is found by whoever takes something back: what was taken before this look?

        A token that is not handed out is nobody's.
        """
        if granted.still is not None and not await granted.still():
            raise InvalidGrantError(_ENDED)
        if not granted.grant_id:
            return
        grant = await self._grant_of(granted.grant_id)
        if grant is None or not grant.covers(granted.scopes, granted.openid):
            raise InvalidGrantError(_ENDED)

    def _id_token(self, granted: Granted, client: RegisteredClient, access_token: str) -> str:
        if not wants_id_token(granted):
            return ""
        key = self._keys().active(self._algorithm)
        return mint_id_token(granted, client.id, access_token, key, issuer=self._issuer, now=self._clock())

    async def _jwt(self, grant: Grant, seconds: int, came_of: str) -> str:
        now, random = self._clock(), self._random(JWT_RANDOM_BYTES)
        under = [key for key in (grant.session_id, grant.grant_id, grant.family_id, came_of) if key]
        if under:
            # Before there is any: so that who ends one of these finds it, and who is too late is told.
            expires_at_ms = (int(now) + seconds) * 1000
            if not await self._store.put_claims(jwt_id(random), expires_at_ms, under):
                raise InvalidGrantError(_ENDED)
        try:
            return mint_jwt(
                grant,
                self._keys().active(self._algorithm),
                issuer=self._issuer,
                audience=self._audience,
                now=now,
                lifetime_seconds=seconds,
                random=random,
            )
        except TokenTooLargeError:
            raise InvalidScopeError("the token would be too large; ask for fewer permissions") from None


def _grant(granted: Granted, client: RegisteredClient, client_epoch: int) -> Grant:
    standing = granted.standing
    return Grant(
        subject=standing.subject,
        client_id=client.id,
        scopes=granted.scopes,
        roles=standing.roles,
        permissions=standing.permissions,
        epoch=standing.epoch,
        login_epoch=standing.login_epoch,
        client_epoch=client_epoch,
        openid=granted.openid,
        session_id=granted.session_id,
        grant_id=granted.grant_id,
        audience=granted.audience,
        bound_to=granted.bound_to,
        actor=granted.actor,
        family_id=granted.family_id,
    )


def _within(granted: Granted) -> frozenset[Permission]:
    """The direct permissions as far as the scopes reach: a JWT shows what it holds, so it holds no more than needed."""
    both = (one.intersect(scope) for one in granted.standing.permissions for scope in granted.scopes)
    return frozenset(permission for permission in both if permission is not None)
