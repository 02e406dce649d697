"""The revocation endpoint (RFC 7009): a client gives a token back.

`wait=all` in the form is ours: 200 then means that every node refuses the token.
"""

from __future__ import annotations

import logging
from typing import ClassVar, Protocol, Self

from sumun.changes import Applied
from sumun.directory.client import RegisteredClient
from sumun.errors import OutageError
from sumun.login.client_secret import ClientLogin
from sumun.oauth.authentication import authenticated_client
from sumun.oauth.errors import InvalidGrantError, InvalidRequestError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.oauth.grants.refreshing import PresentedRefresh
from sumun.oauth.messages import read_form
from sumun.oauth.presented import LooksAtTokens, Presented

log = logging.getLogger(__name__)

# 2.1: a token of another client is refused, "and the client is informed of the error".
_ANOTHERS = "the token was issued to another client"


class NotRefusedYetError(OutageError):
    """The token is revoked, and a process has not confirmed it: it may still be let in. Ask again."""

    code: ClassVar[str] = "revocation_not_confirmed"


class Revokes(Protocol):
    """What this needs of `changes.Changes`. All but `for_all` raise OutageError."""

    def for_all(self) -> Self:
        """The same, waiting for every node."""
        ...

    async def settled(self) -> Applied:
        """Change nothing, and wait for who has not confirmed yet."""
        ...

    async def revoke_token(self, digest: bytes, *, actor: str) -> Applied:
        """Forget an opaque token."""
        ...

    async def revoke_claims_token(self, jti: str, expires_at_ms: int, *, actor: str) -> Applied:
        """Deny a JWT until it has expired; durable before this returns."""
        ...

    async def end_family(self, family_id: str, reason: str, *, actor: str) -> Applied:
        """End a refresh family with all that was issued in it."""
        ...


class LooksAtRefreshTokens(Protocol):
    """What this needs of `grants.refreshing.RefreshTokens`."""

    async def look(self, token: str) -> PresentedRefresh | None:
        """None: no refresh token of ours, or its family has ended. Raises OutageError."""
        ...


class RevokeEndpoint:
    """Revokes tokens: 200 means that this node refuses the token from now on.

    A refresh token takes its whole family with it, and every access token that was issued in it (RFC 7009 2.1).
    """

    def __init__(
        self,
        login: ClientLogin[RegisteredClient],
        tokens: LooksAtTokens,
        refresh: LooksAtRefreshTokens,
        changes: Revokes,
    ) -> None:
        """A public client only says its id: having the token is what entitles it (RFC 7009 5)."""
        self._login = login
        self._tokens = tokens
        self._refresh = refresh
        self._changes = changes

    async def answer(self, request: Request) -> Answer:
        """RFC 7009 section 2. `token_type_hint` is not needed and not read (2.1: it "MAY [be] ignore[d]")."""
        form = read_form(request.content_types, request.body)
        client = await authenticated_client(request, form, self._login)
        token = form.get("token")
        if token is None:
            raise InvalidRequestError("token is missing")
        changes = self._changes.for_all() if _waits_for_all(form.get("wait")) else self._changes
        applied = await self._revoked(token, client, changes)
        if applied.unconfirmed:
            # 2.2.1: after a 503 "the client must assume the token still exists and may retry".
            raise NotRefusedYetError(f"not confirmed by {applied.behind()}")
        # 2.2: "invalid tokens do not cause an error response since the client cannot handle such an error".
        # RFC 7009 2.2: clients ignore the body; some demand that it be JSON all the same.
        return json_answer(200, {})

    async def _revoked(self, token: str, client: RegisteredClient, changes: Revokes) -> Applied:
        presented = await self._tokens.look(token)
        if presented is not None:
            return await _revoke(changes, presented, client)
        refresh = await self._refresh.look(token)
        if refresh is not None:
            return await _end_family(changes, refresh, client)
        # Nothing there: perhaps it was revoked a moment ago, and the client asks again whether it is refused now.
        return await changes.settled()


def _waits_for_all(wait: str | None) -> bool:
    if wait not in (None, "node", "all"):
        raise InvalidRequestError("wait is `node` or `all`")
    return wait == "all"


async def _end_family(changes: Revokes, refresh: PresentedRefresh, client: RegisteredClient) -> Applied:
    family = refresh.family
    if family.client_id != client.id:
        raise InvalidGrantError(_ANOTHERS)
    applied = await changes.end_family(family.id, "revoked", actor=f"client:{client.id}")
    log.info("refresh token revoked: family=%s client=%s", family.id, client.id)
    return applied


async def _revoke(changes: Revokes, presented: Presented, client: RegisteredClient) -> Applied:
    if presented.client_id != client.id:
        raise InvalidGrantError(_ANOTHERS)
    actor = f"client:{client.id}"
    if presented.digest is not None:
        applied = await changes.revoke_token(presented.digest, actor=actor)
    else:
        applied = await changes.revoke_claims_token(
            presented.token_id, presented.expires_at * 1000, actor=actor
        )
    log.info("token revoked: token=%s client=%s", presented.token_id, client.id)
    return applied
