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
from sumun.oauth.exchange import NO_STORE, Answer, Request
from sumun.oauth.messages import read_form
from sumun.oauth.presented import LooksAtTokens, Presented

log = logging.getLogger(__name__)


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


class RevokeEndpoint:
    """Revokes access tokens: 200 means that this node refuses the token from now on."""

    def __init__(self, login: ClientLogin[RegisteredClient], tokens: LooksAtTokens, changes: Revokes) -> None:
        """A public client only says its id: having the token is what entitles it (RFC 7009 5)."""
        self._login = login
        self._tokens = tokens
        self._changes = changes

    async def answer(self, request: Request) -> Answer:
        """RFC 7009 section 2. `token_type_hint` is not needed and not read (2.1: it "MAY [be] ignore[d]")."""
        form = read_form(request.content_types, request.body)
        client = await authenticated_client(request, form, self._login)
        token = form.get("token")
        if token is None:
            raise InvalidRequestError("token is missing")
        changes = self._changes.for_all() if _waits_for_all(form.get("wait")) else self._changes
        presented = await self._tokens.look(token)
        # Nothing there: perhaps it was revoked a moment ago, and the client asks again whether it is refused now.
        applied = await (changes.settled() if presented is None else _revoke(changes, presented, client))
        if applied.unconfirmed:
            # 2.2.1: after a 503 "the client must assume the token still exists and may retry".
            raise NotRefusedYetError(f"not confirmed by {applied.behind()}")
        # 2.2: "invalid tokens do not cause an error response since the client cannot handle such an error".
        return Answer(200, NO_STORE)


def _waits_for_all(wait: str | None) -> bool:
    if wait not in (None, "node", "all"):
        raise InvalidRequestError("wait is `node` or `all`")
    return wait == "all"


async def _revoke(changes: Revokes, presented: Presented, client: RegisteredClient) -> Applied:
    if presented.client_id != client.id:
        # 2.1: a token of another client is refused, "and the client is informed of the error".
        raise InvalidGrantError("the token was issued to another client")
    actor = f"client:{client.id}"
    if presented.digest is not None:
        applied = await changes.revoke_token(presented.digest, actor=actor)
    else:
        applied = await changes.revoke_claims_token(
            presented.token_id, presented.expires_at * 1000, actor=actor
        )
    log.info("token revoked: token=%s client=%s", presented.token_id, client.id)
    return applied
