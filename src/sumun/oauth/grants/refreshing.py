"""Refresh tokens (RFC 6749 6) with rotation: each is good once, and what comes of it is good once in its turn.

    begin   a login may be gone on with: a family, and its first token
    look    what a token is, without using it
    rotate  use it: the next one

The next token is made from the presented one by HMAC, with a secret of the family's own that the directory keeps. So
whoever shows a token again soon (requests at the same time, an answer that was lost) is given the same next one, by
every node, and nobody keeps a token in clear. Later, somebody has a token that is not theirs, and nobody can say who:
the family ends, with every access token that was issued in it (RFC 9700 4.14.2).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sumun.config.plan import ClientKind, RefreshSettings
from sumun.directory import DirectoryThreads
from sumun.directory.client import RegisteredClient
from sumun.directory.refresh_tokens import Beginning, RefreshFamily, StoredRefreshToken, Use
from sumun.directory.together import Together
from sumun.oauth.errors import InvalidGrantError
from sumun.oauth.grants.grant import Granted
from sumun.tokens import format as token_format

log = logging.getLogger(__name__)

_SECRET_BYTES = 32
_FAMILY_BYTES = 16

# The same words for unknown, expired, used, another client's, ended.
REJECTED = "the refresh token is not good"


class StoresRefreshTokens(Protocol):
    """What this needs of `directory.refresh_tokens`. Every method may raise DirectoryUnavailableError."""

    def begin(self, beginnings: Sequence[Beginning]) -> list[bool]:
        """Begin families; False: what it is for was taken back."""
        ...

    def look(self, sha256: bytes) -> StoredRefreshToken | None:
        """The token; None: there is none."""
        ...

    def use(self, uses: Sequence[Use]) -> list[int | None]:
        """When each was first used; None: its family has ended."""
        ...


class EndsFamilies(Protocol):
    """What this needs of `changes.Changes`."""

    async def end_family(self, family_id: str, reason: str, *, actor: str) -> object:
        """End a family with all that was issued in it. Raises OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class PresentedRefresh:
    """A refresh token of ours, as somebody holds it out, and its family. It may be used, or over."""

    token: str = field(repr=False)
    stored: StoredRefreshToken

    @property
    def family(self) -> RefreshFamily:
        """The family."""
        return self.stored.family


class RefreshTokens:
    """Refresh tokens for one configuration. Lives on one event loop; owns nothing of what it is given."""

    def __init__(
        self,
        stored: StoresRefreshTokens,
        threads: DirectoryThreads,
        changes: EndsFamilies,
        clock: Callable[[], float],
        settings: RefreshSettings,
    ) -> None:
        """`clock` gives unix seconds."""
        self._stored = stored
        self._threads = threads
        self._changes = changes
        self._clock = clock
        self._settings = settings
        self._beginnings = Together(threads, stored.begin)
        self._uses = Together(threads, stored.use)

    async def begin(self, granted: Granted, client: RegisteredClient) -> tuple[str, str]:
        """(family id, first token) of a login through this client. Raises InvalidGrantError, OutageError."""
        now_ms = self._now_ms()
        token = token_format.new(token_format.REFRESH_PREFIX)
        # OpenID Connect Back-Channel Logout 2.7: what was granted with offline_access outlives the session.
        session_id = "" if "offline_access" in granted.openid else granted.session_id
        family = RefreshFamily(
            id=granted.family_id or f"fam_{secrets.token_hex(_FAMILY_BYTES)}",
            subject=granted.standing.subject,
            client_id=client.id,
            session_id=session_id,
            grant_id=granted.grant_id,
            scopes=granted.scopes,
            openid=granted.openid,
            audience=granted.audience,
            # RFC 9449 5, RFC 8705 4: what others are asked for with a secret is not bound to a key, too.
            bound_to=granted.bound_to if client.kind is ClientKind.PUBLIC else "",
            login_epoch=granted.standing.login_epoch,
            auth_time=granted.auth_time,
            amr=granted.amr,
            acr=granted.acr,
            secret=secrets.token_bytes(_SECRET_BYTES),
            expires_at_ms=now_ms + self._settings.lifetime_seconds * 1000,
        )
        beginning = Beginning(family, token_format.digest(token), self._over_at_ms(family, now_ms), now_ms)
        if not await self._beginnings.change(beginning):
            raise InvalidGrantError("what this was granted for was taken back")
        return family.id, token

    async def look(self, token: str) -> PresentedRefresh | None:
        """What this token is; None: not one of ours, or its family has ended. Raises DirectoryUnavailableError."""
        if not token_format.is_wellformed(token, token_format.REFRESH_PREFIX):
            return None
        stored = await self._threads.call(self._stored.look, token_format.digest(token))
        return None if stored is None else PresentedRefresh(token, stored)

    async def require_good(self, presented: PresentedRefresh) -> None:
        """Refuse one that is over, and one that was used too long ago: then the family ends.

        Raises InvalidGrantError, OutageError.
        """
        now_ms = self._now_ms()
        if now_ms >= min(presented.stored.expires_at_ms, presented.family.expires_at_ms):
            raise InvalidGrantError(REJECTED)
        await self._refuse_replay(presented, now_ms)

    async def rotate(self, presented: PresentedRefresh) -> str:
        """Use it: the next token, the same for all who use this one. Raises InvalidGrantError, OutageError."""
        made = hmac.digest(presented.family.secret, presented.token.encode("ascii"), hashlib.sha256)
        following = token_format.make(token_format.REFRESH_PREFIX, made)
        now_ms = self._now_ms()
        if presented.stored.used_at_ms is None:
            used_at_ms = await self._uses.change(
                Use(
                    token_format.digest(presented.token),
                    token_format.digest(following),
                    self._over_at_ms(presented.family, now_ms),
                    now_ms,
                )
            )
            if used_at_ms is None:
                raise InvalidGrantError(REJECTED)
            # Used by another meanwhile: after it was looked at, so at the same time.
        return following

    async def _refuse_replay(self, presented: PresentedRefresh, now_ms: int) -> None:
        family, used_at_ms = presented.family, presented.stored.used_at_ms
        if used_at_ms is None or now_ms - used_at_ms <= self._settings.overlap_seconds * 1000:
            return
        log.warning("a refresh token came again: client=%s subject=%s", family.client_id, family.subject)
        await self._changes.end_family(family.id, "replayed", actor=f"client:{family.client_id}")
        raise InvalidGrantError(REJECTED)

    def _over_at_ms(self, family: RefreshFamily, now_ms: int) -> int:
        return min(now_ms + self._settings.idle_seconds * 1000, family.expires_at_ms)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
