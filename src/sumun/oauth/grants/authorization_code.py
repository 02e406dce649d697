"""The authorization code grant (RFC 6749 4.1.3), with the proof that who redeems a code is who asked for it (RFC 7636).

    code -> looked at -> this client's? -> used up, once over all nodes -> redirect_uri, verifier, key, person, session

A code of another client is left alone: nobody can use up what is not theirs. Whatever else is wrong uses it up, for
then somebody has a code without having asked for it. A code that comes again was stolen from whoever redeemed it first,
or by them: what it gave is revoked (4.1.2).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from typing import Protocol

from sumun.changes import Applied
from sumun.directory.client import RegisteredClient
from sumun.identity import Standing, Subject
from sumun.identity.scope import OPENID
from sumun.oauth.authorize.codes import Code, Codes
from sumun.oauth.clients import ReadStanding
from sumun.oauth.errors import InvalidGrantError, InvalidRequestError
from sumun.oauth.grants.grant import Call, Granted
from sumun.oauth.messages import Form
from sumun.oauth.resources import Resources
from sumun.sessions import Session
from sumun.tokens.base64url import encode as base64url
from sumun.tokens.binding import to_key

log = logging.getLogger(__name__)

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 4.1
# One sentence for unknown, over, used, another client's, and a wrong verifier.
_REJECTED = "the code is not good"


class FindsSessions(Protocol):
    """What this needs of `sessions.Sessions`."""

    async def get(self, session_id: str) -> Session | None:
        """The session of this id, if its person may still use it. Raises OutageError."""
        ...

    async def seen_by(self, session_id: str, client_id: str) -> None:
        """This client is told of the session, and is to be told of its end. Raises OutageError."""
        ...


class EndsFamilies(Protocol):
    """What this needs of `changes.Changes`."""

    async def end_family(self, family_id: str, reason: str, *, actor: str) -> Applied:
        """Everything that was issued in a family is refused from now on. Raises OutageError."""
        ...


class AuthorizationCodeGrant:
    """Keeps the contract of `grant.Grant`."""

    name = "authorization_code"

    def __init__(
        self,
        codes: Codes,
        standing: ReadStanding,
        sessions: FindsSessions,
        changes: EndsFamilies,
        resources: Resources,
    ) -> None:
        """`standing` asks the directory itself: what a code was given for may be gone."""
        self._codes = codes
        self._standing = standing
        self._sessions = sessions
        self._changes = changes
        self._resources = resources

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """See the contract."""
        text, verifier = form.get("code"), form.get("code_verifier")
        if text is None or verifier is None:
            raise InvalidRequestError("the authorization code grant needs code and code_verifier")
        found = await self._codes.look(text)
        if found is None or found.code.client_id != client.id:
            raise InvalidGrantError(_REJECTED)
        if not await self._codes.redeem(found):
            log.warning("a code came twice: client=%s user=%s", client.id, found.code.user_id)
            await self._changes.end_family(found.code.family_id, "replayed", actor=f"client:{client.id}")
            raise InvalidGrantError(_REJECTED)
        code = found.code
        # RFC 6749 4.1.3 asks for redirect_uri, OAuth 2.1 does not any more: it counts when it is there.
        if form.get("redirect_uri", code.redirect_uri) != code.redirect_uri or not _proves(verifier, code):
            raise InvalidGrantError(_REJECTED)
        if code.dpop_jkt and call.bound_to != to_key(code.dpop_jkt):
            raise InvalidGrantError("the code is for another DPoP key")  # RFC 9449 10
        audience = self._resources.audience(self._resources.known(code.resources))
        standing = await self._standing_of(code, client)
        if OPENID in code.openid:
            await self._sessions.seen_by(code.session_id, client.id)
        return _as_granted(code, standing, audience)

    async def _standing_of(self, code: Code, client: RegisteredClient) -> Standing:
        """The person as they are now. Raises InvalidGrantError: the code was given for what is not so any more."""
        standing = await self._standing(Subject.user(code.user_id))
        if standing is None or standing.disabled or standing.login_epoch != code.login_epoch:
            raise InvalidGrantError(_REJECTED)
        if not all(any(scope.covers(one) for scope in client.scopes) for one in code.scopes):
            raise InvalidGrantError("the client may have less now than when the code was given")
        if await self._sessions.get(code.session_id) is None:
            raise InvalidGrantError(_REJECTED)
        return standing


def _proves(verifier: str, code: Code) -> bool:
    """RFC 7636 4.6, for S256."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    return hmac.compare_digest(base64url(hashlib.sha256(verifier.encode("ascii")).digest()), code.challenge)


def _as_granted(code: Code, standing: Standing, audience: frozenset[str]) -> Granted:
    return Granted(
        standing,
        code.scopes,
        openid=code.openid,
        session_id=code.session_id,
        grant_id=code.grant_id,
        audience=audience,
        nonce=code.nonce,
        auth_time=code.auth_time,
        amr=code.amr,
        acr=code.acr,
        refreshable=True,
        family_id=code.family_id,
    )
