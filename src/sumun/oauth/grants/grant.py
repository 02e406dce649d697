"""Grant: the contract of everything that a client may exchange for an access token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from sumun.directory.client import RegisteredClient
from sumun.identity import Permission, Standing
from sumun.oauth.messages import Form


@dataclass(frozen=True, slots=True)
class Call:
    """What HAProxy says of the request: the caller's address, and how to name the request in logs.

    `bound_to` is the key that the caller proved beside who it is (`tokens.binding`), or empty: what is issued is bound
    to it. A grant that was bound to one before is for who proves that one, and nobody else. `proved`: all that it
    proved, that key and the certificate of its connection.
    """

    source: str
    request_id: str
    bound_to: str = ""
    proved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Granted:
    """For whom a token is to be, as the subject was found after the proof.

    scopes      empty only beside `openid`, the words of OpenID Connect that were granted
    session_id, grant_id, audience, actor   what the token says of them: `tokens.record.TokenRecord`
    bound_to    what was granted before is for this key or certificate alone: `Call.bound_to` has to be the same
    nonce       the client's, for the ID token (OpenID Connect Core 3.1.2.1)
    auth_time   when the person proved who they are, unix seconds; 0: nobody was asked
    amr, acr    how they did (RFC 8176; Core 2)
    refreshable a refresh token may go with it, if the client lists that grant
    family_id   the refresh tokens that it belongs to, or that begin with it; or empty
    until       it lives no longer than this, unix seconds; None: as long as the client's tokens do
    came_of     the id of the token that it is exchanged for: it ends with that one; or empty
    still       whether what it came of is still there, asked when the token can be found
    next_refresh_token   makes the one that goes with it, when the access token is there
    """

    standing: Standing
    scopes: frozenset[Permission]
    openid: frozenset[str] = frozenset()
    session_id: str = ""
    grant_id: str = ""
    audience: frozenset[str] = frozenset()
    bound_to: str = ""
    actor: str = ""
    nonce: str = ""
    auth_time: int = 0
    amr: tuple[str, ...] = ()
    acr: str = ""
    refreshable: bool = False
    family_id: str = ""
    until: int | None = None
    came_of: str = ""
    still: Callable[[], Awaitable[bool]] | None = None
    next_refresh_token: Callable[[], Awaitable[str]] | None = None


class Grant(Protocol):
    """One grant type."""

    name: str
    """The value of `grant_type`."""

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """Judge one request of an authenticated client that lists this grant.

        Raises OAuthError: InvalidRequestError, InvalidGrantError, UnauthorizedClientError, InvalidScopeError,
        SlowDownError; and OutageError.
        """
        ...
