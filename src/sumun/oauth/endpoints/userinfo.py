"""The userinfo endpoint (OpenID Connect Core 5.3): who the person of an access token is."""

from __future__ import annotations

from typing import Any

from sumun.identity import SubjectKind
from sumun.identity.scope import OPENID
from sumun.oauth.caller import Callers
from sumun.oauth.clients import ReadStanding
from sumun.oauth.errors import InsufficientScopeError, InvalidTokenError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.oauth.presented import LooksAtTokens

_GONE = "the access token is not valid, has expired or was revoked"


class UserinfoEndpoint:
    """Tells what the words of the token's scope allow, as it is now."""

    def __init__(
        self,
        callers: Callers,
        tokens: LooksAtTokens,
        standing: ReadStanding,
    ) -> None:
        """`standing` is read after the call."""
        self._callers = callers
        self._tokens = tokens
        self._standing = standing

    async def answer(self, request: Request) -> Answer:
        """`sub`, and with `profile` the names. Only a token whose scope has `openid` may ask (Core 5.3.1)."""
        caller = await self._callers.of(request)
        presented = await self._tokens.look(caller.credential.secret)
        if presented is None:
            raise InvalidTokenError(_GONE)
        subject = caller.proven.principal.subject
        if OPENID not in presented.openid or subject.kind is not SubjectKind.USER:
            raise InsufficientScopeError("this needs a person's token with the scope openid")
        members: dict[str, Any] = {"sub": subject.id}
        if "profile" in presented.openid:
            standing = await self._standing(subject)  # a JWT carries no name
            if standing is None:
                raise InvalidTokenError(_GONE)
            members |= {"name": standing.name, "preferred_username": subject.id}
        return json_answer(200, members)
