"""The userinfo endpoint (OpenID Connect Core 5.3): who the person of an access token is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sumun.access import Proven
from sumun.identity import Credential, CredentialKind, SubjectKind
from sumun.identity.scope import OPENID
from sumun.oauth.bearer import bearer_token
from sumun.oauth.certificates import proved_certificate
from sumun.oauth.clients import ReadStanding
from sumun.oauth.endpoints.introspect import Recognises
from sumun.oauth.errors import InsufficientScopeError, InvalidTokenError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.oauth.presented import LooksAtTokens
from sumun.tokens.binding import held

_GONE = "the access token is not valid, has expired or was revoked"


class UserinfoEndpoint:
    """Tells what the words of the token's scope allow, as it is now."""

    def __init__(
        self,
        tokens: LooksAtTokens,
        recogniser: Recognises,
        standing: ReadStanding,
        clock: Callable[[], float],
    ) -> None:
        """`clock` gives unix seconds."""
        self._tokens = tokens
        self._recogniser = recogniser
        self._standing = standing
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """`sub`, and with `profile` the names. Only a token whose scope has `openid` may ask (Core 5.3.1)."""
        token = bearer_token(request)
        presented = await self._tokens.look(token)
        if presented is None:
            raise InvalidTokenError(_GONE)
        found = await self._recogniser.recognise(Credential(CredentialKind.BEARER, token), self._clock())
        evidence = held(found, proved_certificate(request))
        if not isinstance(evidence, Proven):
            raise InvalidTokenError(_GONE)
        subject = evidence.principal.subject
        if OPENID not in presented.openid or subject.kind is not SubjectKind.USER:
            raise InsufficientScopeError("this needs a person's token with the scope openid")
        members: dict[str, Any] = {"sub": subject.id}
        if "profile" in presented.openid:
            standing = await self._standing(subject)  # a JWT carries no name
            if standing is None:
                raise InvalidTokenError(_GONE)
            members |= {"name": standing.name, "preferred_username": subject.id}
        return json_answer(200, members)
