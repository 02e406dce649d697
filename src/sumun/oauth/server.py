"""Puts the OAuth server's parts together: what it is given, and which endpoint stands at which path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sumun.config.origins import RESOURCE_METADATA_PATH, asked_for_certificates_at
from sumun.config.plan import Sentence, Tls, TokenSettings
from sumun.directory.client import RegisteredClient
from sumun.identity import Permission
from sumun.login.client_assertion import ClientAssertions
from sumun.login.client_secret import ClientLogin
from sumun.login.fetched_keys import FetchedKeys
from sumun.login.throttle import LoginThrottle
from sumun.oauth.account.applications import ApplicationsEndpoint
from sumun.oauth.account.browsers import BrowsersEndpoint
from sumun.oauth.account.logins import LoginsEndpoint
from sumun.oauth.account.overview import AccountEndpoint
from sumun.oauth.account.password import PASSWORD, PasswordEndpoint
from sumun.oauth.account.people import AccountReader, ChangesAccounts
from sumun.oauth.account.visit import ACCOUNT, Visits
from sumun.oauth.app import GET, GET_AND_POST, PAGE, POST, Mounted, OAuthApp
from sumun.oauth.authorize.codes import Codes
from sumun.oauth.authorize.flow import AuthorizationFlow
from sumun.oauth.authorize.pushed import PushedRequests
from sumun.oauth.authorize.remembered import RememberedConsents
from sumun.oauth.authorize.transactions import Transactions
from sumun.oauth.caller import Callers, Recognises
from sumun.oauth.clients import ClientsWithEpoch, FindClient, ReadStanding
from sumun.oauth.cross_origin import Readers
from sumun.oauth.device.requests import DeviceRequests
from sumun.oauth.endpoints.assets import asset_endpoints
from sumun.oauth.endpoints.authorize import AuthorizeEndpoint
from sumun.oauth.endpoints.consent import ConsentEndpoint
from sumun.oauth.endpoints.device import DeviceEndpoint
from sumun.oauth.endpoints.device_authorization import DeviceAuthorizationEndpoint
from sumun.oauth.endpoints.introspect import IntrospectEndpoint
from sumun.oauth.endpoints.keys import KeysEndpoint
from sumun.oauth.endpoints.login import LoginEndpoint
from sumun.oauth.endpoints.logout import LogoutEndpoint
from sumun.oauth.endpoints.metadata import (
    MetadataEndpoint,
    Published,
    ResourceMetadataEndpoint,
    assertion_audiences,
    documents,
)
from sumun.oauth.endpoints.par import ParEndpoint
from sumun.oauth.endpoints.register import ChangesClients, RegisterEndpoint, RegistrationParts
from sumun.oauth.endpoints.revoke import RevokeEndpoint, Revokes
from sumun.oauth.endpoints.single_sign_on import ContinueEndpoint, HandoffEndpoint, StartEndpoint
from sumun.oauth.endpoints.token import TokenEndpoint
from sumun.oauth.endpoints.userinfo import UserinfoEndpoint
from sumun.oauth.endpoints.ws_ticket import IssuesTickets, Remembers, WsTicketEndpoint
from sumun.oauth.grants.authorization_code import AuthorizationCodeGrant, EndsFamilies
from sumun.oauth.grants.client_credentials import ClientCredentialsGrant
from sumun.oauth.grants.device_code import DeviceCodeGrant
from sumun.oauth.grants.password import LoginFor, PasswordGrant
from sumun.oauth.grants.refresh_token import RefreshTokenGrant
from sumun.oauth.grants.refreshing import RefreshTokens
from sumun.oauth.grants.token_exchange import IsDenied, TokenExchangeGrant
from sumun.oauth.handoff import Handoffs
from sumun.oauth.id_tokens import read_hint
from sumun.oauth.issue import FindGrant, Issuer, KeepsTokens
from sumun.oauth.login_first import LoginFirst
from sumun.oauth.logout_request import LogoutRequests
from sumun.oauth.our_hosts import OurHosts
from sumun.oauth.paths import (
    AUTHORIZE_PATH,
    CONSENT_PATH,
    DEVICE_AUTHORIZATION_PATH,
    DEVICE_PATH,
    LOGIN_CONTINUE_PATH,
    LOGIN_HANDOFF_PATH,
    LOGIN_PATH,
    LOGIN_START_PATH,
    LOGOUT_PATH,
    PAR_PATH,
    REGISTER_PATH,
)
from sumun.oauth.presented import PresentedTokens, ReadsTokens
from sumun.oauth.proofs import JudgesProofs, KeyProofs
from sumun.oauth.replies import Replies
from sumun.oauth.resources import Resources
from sumun.oauth.strangers import Strangers
from sumun.sessions import Sessions
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.signing_keys import KeyRing


class ChangesThings(Revokes, EndsFamilies, ChangesAccounts, ChangesClients, Protocol):
    """What the OAuth server needs of `changes.Changes`."""


class RecognisesAndRemembers(Recognises, Remembers, Protocol):
    """What the OAuth server needs of `recognition`."""


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
    user_code_throttle   for codes of devices that people guess: one count for all nodes
    fetched_keys     the keys of clients that publish them
    strangers        counts what whoever is not known lets wait in `ephemeral`
    refresh          refresh tokens, under this configuration
    grant_of         what a person allowed a client, by its id, read after the call
    is_denied        whether the directory denies the JWT of this id, read after the call
    keys             today's signing keys; raises OutageError when they are not known for certain: an empty ring would
                     publish that there are none, and take every JWT for someone else's
    origins          of applications that live in a browser: see `cross_origin`
    bundles          today's roles and what they bundle
    consents         what people allow clients
    people           their accounts
    session_hosts    the hosts that routes with sessions name (`our_hosts.session_hosts`)
    login            the authenticators of the gateway's own pages
    vocabulary       the permissions that the configuration has words for, and the words
    resources        the names of the services, for tokens that are for some of them only
    tls              of the listeners that speak it
    registration     of clients that register themselves; None: nobody does
    clock            unix seconds
    """

    settings: TokenSettings
    find_client: FindClient
    standing: ReadStanding
    remembered: ReadStanding
    login_for: LoginFor
    client_throttle: LoginThrottle
    user_code_throttle: LoginThrottle
    fetched_keys: FetchedKeys
    strangers: Strangers
    store: Tokens
    changes: ChangesThings
    recogniser: RecognisesAndRemembers
    possession: JudgesProofs
    tickets: IssuesTickets
    ephemeral: EphemeralStore
    sessions: Sessions
    refresh: RefreshTokens
    grant_of: FindGrant
    is_denied: IsDenied
    keys: Callable[[], KeyRing]
    bundles: Callable[[], Mapping[str, frozenset[Permission]]]
    clock: Callable[[], float]
    consents: RememberedConsents
    people: AccountReader
    session_hosts: frozenset[str] = frozenset()
    login: tuple[str, ...] = ()
    vocabulary: Mapping[str, Sentence] = field(default_factory=dict)
    origins: frozenset[str] = frozenset()
    tls: Mapping[str, Tls] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()
    registration: RegistrationParts | None = None


