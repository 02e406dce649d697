"""Grant: the contract of everything that a client may exchange for an access token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sumun.directory.client import RegisteredClient
from sumun.identity import Permission, Standing
from sumun.oauth.messages import Form


@dataclass(frozen=True, slots=True)
class Call:
    """What HAProxy says of the request: the caller's address, and how to name the request in logs."""

    source: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Granted:
    """For whom a token is to be, as the subject was found after the proof; `scopes` is never empty."""

    standing: Standing
    scopes: frozenset[Permission]


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
