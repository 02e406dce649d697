"""The clients: those of the configuration file, and those registered at run time. The file wins.

client of the plan + its secret -> RegisteredClient: one shape for both
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from sumun.access import TokenKind
from sumun.config.plan import Client
from sumun.directory.client import RegisteredClient
from sumun.identity import Standing, Subject
from sumun.identity.subject import is_name

FindClient = Callable[[str], Awaitable[RegisteredClient | None]]
"""A client by its exact id; None when there is none. Raises OutageError."""


ReadStanding = Callable[[Subject], Awaitable[Standing | None]]
"""What is true of a subject, in one look that begins after the call; None: no such subject. Raises OutageError."""


def as_registered(
    client: Client, secret: str | None, lifetimes_seconds: Mapping[TokenKind, int] = MappingProxyType({})
) -> RegisteredClient:
    """A client of the configuration file. `secret` is what its reference refers to, None for a public client.

    `lifetimes_seconds` of a kind of token are for kinds that the client may ask for beside its own.
    """
    return RegisteredClient(
        id=client.id,
        kind=client.kind,
        grants=client.grants,
        secret_sha256=None if secret is None else hashlib.sha256(secret.encode()).digest(),
        first_party=client.first_party,
        login=client.login,
        scopes=frozenset(client.scopes),
        roles=frozenset(client.roles),
        permissions=frozenset(client.permissions),
        token_kind=client.token_kind,
        token_lifetime_seconds=client.token_lifetime_seconds,
        redirect_uris=client.redirect_uris,
        name=client.name,
        requires_pushed_requests=client.requires_pushed_requests,
        other_lifetimes_seconds={kind: lifetimes_seconds[kind] for kind in client.may_ask_for},
        certificate=client.certificate,
        certificate_bound=client.certificate_bound,
        post_logout_redirect_uris=client.post_logout_redirect_uris,
        backchannel_logout_uri=client.backchannel_logout_uri,
        authentication=client.authentication,
        jwks=client.jwks,
        jwks_uri=client.jwks_uri,
        jwks_uri_internal=client.jwks_uri_internal,
        dpop=client.dpop,
        audience=frozenset(client.audience),
    )


def shown_name(client: RegisteredClient) -> str:
    """What people are told the client is called."""
    return client.name or client.id


def registered_itself(client: RegisteredClient) -> bool:
    """Whether nobody here vouches for the client's name (RFC 7591 5): it has a registration access token."""
    return client.registration_sha256 is not None


def find_client(configured: Mapping[str, RegisteredClient], registered: FindClient) -> FindClient:
    """Looks among the configured clients first, at once; `registered` asks the directory for the others."""

    async def find(client_id: str) -> RegisteredClient | None:
        found = configured.get(client_id)
        # PostgreSQL takes no NUL in a text, and nobody has to look for an id that no client can have.
        return found if found is not None or not is_name(client_id) else await registered(client_id)

    return find


class ClientsWithEpoch:
    """A client together with its epoch, in an order in which nothing can slip through.

    A JWT carries its client's epoch, and lowering a client (fewer scopes, disabled) denies those of older epochs. So
    the epoch is read first and the client after it: what is lowered after the first look has a newer epoch than the
    token, and what was lowered before it is seen by the second. (An epoch that is older than it could be does no harm.)
    """

    def __init__(self, find: FindClient, standing: ReadStanding) -> None:
        """Both ask the directory, or for configured clients the configuration."""
        self._find = find
        self._standing = standing

    async def look(self, client_id: str) -> tuple[RegisteredClient, int] | None:
        """The client and its epoch; None when there is no such client, or it is disabled. Raises OutageError."""
        standing = await self._standing(Subject.client(client_id))
        client = await self._find(client_id)
        if standing is None or client is None or client.disabled:
            return None
        return client, standing.epoch
