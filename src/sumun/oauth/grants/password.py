"""The password grant (RFC 6749 section 4.3), for an operator's own applications only.

A deviation from RFC 9700 section 2.4 ("MUST NOT be used"), named in docs/oauth.md: it is there for clients that list
it, are first-party, and whose login is one question and one answer. It teaches people to type their password into an
application, and it cannot carry a second factor: prefer the authorization code grant where a browser is at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from sumun.directory.client import RegisteredClient
from sumun.identity import Permission, Subject
from sumun.login.authenticator import Identified, PasswordProof, Rejected
from sumun.login.throttle import RateLimited
from sumun.oauth.clients import ReadStanding
from sumun.oauth.errors import InvalidGrantError, InvalidRequestError, SlowDownError, UnauthorizedClientError
from sumun.oauth.grants.grant import Call, Granted
from sumun.oauth.messages import Form
from sumun.oauth.resources import Resources
from sumun.oauth.scopes import asked_scopes

# The same words for an unknown person, a wrong password, a disabled account: nobody learns which accounts exist.
_REJECTED = "user name or password is not right"


PASSWORD_METHOD = "pwd"
"""RFC 8176 2: the person typed a password."""

PASSWORD_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
"""`acr` (OpenID Connect Core 2) of such a login, in the words of SAML 2.0 Authentication Context 3.4.8."""


class ProvesPasswords(Protocol):
    """A login whose only step is a password (`login.pipeline.ThrottledLogin`)."""

    async def prove(self, proof: PasswordProof) -> Identified | Rejected | RateLimited:
        """Who is it? Raises OutageError."""
        ...


LoginFor = Callable[[tuple[str, ...]], ProvesPasswords | None]
"""The login with these authenticators; None when a password alone does not do it."""


class PasswordGrant:
    """Keeps the contract of `grant.Grant`."""

    name = "password"

    def __init__(
        self,
        login_for: LoginFor,
        standing: ReadStanding,
        clock: Callable[[], float],
        resources: Resources,
    ) -> None:
        """`login_for` is asked with the client's list; `clock` gives unix seconds."""
        self._clock = clock
        self._resources = resources
        self._login_for = login_for
        self._standing = standing

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """See the contract."""
        login = self._login_for(client.login) if client.first_party else None
        if login is None:
            raise UnauthorizedClientError("this client may not ask people for their password")
        username, password = form.get("username"), form.get("password")
        if username is None or password is None:
            raise InvalidRequestError("the password grant needs username and password")
        scopes, openid = asked_scopes(form.get("scope"), client.scopes)
        audience = self._resources.audience(self._resources.asked(form))
        proof = PasswordProof(username, password, client.id, call.source, call.request_id)
        match await login.prove(proof):
            case RateLimited(seconds):
                raise SlowDownError("too many failed attempts; wait", seconds)
            case Rejected():
                raise InvalidGrantError(_REJECTED)
            case identified:
                granted = await self._granted(identified, scopes, openid)
                # What is asked for here is all that is granted: what is refreshed is for no other service.
                return replace(granted, audience=audience)

    async def _granted(
        self, identified: Identified, scopes: frozenset[Permission], openid: frozenset[str]
    ) -> Granted:
        standing = await self._standing(Subject.user(identified.user_id))
        if standing is None or standing.disabled:
            raise InvalidGrantError(_REJECTED)
        if identified.login_epoch not in (None, standing.login_epoch):
            # The password was changed, or every login ended, between the proof and this look: it proves nothing now.
            raise InvalidGrantError(_REJECTED)
        return Granted(
            standing,
            scopes,
            openid,
            auth_time=int(self._clock()),
            amr=(PASSWORD_METHOD,),
            acr=PASSWORD_CONTEXT,
            refreshable=True,
        )
