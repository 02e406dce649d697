"""Plan: what the operator asked for, checked, complete and immutable. Data only.

Everything downstream (HAProxy's files, the policy, the login chains, the stores) is made from a Plan and from nothing
else of the YAML. Every part that causes output knows its place in the YAML. A Plan holds no secret: secrets are
references (`SecretRef`) that are resolved where they are used. It travels between processes as JSON (`config.wire`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sumun.access import Access, Requirement, TokenKind
from sumun.config.plan_lifetimes import RefreshSettings, SessionSettings
from sumun.identity import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the YAML something stands; line and column count from 1."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, as compilers write it."""
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place()

# The methods a route can name; HAProxy refuses every other one before any route is looked at (CONNECT and TRACE too).
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# Our own paths: these and all below them are never a route's. They win over a template or a prefix that reaches them.
OWN_PATHS = ("/.well-known", "/account", "/healthz", "/login", "/oauth")

# RFC 6749 4 and 6: what the token endpoint answers for.
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 3.4
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 2.1
_BY_NAME = ("authorization_code", "client_credentials", "password", "refresh_token")
KNOWN_GRANTS = (*_BY_NAME, DEVICE_CODE, TOKEN_EXCHANGE)

# In which languages an operator may say what people read: those of the pages.
LANGUAGES = ("en", "ko")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something that people read: `plain`, for all who have none in their own language, and others by language."""

    plain: str
    others: Mapping[str, str] = field(default_factory=dict)

    def said(self, language: str) -> str:
        """The sentence for somebody who reads this language."""
        return self.others.get(language, self.plain)


@dataclass(frozen=True, slots=True)
class Note:
    """Something an operator should know that stops nothing; `sumun check` prints it and ends with 0."""

    where: Place
    text: str


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is to be read from: `env:NAME` or `file:PATH` (first line, without the newline)."""

    source: str
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on. `host` is an IP address, without brackets."""

    host: str
    port: int
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """One certificate of a listener: the absolute paths of its chain and of its private key (PEM)."""

    chain: str
    key: str
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """Callers are asked for a certificate. `authorities`: the path of those that are believed (PEM); empty: none are.

    `required`: nobody else gets in. `listen`: only there; None: at the listener's own address. `revoked`: the path of
    the authorities' lists (PEM); empty: none are looked at.
    """

    authorities: str
    required: bool
    listen: Address | None
    revoked: str = ""
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS at a listener. `redirect_from`, `hsts_seconds` (None: not told): of the public one only."""

    certificates: tuple[CertificateFiles, ...]
    clients: ClientCertificates | None = None
    redirect_from: Address | None = None
    hsts_seconds: int | None = None
    where: Place = field(default=NOWHERE, compare=False)


class ServiceProtocol(StrEnum):
    """What a service speaks: `http://` and `https://` HTTP/1.1 (WebSocket, SSE), `h2c://` HTTP/2 without TLS (gRPC)."""

    HTTP = "http"
    HTTPS = "https"
    H2C = "h2c"


