"""Puts the OAuth server's parts together: what it is given, and which endpoint stands at which path."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from sumun.config.plan import TokenSettings
from sumun.directory.client import RegisteredClient
from sumun.identity import Permission
from sumun.login.client_secret import ClientLogin
from sumun.login.throttle import LoginThrottle
from sumun.oauth.app import GET, GET_AND_POST, POST, Mounted, OAuthApp
from sumun.oauth.clients import ClientsWithEpoch, FindClient, ReadStanding
from sumun.oauth.endpoints.introspect import IntrospectEndpoint
from sumun.oauth.endpoints.keys import KeysEndpoint
from sumun.oauth.endpoints.metadata import MetadataEndpoint, Published, documents
from sumun.oauth.endpoints.revoke import RevokeEndpoint, Revokes
from sumun.oauth.endpoints.token import TokenEndpoint
from sumun.oauth.endpoints.userinfo import UserinfoEndpoint
from sumun.oauth.endpoints.ws_ticket import IssuesTickets, RecognisesAndRemembers, WsTicketEndpoint
from sumun.oauth.grants.client_credentials import ClientCredentialsGrant
from sumun.oauth.grants.password import LoginFor, PasswordGrant
from sumun.oauth.issue import Issuer, KeepsTokens
from sumun.oauth.presented import PresentedTokens, ReadsTokens
from sumun.sessions import Sessions
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.signing_keys import KeyRing


class Tokens(KeepsTokens, ReadsTokens, Protocol):
    """What the OAuth server needs of the token store."""


@dataclass(frozen=True, slots=True)
class OAuthParts:
    """What the OAuth server is made of. It owns none of it.

    find_client      configured and registered clients (`clients.find_client`)
    standing         what is true of any subject, configured clients too, read after the call
    remembered       the same as this process remembers it (`standings.RememberedStandings.of`)
    login_for        the login with these authenticators (`login.pipeline.Logins.login_for`)
    client_throttle  for the secrets of clients: of this process's own (`login.throttle_memory`)
    keys             today's signing keys; raises OutageError when they are not known for certain: an empty ring would
                     publish that there are none, and take every JWT for someone else's
    bundles          today's roles and what they bundle
    scopes           what the metadata names: the permissions that the configuration has words for
    clock            unix seconds
    """

    settings: TokenSettings
    find_client: FindClient
    standing: ReadStanding
    remembered: ReadStanding
    login_for: LoginFor
    client_throttle: LoginThrottle
    store: Tokens
    changes: Revokes
    recogniser: RecognisesAndRemembers
    tickets: IssuesTickets
    ephemeral: EphemeralStore
    sessions: Sessions
    keys: Callable[[], KeyRing]
    bundles: Callable[[], Mapping[str, frozenset[Permission]]]
    clock: Callable[[], float]
    scopes: Collection[str] = ()


def oauth_app(parts: OAuthParts) -> OAuthApp:
    """The application for one configuration; a new configuration gets a new one."""
    settings = parts.settings
    login = ClientLogin[RegisteredClient](parts.find_client, parts.client_throttle)
    grants = (
        PasswordGrant(parts.login_for, parts.standing, parts.clock),
        ClientCredentialsGrant(parts.remembered),
    )
    issuer = Issuer(
        parts.store,
        parts.keys,
        parts.clock,
        issuer=settings.issuer,
        audience=settings.audience,
        algorithm=settings.jwt_algorithm,
    )
    presented = PresentedTokens(
        parts.store, parts.keys, parts.clock, issuer=settings.issuer, audience=settings.audience
    )
    introspect = IntrospectEndpoint(
        login,
        presented,
        parts.recogniser,
        parts.bundles,
        parts.clock,
        issuer=settings.issuer,
        audience=settings.audience,
    )
    published = Published(
        settings.issuer,
        settings.audience,
        [grant.name for grant in grants],
        settings.jwt_algorithm,
        parts.scopes,
    )
    clients = ClientsWithEpoch(parts.find_client, parts.remembered)
    return OAuthApp(
        {
            "/oauth/token": Mounted(TokenEndpoint(login, clients, grants, issuer), POST),
            "/oauth/revoke": Mounted(RevokeEndpoint(login, presented, parts.changes), POST),
            "/oauth/introspect": Mounted(introspect, POST),
            "/oauth/ws-ticket": Mounted(WsTicketEndpoint(parts.recogniser, parts.tickets, parts.clock), POST),
            "/.well-known/jwks.json": Mounted(KeysEndpoint(parts.keys, parts.clock), GET),
            "/oauth/userinfo": Mounted(
                UserinfoEndpoint(presented, parts.recogniser, parts.standing, parts.clock), GET_AND_POST
            ),
            **{path: Mounted(MetadataEndpoint(one), GET) for path, one in documents(published).items()},
        }
    )