def oauth_app(parts: OAuthParts) -> OAuthApp:
    """The application for one configuration; a new configuration gets a new one."""
    settings = parts.settings
    assertions = ClientAssertions(
        parts.ephemeral, parts.clock, issuer=settings.issuer, endpoints=assertion_audiences(settings.issuer)
    )
    login = ClientLogin[RegisteredClient](
        parts.find_client, parts.client_throttle, assertions, parts.fetched_keys
    )
    codes, devices = Codes(parts.ephemeral), DeviceRequests(parts.ephemeral, parts.clock)
    resources = Resources(parts.resources, settings.audience, settings.origins)
    presented = PresentedTokens(
        parts.store, parts.keys, parts.clock, issuer=settings.issuer, audience=settings.audience
    )
    grants = (
        DeviceCodeGrant(devices, parts.standing, resources),
        AuthorizationCodeGrant(codes, parts.standing, parts.sessions, parts.changes, resources),
        PasswordGrant(parts.login_for, parts.standing, parts.clock, resources),
        ClientCredentialsGrant(parts.remembered),
        RefreshTokenGrant(parts.refresh, parts.standing),
        TokenExchangeGrant(
            presented, parts.recogniser, parts.standing, parts.is_denied, resources, parts.clock
        ),
    )
    issuer = Issuer(
        parts.store,
        parts.keys,
        parts.clock,
        parts.refresh,
        parts.grant_of,
        issuer=settings.issuer,
        audience=settings.audience,
        algorithm=settings.jwt_algorithm,
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
        parts.vocabulary,
        asked_for_certificates_at(settings.issuer, parts.tls),
        registration=parts.registration is not None,
        origins=settings.origins,
    )
    clients = ClientsWithEpoch(parts.find_client, parts.remembered)
    proofs = KeyProofs(parts.possession, parts.clock)
    callers = Callers(parts.recogniser, proofs, parts.clock)
    return OAuthApp(
        {
            **{path: Mounted(asset, GET) for path, asset in asset_endpoints().items()},
            "/oauth/token": Mounted(
                TokenEndpoint(login, clients, grants, issuer, proofs, resources),
                POST,
                readers=Readers.CLIENTS,
            ),
            "/oauth/revoke": Mounted(
                RevokeEndpoint(login, presented, parts.refresh, parts.changes), POST, readers=Readers.CLIENTS
            ),
            "/oauth/introspect": Mounted(introspect, POST),
            "/oauth/ws-ticket": Mounted(
                WsTicketEndpoint(callers, parts.recogniser, parts.tickets, parts.clock),
                POST,
                readers=Readers.CLIENTS,
            ),
            "/.well-known/jwks.json": Mounted(
                KeysEndpoint(parts.keys, parts.clock), GET, readers=Readers.EVERYBODY
            ),
            "/oauth/userinfo": Mounted(
                UserinfoEndpoint(callers, presented, parts.standing),
                GET_AND_POST,
                readers=Readers.CLIENTS,
            ),
            **{
                path: Mounted(MetadataEndpoint(one), GET, readers=Readers.EVERYBODY)
                for path, one in documents(published).items()
            },
            RESOURCE_METADATA_PATH: Mounted(
                ResourceMetadataEndpoint(published), GET, readers=Readers.EVERYBODY
            ),
            **_browser(parts, login, codes, proofs, resources),
            **_account(parts),
            **_devices(parts, login, devices, resources, published.origin),
            **_registration(parts, published.origin),
        },
        origins=parts.origins,
    )


