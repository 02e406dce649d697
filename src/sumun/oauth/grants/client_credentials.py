"""The client credentials grant (RFC 6749 section 4.4): a program acts for itself."""

from __future__ import annotations

from sumun.directory.client import RegisteredClient
from sumun.identity import Subject
from sumun.oauth.clients import ReadStanding
from sumun.oauth.errors import InvalidClientError, UnauthorizedClientError
from sumun.oauth.grants.grant import Call, Granted
from sumun.oauth.messages import Form
from sumun.oauth.scopes import granted_scopes


class ClientCredentialsGrant:
    """Keeps the contract of `grant.Grant`."""

    name = "client_credentials"

    def __init__(self, standing: ReadStanding) -> None:
        """`standing` knows configured and registered clients; it may be a memory (see `standings`)."""
        self._standing = standing

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """See the contract."""
        if not client.proves_itself:
            # RFC 6749 4.4: "The client credentials grant type MUST only be used by confidential clients."
            raise UnauthorizedClientError("a public client cannot act for itself")
        scopes = granted_scopes(form.get("scope"), client.scopes)
        standing = await self._standing(Subject.client(client.id))
        if standing is None or standing.disabled:  # since it authenticated, a moment ago
            raise InvalidClientError("client authentication failed")
        return Granted(standing, scopes)
