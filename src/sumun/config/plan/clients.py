"""OAuth clients: those of the file, and what those that register themselves may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sumun.access import TokenKind
from sumun.config.plan.place import NOWHERE, Place
from sumun.config.plan.secret_ref import SecretRef
from sumun.identity import Permission

# RFC 6749 4 and 6: what the token endpoint answers for.
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 3.4
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 2.1
_BY_NAME = ("authorization_code", "client_credentials", "password", "refresh_token")
KNOWN_GRANTS = (*_BY_NAME, DEVICE_CODE, TOKEN_EXCHANGE)


class ClientKind(StrEnum):
    """RFC 6749 2.1, and a resource server that may introspect (RFC 7662 2.1)."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"
    RESOURCE_SERVER = "resource_server"


class CertificateBy(StrEnum):
    """By what of it a client's certificate is known (RFC 8705 2.1.2), or by itself (2.2)."""

    SUBJECT_DN = "subject_dn"
    SAN_DNS = "san_dns"
    SAN_URI = "san_uri"
    SAN_IP = "san_ip"
    SAN_EMAIL = "san_email"
    THUMBPRINTS = "thumbprints"


@dataclass(frozen=True, slots=True)
class KnownCertificates:
    """What a client's certificate has to have: this name, or one of these SHA-256 thumbprints in base64url."""

    by: CertificateBy
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client of the configuration file. `login` is its chain of authenticator names, in order.

    `scopes` bound what its tokens may carry. `roles` and `permissions` are the client's own (client_credentials).
    `may_ask_for` are kinds of token that it may get beside `token_kind`, by asking (`requested_token_type`).
    `quota` is how many calls its tokens may make in a day (UTC). `name` is what people are told it is called, empty for
    its id. `requires_pushed_requests`: it may ask for codes by RFC 9126 only. `certificate`: it proves itself with one
    instead of a secret (RFC 8705 2). `certificate_bound`: its tokens are bound to the one it comes with, whatever else
    it proves itself with (3). `post_logout_redirect_uris`, `backchannel_logout_uri` (or empty): where people go after a
    logout, and where the client is told of one. `jwks`: its public keys as a JWK Set (RFC 7523), or empty; `jwks_uri`:
    where it publishes them, or empty, and whether that may be a private address; `authentication`: the one way in which
    it proves itself, or empty (RFC 7591 2). `dpop`: its tokens are always bound to a key (RFC 9449). `audience`: of a
    resource server, the services that it asks for.
    """

    id: str
    kind: ClientKind
    grants: frozenset[str]
    secret: SecretRef | None
    first_party: bool
    login: tuple[str, ...]
    scopes: tuple[Permission, ...]
    roles: tuple[str, ...]
    permissions: tuple[Permission, ...]
    token_kind: TokenKind
    token_lifetime_seconds: int
    redirect_uris: tuple[str, ...] = ()
    may_ask_for: frozenset[TokenKind] = frozenset()
    quota: int | None = None
    name: str = ""
    requires_pushed_requests: bool = False
    certificate: KnownCertificates | None = None
    certificate_bound: bool = False
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    authentication: str = ""
    jwks: str = ""
    jwks_uri: str = ""
    jwks_uri_internal: bool = False
    dpop: bool = False
    audience: tuple[str, ...] = ()
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """Clients may register themselves. `token` lets them; None: anybody may. Counts are of one hour."""

    token: SecretRef | None
    scopes: tuple[Permission, ...]
    grants: frozenset[str]
    per_source: int
    total: int
