"""The refresh token grant (RFC 6749 section 6; RFC 9700 4.14): go on with a login without asking the person.

What the new access token may do is read anew: the person's rights and the client's scopes as they are now, and the
grant as the person left it. A login that ended is not gone on with: the person disabled, the password changed, every
login ended, the session over, the grant withdrawn.
"""

from __future__ import annotations

from functools import partial

from sumun.directory.client import RegisteredClient
from sumun.identity import narrowed
from sumun.oauth.clients import ReadStanding
from sumun.oauth.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError
from sumun.oauth.grants.grant import Call, Granted
from sumun.oauth.grants.refreshing import REJECTED, PresentedRefresh, RefreshTokens
from sumun.oauth.messages import Form
from sumun.oauth.scopes import asked_scopes


class RefreshTokenGrant:
    """Keeps the contract of `grant.Grant`."""

    name = "refresh_token"

    def __init__(self, tokens: RefreshTokens, standing: ReadStanding) -> None:
        """`standing` asks the directory itself: what ended a login is not to be missed."""
        self._tokens = tokens
        self._standing = standing

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """See the contract. The token is used only when its successor is asked for."""
        text = form.get("refresh_token")
        if text is None:
            raise InvalidRequestError("the refresh token grant needs refresh_token")
        presented = await self._tokens.look(text)
        if presented is None or presented.family.client_id != client.id:
            raise InvalidGrantError(REJECTED)
        await self._tokens.require_good(presented)
        return await self._granted(presented, form.get("scope"), client)

    async def _granted(
        self, presented: PresentedRefresh, asked: str | None, client: RegisteredClient
    ) -> Granted:
        family = presented.family
        standing = await self._standing(family.subject)
        if standing is None or standing.disabled or standing.login_epoch != family.login_epoch:
            raise InvalidGrantError(REJECTED)
        scopes, openid = narrowed(family.scopes, client.scopes), family.openid
        if asked is not None:
            # RFC 6749 6: "MUST NOT include any scope not originally granted".
            scopes, words = asked_scopes(asked, scopes)
            if not words <= openid:
                raise InvalidScopeError("the scope is more than was granted")
            openid = words
        if not scopes and not openid:
            raise InvalidGrantError("nothing is left of what was granted")
        return Granted(
            standing,
            scopes,
            openid=openid,
            session_id=family.session_id,
            grant_id=family.grant_id,
            audience=family.audience,
            bound_to=family.bound_to,
            auth_time=family.auth_time,
            amr=family.amr,
            acr=family.acr,
            family_id=family.id,
            next_refresh_token=partial(self._tokens.rotate, presented),
        )