def _registration(parts: OAuthParts, origin: str) -> dict[str, Mounted]:
    if parts.registration is None:
        return {}
    register = RegisterEndpoint(parts.registration, parts.find_client, parts.changes, parts.clock, origin)
    return {REGISTER_PATH: Mounted(register, (*GET_AND_POST, "PUT", "DELETE"), below=True)}


def _browser(
    parts: OAuthParts,
    login: ClientLogin[RegisteredClient],
    codes: Codes,
    proofs: KeyProofs,
    resources: Resources,
) -> dict[str, Mounted]:
    """What a person's browser comes to on the way to a code."""
    transactions, pushed = Transactions(parts.ephemeral), PushedRequests(parts.ephemeral)
    replies, login_first = (
        Replies(parts.settings.issuer),
        LoginFirst(transactions, parts.login, parts.strangers),
    )
    issuer = parts.settings.issuer

    def hinted_user(id_token: str, client_id: str) -> str | None:
        hint = read_hint(id_token, parts.keys(), issuer, parts.clock())
        return None if hint is None or hint.client_id != client_id else hint.user_id

    flow = AuthorizationFlow(
        parts.sessions,
        parts.standing,
        parts.consents,
        codes,
        hinted_user=hinted_user,
        vocabulary=parts.vocabulary,
        clock=parts.clock,
    )
    authorize = AuthorizeEndpoint(
        parts.find_client, flow, pushed, login_first, replies, resources, parts.strangers
    )
    consent = ConsentEndpoint(transactions, flow, parts.find_client, replies, parts.vocabulary)
    log_in = LoginEndpoint(
        transactions,
        parts.login_for,
        parts.standing,
        parts.sessions,
        parts.find_client,
        login_first,
        replies,
        parts.clock,
    )
    return {
        AUTHORIZE_PATH: Mounted(authorize, PAGE, page=True),
        CONSENT_PATH: Mounted(consent, PAGE, page=True),
        LOGIN_PATH: Mounted(log_in, PAGE, page=True),
        PAR_PATH: Mounted(
            ParEndpoint(login, pushed, proofs, resources, parts.strangers), POST, readers=Readers.CLIENTS
        ),
        **_single_sign_on(parts, login_first),
    }


