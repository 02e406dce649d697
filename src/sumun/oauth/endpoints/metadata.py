"""What works here, published: authorization server metadata (RFC 8414), which OpenID Connect Discovery 1.0 reads too,
and protected resource metadata (RFC 9728). No more is said than is true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sumun.identity.scope import OPENID_WORDS
from sumun.login.client_secret import ClientAuthMethod
from sumun.oauth.authorize.reply import ResponseMode
from sumun.oauth.authorize.request import Prompt
from sumun.oauth.exchange import Answer, Headers, Request, json_answer
from sumun.oauth.grants.password import PASSWORD_CONTEXT
from sumun.oauth.paths import AUTHORIZE_PATH, DEVICE_AUTHORIZATION_PATH, LOGOUT_PATH, PAR_PATH, REGISTER_PATH
from sumun.pages import Locale
from sumun.tokens.own_uri import OwnUris
from sumun.tokens.signatures import NAMES

WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
OPENID_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_BY_TLS: Final = (ClientAuthMethod.TLS, ClientAuthMethod.SELF_SIGNED_TLS)
_PROVING: Final = (
    ClientAuthMethod.BASIC,
    ClientAuthMethod.POST,
    ClientAuthMethod.PRIVATE_KEY_JWT,
    *_BY_TLS,
)
_FOR_CLIENTS: Final = (
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
    "userinfo_endpoint",
    "ws_ticket_endpoint",
)
_CACHED: Headers = ((b"cache-control", b"public, max-age=300"),)


@dataclass(frozen=True, slots=True)
class Published:
    """What the metadata depends on. `issuer` is an absolute URL of ours; `scopes` are those worth naming.

    `certificates_at` is the origin where callers are asked for certificates; empty: nowhere. `origins`: all of ours.
    """

    issuer: str
    audience: str
    grants: Collection[str]
    algorithm: str
    scopes: Collection[str] = ()
    certificates_at: str = ""
    registration: bool = False
    origins: Collection[str] = ()

    @property
    def origin(self) -> str:
        """Scheme, host and port: endpoints stand at the root, wherever the issuer's path leads."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"


def server_metadata(published: Published) -> dict[str, Any]:
    """RFC 8414 section 2, and OpenID Connect Discovery 1.0 section 3."""
    origin = published.origin
    proving = [method.value for method in _PROVING if published.certificates_at or method not in _BY_TLS]
    every = [*proving, ClientAuthMethod.NONE.value]
    told = {
        "issuer": published.issuer,
        "token_endpoint": f"{origin}/oauth/token",
        "token_endpoint_auth_methods_supported": every,
        "token_endpoint_auth_signing_alg_values_supported": [*NAMES],
        "jwks_uri": f"{origin}/.well-known/jwks.json",
        **_authorization(origin),
        "grant_types_supported": sorted(published.grants),
        "scopes_supported": sorted({*OPENID_WORDS, *published.scopes}),
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": every,
        "revocation_endpoint_auth_signing_alg_values_supported": [*NAMES],
        "introspection_endpoint": f"{origin}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": [*NAMES],
        "dpop_signing_alg_values_supported": [*NAMES],  # RFC 9449 5.1
        "ws_ticket_endpoint": f"{origin}/oauth/ws-ticket",  # ours: section 2 allows more members
        **_openid(published),
    }
    if published.registration:
        told["registration_endpoint"] = f"{origin}{REGISTER_PATH}"  # RFC 8414 2
    return told | _by_tls(published, told)


def _by_tls(published: Published, told: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 8705 3.3, and 5 where certificates are asked for at another address than the issuer's."""
    if not published.certificates_at:
        return {}
    bound = {"tls_client_certificate_bound_access_tokens": True}
    if published.certificates_at == published.origin:
        return bound
    moved = (name for name in _FOR_CLIENTS if name in told)
    aliases = {name: told[name].replace(published.origin, published.certificates_at, 1) for name in moved}
    return bound | {"mtls_endpoint_aliases": aliases}


def _authorization(origin: str) -> dict[str, Any]:
    return {
        "authorization_endpoint": f"{origin}{AUTHORIZE_PATH}",
        "pushed_authorization_request_endpoint": f"{origin}{PAR_PATH}",  # RFC 9126 5
        "device_authorization_endpoint": f"{origin}{DEVICE_AUTHORIZATION_PATH}",  # RFC 8628 4
        "require_pushed_authorization_requests": False,  # of every client: some may be configured so
        "response_types_supported": ["code"],
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "code_challenge_methods_supported": ["S256"],  # RFC 7636; `plain` is not taken
        "authorization_response_iss_parameter_supported": True,  # RFC 9207 3
        "prompt_values_supported": [prompt.value for prompt in Prompt],
        "ui_locales_supported": [locale.value for locale in Locale],
    }


def _openid(published: Published) -> dict[str, Any]:
    return {
        "userinfo_endpoint": f"{published.origin}/oauth/userinfo",
        "end_session_endpoint": f"{published.origin}{LOGOUT_PATH}",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [published.algorithm],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"),
            *("name", "preferred_username"),
        ],
        "acr_values_supported": [PASSWORD_CONTEXT],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,  # true when it is not said
    }


def assertion_audiences(issuer: str) -> frozenset[str]:
    """The URLs that clients write into the `aud` of an assertion beside our issuer (RFC 7523 3, RFC 9126 2)."""
    parts = urlsplit(issuer)
    paths = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", PAR_PATH, "/oauth/device_authorization")
    return frozenset(f"{parts.scheme}://{parts.netloc}{path}" for path in paths)


def resource_metadata(published: Published, origin: str) -> dict[str, Any]:
    """RFC 9728 section 2, of the whole gateway as it is known under this origin."""
    return {
        "resource": origin,
        "authorization_servers": [published.issuer],
        "jwks_uri": f"{published.origin}/.well-known/jwks.json",
        "scopes_supported": sorted(published.scopes),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": [*NAMES],
        "dpop_bound_access_tokens_required": False,
    }


def well_known_path(issuer: str, well_known: str = WELL_KNOWN) -> str:
    """Where metadata of this issuer is found: the well-known part goes before the issuer's path (RFC 8414 3.1).

    OpenID Connect Discovery 4.1 puts it behind instead; for an issuer without a path, as is usual, both are one.
    """
    return well_known + urlsplit(issuer).path.rstrip("/")


def documents(published: Published) -> Mapping[str, dict[str, Any]]:
    """Path -> document."""
    server = server_metadata(published)
    return {
        well_known_path(published.issuer): server,
        well_known_path(published.issuer, OPENID_WELL_KNOWN): server,
    }


class MetadataEndpoint:
    """Publishes one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Made once: it changes with the configuration only."""
        self._answer = json_answer(200, document, _CACHED)

    async def answer(self, request: Request) -> Answer:
        """The document."""
        return self._answer


class ResourceMetadataEndpoint:
    """Publishes whose tokens are taken, under each host of ours as that host: what a client compares (RFC 9728 3.3)."""

    def __init__(self, published: Published) -> None:
        """Made once: it changes with the configuration only."""
        self._own = OwnUris(published.origins)
        self._answers = {
            origin: json_answer(200, resource_metadata(published, origin), _CACHED)
            for origin in (published.origin, *published.origins)
        }
        self._otherwise = self._answers[published.origin]

    async def answer(self, request: Request) -> Answer:
        """The document of the host that is called."""
        uri = self._own.uri(request.one(b"host") or "", "/")
        return self._otherwise if uri is None else self._answers.get(uri[:-1], self._otherwise)