class IdentityToken(StrEnum):
    """Whether a service is handed a signed identity token. AUTO: unless it is on loopback."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Service:
    """What is behind the gateway. `servers`: (host, port); `signed`: it is handed identity tokens (AUTO resolved).

    `origins`: whose pages may open WebSockets, as browsers write them; empty: all.
    `audience`: its name as a resource (RFC 8707), a URI; None: only tokens for the whole gateway are for it.
    """

    id: str
    protocol: ServiceProtocol
    servers: tuple[tuple[str, int], ...]
    signed: bool
    connect_timeout_ms: int
    response_timeout_ms: int
    stream_timeout_ms: int
    origins: tuple[str, ...] = ()
    audience: str | None = None
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """`calls` in `per_ms` milliseconds on average, and never more than `burst` in the time that so many take."""

    calls: int
    per_ms: int
    burst: int

    @property
    def window_ms(self) -> int:
        """The time in which at most `burst` calls pass, rounded up."""
        return -(-self.burst * self.per_ms // self.calls)


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a route might ask one day. It is evaluated beside what the route asks, and only reported."""

    requirement: Requirement
    kinds: frozenset[TokenKind]
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How a request finds its service and what it needs.

    `path` is as written: exact `/products`, template `/products/{id}`, prefix `/files/**` (the prefix itself included).
    `host` is lower case or empty for any host. `methods` is sorted; empty means every one of METHODS.
    Which route serves a request when several match: `config.precedence`.
    `keeps_authorization` forwards the Authorization header to the service (by name, off by default).
    `stream`: its answers may go on for long, whatever the request looks like (docs/streams.md).
    `limit` is how often one caller may call it (on a public or internal route: one source).
    `audience` is its service's.
    """

    id: str
    host: str
    path: str
    methods: tuple[str, ...]
    service: str
    access: Access
    requirement: Requirement
    kinds: frozenset[TokenKind]
    keeps_authorization: bool = False
    stream: bool = False
    limit: Rate | None = None
    shadow: Shadow | None = None
    audience: str | None = None
    where: Place = field(default=NOWHERE, compare=False)


def takes_sessions(plan: Plan) -> bool:
    """Whether the cookie of a browser session is a credential on some route."""
    return any(TokenKind.SESSION in route.kinds for route in plan.routes)


def has_browsers(plan: Plan) -> bool:
    """Whether people log in with browsers here: on some route itself, or for some client of the file."""
    return takes_sessions(plan) or any("authorization_code" in one.grants for one in plan.clients.values())


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
    logout, and where the client is told of one. `jwks`: its public keys as a JWK Set (RFC 7523); `authentication`: the
    one way in which it proves itself, or empty (RFC 7591 2). `dpop`: its tokens are always bound to a key (RFC 9449).
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
    dpop: bool = False
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """Clients may register themselves. `token` lets them; None: anybody may. Counts are of one hour."""

    token: SecretRef | None
    scopes: tuple[Permission, ...]
    grants: frozenset[str]
    per_source: int
    total: int


@dataclass(frozen=True, slots=True)
class Authenticator:
    """One configured way to prove who you are: the name in login chains, its kind, and its checked settings.

    `settings` is the kind's settings class dumped as JSON values, under the names of the YAML: durations are numbers in
    the unit of the class (milliseconds or seconds), a secret is its reference (`env:NAME`, `file:/absolute/path`).
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """How access tokens are made. `audience` is the `aud` of JWTs and what the gate demands.

    `access_kind` is for a client that names none (and for tokens that the operator issues by hand). `origins` are all
    under which the gateway is reached, the issuer's first: a DPoP proof names one of them. `proof_nonce`: it needs a
    nonce of ours.
    """

    issuer: str
    audience: str
    opaque_lifetime_seconds: int
    jwt_lifetime_seconds: int
    jwt_algorithm: str
    identity_lifetime_seconds: int
    access_kind: TokenKind = TokenKind.OPAQUE
    refresh: RefreshSettings = field(default_factory=RefreshSettings)
    origins: tuple[str, ...] = ()
    proof_nonce: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds with a name. Sizes in bytes, times in milliseconds. A rate that is None is no bound."""

    header_bytes: int
    token_bytes: int
    max_connections: int
    client_timeout_ms: int
    request_timeout_ms: int
    decision_timeout_ms: int
    old_workers: int
    old_worker_lifetime_ms: int
    password_checks_at_once: int
    password_checks_waiting: int
    login_failures_per_account_and_source: int
    login_failures_total: int
    login_window_seconds: int
    wrong_tokens_per_source: int
    per_source: Rate | None = None
    per_person: Rate | None = None
    per_client: Rate | None = None


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How this node runs.

    `store`: None is the embedded one, else where the valkey/redis URL is read. `directory`: None is SQLite in the
    data folder, else where the SQLAlchemy URL is read. `run_as`: empty is the first ordinary user found.
    """

    answerers: int
    haproxy_threads: int
    run_as: str
    store: SecretRef | None
    directory: SecretRef | None
    serve_known_for_seconds: int
    kept_facts: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole configuration. Mappings keep the order of the file and cannot be written to.

    `permissions` is the vocabulary: permission -> what it means, in words for people; empty when none is declared.
    `tls` is of the listeners that speak it, by name: `public`, `internal`, `operator`. `notes` are for `sumun check`.
    """

    listen: Address
    internal: Address | None
    operator: Address | None
    services: Mapping[str, Service]
    roles: Mapping[str, frozenset[Permission]]
    routes: tuple[Route, ...]
    login: tuple[str, ...]
    authenticators: Mapping[str, Authenticator]
    clients: Mapping[str, Client]
    tokens: TokenSettings
    limits: Limits
    node: NodeSettings
    sessions: SessionSettings = field(default_factory=SessionSettings)
    permissions: Mapping[str, Sentence] = field(default_factory=dict)
    tls: Mapping[str, Tls] = field(default_factory=dict)
    registration: Registration | None = None
    notes: tuple[Note, ...] = field(default=(), compare=False)
