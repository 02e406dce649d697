"""What programs call: tokens, what is told of them, registration, and the documents that say where everything is."""

from __future__ import annotations

from collections.abc import Sequence

from sumun.config.origins import RESOURCE_METADATA_PATH, asked_for_certificates_at
from sumun.directory.client import RegisteredClient
from sumun.login.client_assertion import ClientAssertions
from sumun.login.client_secret import ClientLogin
from sumun.oauth.app import GET, GET_AND_POST, POST, Endpoint, Mounted
from sumun.oauth.caller import Callers
from sumun.oauth.clients import ClientsWithEpoch
from sumun.oauth.cross_origin import Readers
from sumun.oauth.endpoints.device_authorization import DeviceAuthorizationEndpoint
from sumun.oauth.endpoints.introspect import IntrospectEndpoint
from sumun.oauth.endpoints.keys import KeysEndpoint
from sumun.oauth.endpoints.metadata import (
    MetadataEndpoint,
    Published,
    ResourceMetadataEndpoint,
    assertion_audiences,
    documents,
)
from sumun.oauth.endpoints.par import ParEndpoint
from sumun.oauth.endpoints.register import RegisterEndpoint
from sumun.oauth.endpoints.revoke import RevokeEndpoint
from sumun.oauth.endpoints.token import TokenEndpoint
from sumun.oauth.endpoints.userinfo import UserinfoEndpoint
from sumun.oauth.endpoints.ws_ticket import WsTicketEndpoint
from sumun.oauth.grants.authorization_code import AuthorizationCodeGrant
from sumun.oauth.grants.client_credentials import ClientCredentialsGrant
from sumun.oauth.grants.device_code import DeviceCodeGrant
from sumun.oauth.grants.grant import Grant
from sumun.oauth.grants.password import PasswordGrant
from sumun.oauth.grants.refresh_token import RefreshTokenGrant
from sumun.oauth.grants.token_exchange import TokenExchangeGrant
from sumun.oauth.issue import Issuer
from sumun.oauth.kept import Kept
from sumun.oauth.parts import OAuthParts
from sumun.oauth.paths import (
    DEVICE_AUTHORIZATION_PATH,
    PAR_PATH,
    REGISTER_PATH,
)
from sumun.oauth.presented import PresentedTokens
from sumun.oauth.proofs import KeyProofs
from sumun.oauth.resources import Resources


def for_programs(parts: OAuthParts, kept: Kept, resources: Resources) -> dict[str, Mounted]:
    """By path."""
    settings = parts.settings
    assertions = ClientAssertions(
        parts.ephemeral, parts.clock, issuer=settings.issuer, endpoints=assertion_audiences(settings.issuer)
    )
    login = ClientLogin[RegisteredClient](
        parts.find_client, parts.client_throttle, assertions, parts.fetched_keys
    )
    presented = PresentedTokens(
        parts.store, parts.keys, parts.clock, issuer=settings.issuer, audience=settings.audience
    )
    proofs = KeyProofs(parts.possession, parts.clock)
    grants = _grants(parts, kept, resources, presented)
    published = Published(
        settings.issuer,
        settings.audience,
        [grant.name for grant in grants],
        settings.jwt_algorithm,
        parts.configured.vocabulary,
        asked_for_certificates_at(settings.issuer, parts.configured.tls),
        registration=parts.registration is not None,
        origins=settings.origins,
    )
    clients = ClientsWithEpoch(parts.find_client, parts.remembered)
    token = TokenEndpoint(login, clients, grants, _issuer(parts), proofs, resources)
    revoke = RevokeEndpoint(login, presented, parts.refresh, parts.changes)
    begin = DeviceAuthorizationEndpoint(login, kept.devices, resources, published.origin, parts.strangers)
    pushed = ParEndpoint(login, kept.pushed, proofs, resources, parts.strangers)
    return {
        "/oauth/token": Mounted(token, POST, readers=Readers.CLIENTS),
        "/oauth/revoke": Mounted(revoke, POST, readers=Readers.CLIENTS),
        "/oauth/introspect": Mounted(_introspect(parts, login, presented), POST),
        PAR_PATH: Mounted(pushed, POST, readers=Readers.CLIENTS),
        DEVICE_AUTHORIZATION_PATH: Mounted(begin, POST),
        **_with_a_token(parts, presented, Callers(parts.recogniser, proofs, parts.clock)),
        **_documents(parts, published),
        **_registration(parts, published.origin),
    }


def _grants(
    parts: OAuthParts, kept: Kept, resources: Resources, presented: PresentedTokens
) -> Sequence[Grant]:
    """Every way to get a token. A new one is a file in `grants`, and stands here."""
    return (
        DeviceCodeGrant(kept.devices, parts.standing, resources),
        AuthorizationCodeGrant(kept.codes, parts.standing, parts.sessions, parts.changes, resources),
        PasswordGrant(parts.login_for, parts.standing, parts.clock, resources),
        ClientCredentialsGrant(parts.remembered),
        RefreshTokenGrant(parts.refresh, parts.standing),
        TokenExchangeGrant(
            presented, parts.recogniser, parts.standing, parts.is_denied, resources, parts.clock
        ),
    )


def _issuer(parts: OAuthParts) -> Issuer:
    settings = parts.settings
    return Issuer(
        parts.store,
        parts.keys,
        parts.clock,
        parts.refresh,
        parts.grant_of,
        issuer=settings.issuer,
        audience=settings.audience,
        algorithm=settings.jwt_algorithm,
    )


def _introspect(
    parts: OAuthParts, login: ClientLogin[RegisteredClient], presented: PresentedTokens
) -> IntrospectEndpoint:
    return IntrospectEndpoint(
        login,
        presented,
        parts.recogniser,
        parts.bundles,
        parts.clock,
        issuer=parts.settings.issuer,
        audience=parts.settings.audience,
    )


def _with_a_token(parts: OAuthParts, presented: PresentedTokens, callers: Callers) -> dict[str, Mounted]:
    """What is called with an access token."""
    ws_ticket = WsTicketEndpoint(callers, parts.recogniser, parts.tickets, parts.clock)
    userinfo = UserinfoEndpoint(callers, presented, parts.standing)
    return {
        "/oauth/ws-ticket": Mounted(ws_ticket, POST, readers=Readers.CLIENTS),
        "/oauth/userinfo": Mounted(userinfo, GET_AND_POST, readers=Readers.CLIENTS),
    }


def _documents(parts: OAuthParts, published: Published) -> dict[str, Mounted]:
    """What everybody may read."""
    read: dict[str, Endpoint] = {
        **{path: MetadataEndpoint(one) for path, one in documents(published).items()},
        RESOURCE_METADATA_PATH: ResourceMetadataEndpoint(published),
        "/.well-known/jwks.json": KeysEndpoint(parts.keys, parts.clock),
    }
    return {path: Mounted(one, GET, readers=Readers.EVERYBODY) for path, one in read.items()}


def _registration(parts: OAuthParts, origin: str) -> dict[str, Mounted]:
    if parts.registration is None:
        return {}
    register = RegisterEndpoint(parts.registration, parts.find_client, parts.changes, parts.clock, origin)
    return {REGISTER_PATH: Mounted(register, (*GET_AND_POST, "PUT", "DELETE"), below=True)}