def _single_sign_on(parts: OAuthParts, login_first: LoginFirst) -> dict[str, Mounted]:
    """One login for every host, and one logout."""
    hosts = OurHosts(parts.settings.issuer, parts.session_hosts)
    handoffs = Handoffs(parts.ephemeral)
    go_on = ContinueEndpoint(hosts, handoffs, parts.sessions, login_first)
    requests = LogoutRequests(parts.find_client, parts.keys, parts.clock, parts.settings.issuer)
    logout = LogoutEndpoint(requests, parts.sessions, parts.standing, parts.changes.settled)
    return {
        LOGOUT_PATH: Mounted(logout, PAGE, page=True),
        LOGIN_START_PATH: Mounted(StartEndpoint(hosts, handoffs, parts.strangers), ("GET",), page=True),
        LOGIN_CONTINUE_PATH: Mounted(go_on, ("GET",), page=True),
        LOGIN_HANDOFF_PATH: Mounted(HandoffEndpoint(hosts, handoffs, parts.sessions), ("GET",), page=True),
    }


def _devices(
    parts: OAuthParts,
    login: ClientLogin[RegisteredClient],
    requests: DeviceRequests,
    resources: Resources,
    origin: str,
) -> dict[str, Mounted]:
    """Where a device asks for a code, and where a person types it."""
    page = DeviceEndpoint(
        requests,
        parts.sessions,
        LoginFirst(Transactions(parts.ephemeral), parts.login, parts.strangers),
        parts.find_client,
        parts.standing,
        parts.consents,
        parts.user_code_throttle,
        parts.vocabulary,
    )
    begin = DeviceAuthorizationEndpoint(login, requests, resources, origin, parts.strangers)
    return {
        DEVICE_AUTHORIZATION_PATH: Mounted(begin, POST),
        DEVICE_PATH: Mounted(page, PAGE, page=True),
    }


def _account(parts: OAuthParts) -> dict[str, Mounted]:
    """What a person looks at and changes of their own."""
    visits = Visits(parts.sessions, LoginFirst(Transactions(parts.ephemeral), parts.login, parts.strangers))
    overview = AccountEndpoint(
        visits, parts.people, parts.sessions, parts.find_client, parts.vocabulary, parts.clock
    )
    password = PasswordEndpoint(
        visits,
        parts.people,
        parts.changes,
        parts.sessions,
        parts.login_for,
        parts.login,
        parts.standing,
        parts.clock,
    )
    applications = ApplicationsEndpoint(visits, parts.people, parts.changes)
    return {
        ACCOUNT: Mounted(overview, GET, below=True, page=True),
        f"{ACCOUNT}/applications": Mounted(applications, PAGE, page=True),
        f"{ACCOUNT}/logins": Mounted(LoginsEndpoint(visits, parts.people, parts.changes), PAGE, page=True),
        f"{ACCOUNT}/sessions": Mounted(
            BrowsersEndpoint(visits, parts.sessions, parts.changes), PAGE, page=True
        ),
        PASSWORD: Mounted(password, PAGE, page=True),
    }
