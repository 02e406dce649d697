"""The settings: one class for each section of the YAML, with type, default, meaning and example of every key.

`docs/configuration.md` holds the same as a table, and a test holds the two together. A duration is an int
(milliseconds, or seconds where its marker says so), a size is bytes. What compares settings with each other stands in
`config.compile`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from sumun.config.key_sets import AUTHENTICATION, KeySet
from sumun.config.known_certificates import KnownCertificatesSettings
from sumun.config.limit_settings import LimitSettings
from sumun.config.network import BackChannelUri, HttpsUrl, Listen, Origin, RedirectUri, Resource
from sumun.config.plan import Address, ClientKind, SecretRef, Sentence
from sumun.config.policy_test_settings import PolicyTestSettings
from sumun.config.rates import QuotaOf
from sumun.config.registration_settings import RegistrationSection
from sumun.config.route_settings import RouteSettings
from sumun.config.said import Said
from sumun.config.service_settings import ServiceSettings
from sumun.config.session_settings import SessionSection
from sumun.config.tls_settings import PublicTlsSettings, TlsSettings
from sumun.config.token_settings import TokenSection
from sumun.config.values import Duration, Number, OneOf, Secret, Section, Text
from sumun.config.words import (
    AnyPermission,
    AuthenticatorName,
    ClientId,
    Grant,
    KindOfToken,
    RoleText,
    Scope,
    ServiceName,
    Switch,
)
from sumun.identity import ANYTHING

LOOPBACK_8080 = Address("127.0.0.1", 8080)


class ListenerSettings(Section):
    """A listener beside the public one."""

    listen: Annotated[Address, Listen()] = Field(description="Where it listens.", examples=["127.0.0.1:8081"])
    exposed: Switch = Field(
        False,
        description="Says that listening on every address of the machine is meant. The address is the boundary here: "
        "who reaches it is inside.",
        examples=["true"],
    )
    tls: TlsSettings | None = Field(None, description="It speaks TLS.")


class AuthenticatorSettings(Section):
    """One way to prove who you are; the other keys are those of its kind."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, Text("kind", r"[a-z][a-z0-9_]{0,31}", "the name of a kind")] = Field(
        description="Which sort: `password`, `http`, or one that a plug-in brings.", examples=["http"]
    )


class ClientSettings(Section):
    """An OAuth client."""

    id: ClientId = Field(description="The `client_id`.", examples=["shop-app"])
    kind: Annotated[ClientKind, OneOf({kind.value: kind for kind in ClientKind})] = Field(
        description="`public` cannot keep a secret (an app), `confidential` can (a program on a server), "
        "`resource_server` may only introspect tokens (RFC 7662).",
        examples=["public"],
    )
    name: Annotated[str, Text("name", r"[^\x00-\x1f\x7f]{1,80}", "1 to 80 characters")] | None = Field(
        None,
        description="What people are told it is called, where they log in and where they are asked for consent.",
        examples=["Shop"],
        json_schema_extra={"without": "its id"},
    )
    secret: Annotated[SecretRef, Secret()] | None = Field(
        None,
        description="Where the secret is read from. Not for `public`.",
        examples=["env:BATCH_SECRET"],
        json_schema_extra={
            "without": "required unless `public`, or with `certificate`, `jwks` or `jwks_uri`"
        },
    )
    certificate: KnownCertificatesSettings | None = Field(
        None,
        description="It proves itself with a certificate instead of a secret, where a listener asks for one "
        "(RFC 8705). Its tokens are bound to that certificate.",
    )
    certificate_bound: Switch = Field(
        False,
        description="Its tokens are bound to the certificate that it comes with, also when it proves itself with "
        "something else, or with nothing.",
        examples=["true"],
    )
    jwks: Annotated[str, KeySet()] | None = Field(
        None,
        description="It proves itself with a key instead of a secret (`private_key_jwt`, RFC 7523): the public keys, "
        "as a JWK Set (RFC 7517 5) here or in a file. A file is read when the configuration is.",
        examples=["{keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}"],
    )
    jwks_uri: Annotated[str, HttpsUrl()] | None = Field(
        None,
        description="The same, where the client publishes its keys: fetched when they are needed, and anew when it "
        "names another. Not on this machine or a private network, unless `jwks_uri_internal`.",
        examples=["https://partner.example.com/jwks.json"],
    )
    jwks_uri_internal: Switch = Field(
        False,
        description="`jwks_uri` may lead to addresses that are not of the public internet.",
        examples=["true"],
    )
    authentication: Annotated[str, OneOf({one: one for one in AUTHENTICATION})] | None = Field(
        None,
        description="The one way in which it proves itself (RFC 7591 2); others are refused.",
        examples=["client_secret_basic"],
        json_schema_extra={"without": "any that fits what it has"},
    )
    dpop: Switch = Field(
        False,
        description="Its tokens are bound to a key always (RFC 9449): it gets none without a proof.",
        examples=["true"],
    )
    audience: list[Annotated[str, Resource()]] = Field(
        [],
        description="Of a `resource_server`: the services (`services.NAME.audience`) that it asks for. Of a token "
        "that is for other services alone it is told that it is not good (RFC 7662 4).",
        examples=['["https://orders.example.com"]'],
        json_schema_extra={"without": "it learns of tokens for every service alone"},
    )
    first_party: Switch = Field(
        False,
        description="The client is ours: people may type their password into it, and are not asked for consent.",
        examples=["true"],
    )
    grants: list[Grant] = Field(
        [],
        description="How it may get tokens (RFC 6749). `password` only for `first_party`.",
        examples=["[password]"],
        json_schema_extra={"without": "required unless `resource_server`"},
    )
    login: list[AuthenticatorName] | None = Field(
        None,
        description="The authenticators for its people, in the order in which they are asked.",
        examples=["[password, staff]"],
        json_schema_extra={"without": "the top-level `login`"},
    )
    scopes: list[Scope] = Field(
        [ANYTHING],
        description="The most that its tokens may carry: permissions, patterns, and `role:NAME`.",
        examples=['["product:*", "role:user"]'],
    )
    roles: list[RoleText] = Field(
        [], description="Its own roles, for `client_credentials`.", examples=["[user]"]
    )
    permissions: list[AnyPermission] = Field(
        [], description="Its own permissions, for `client_credentials`.", examples=["[order:read]"]
    )
    token: KindOfToken | None = Field(
        None,
        description="The kind of its access tokens.",
        examples=["jwt"],
        json_schema_extra={"without": "`tokens.access.kind`"},
    )
    may_ask_for: list[KindOfToken] = Field(
        [],
        description="Other kinds of token that it gets when it asks (`requested_token_type`, in RFC 8693's words).",
        examples=["[jwt]"],
    )
    lifetime: Annotated[int, Duration("1s", "24h", seconds=True)] | None = Field(
        None,
        description="How long its access tokens live.",
        examples=["5m"],
        json_schema_extra={"without": "`tokens.access.lifetime` or `tokens.jwt.lifetime`"},
    )
    redirect_uris: list[Annotated[str, RedirectUri()]] = Field(
        [],
        description="Where authorization codes may be sent: `https://...`, an app's own scheme, or `http://` on "
        "`127.0.0.1`, `[::1]` and `localhost`. Compared letter by letter; on the two addresses any port will do "
        "(RFC 8252 7.3).",
        examples=['["http://127.0.0.1/callback"]'],
        json_schema_extra={"without": "required for `authorization_code`"},
    )
    post_logout_redirect_uris: list[Annotated[str, RedirectUri()]] = Field(
        [],
        description="Where people may be sent after a logout that the client asked for (OpenID Connect RP-Initiated "
        "Logout 1.0). Compared letter by letter.",
        examples=['["https://shop.example.com/bye"]'],
    )
    backchannel_logout_uri: Annotated[str, BackChannelUri()] | None = Field(
        None,
        description="Where the client is told that a session of its people has ended (OpenID Connect Back-Channel "
        "Logout 1.0): `https://...`, or `http://` on this machine.",
        examples=["https://shop.example.com/logged-out"],
        json_schema_extra={"without": "it is not told"},
    )
    require_pushed_authorization_requests: Switch = Field(
        False,
        description="The client may ask for codes by pushed requests only (RFC 9126 6).",
        examples=["true"],
    )
    quota: Annotated[int, QuotaOf()] | None = Field(
        None,
        description="How many calls of protected routes its tokens may make in a day (midnight to midnight UTC), on "
        "all nodes together.",
        examples=["10000/day"],
        json_schema_extra={"without": "no quota"},
    )


class NodeSection(Section):
    """How this node runs."""

    answerers: Annotated[int, Number(1, 32)] = Field(
        1, description="Processes that answer HAProxy's questions.", examples=["2"]
    )
    haproxy_threads: Annotated[int, Number(1, 64)] = Field(
        1,
        description="Threads of HAProxy. One serves some 40,000 requests a second; more share their memory of tokens, "
        "which costs each of them.",
        examples=["2"],
    )
    kept_facts: Annotated[int, Number(1000, 20_000_000)] = Field(
        1_000_000,
        description="How many credentials HAProxy may keep, so that their calls pass without a question; about 460 "
        "bytes each. Beyond that the oldest half is forgotten, and asked about again.",
        examples=["200000"],
    )
    run_as: (
        Annotated[str, Text("name of a user", r"[a-z_][a-z0-9_.-]{0,31}", "a user of this machine")] | None
    ) = Field(
        None,
        description="Who the parts become when sumun was started as root.",
        examples=["sumun"],
        json_schema_extra={"without": "`sumun`, or else `nobody`"},
    )
    store: Annotated[SecretRef, Secret(words=("embedded",))] = Field(
        SecretRef(""),
        description="Where tokens are kept: a Valkey that sumun runs itself, or the URL of one.",
        examples=['"env:VALKEY_URL"'],
    )
    directory: Annotated[SecretRef, Secret(words=("sqlite",))] = Field(
        SecretRef(""),
        description="Where people are kept: SQLite in the data folder, or the URL of a PostgreSQL.",
        examples=['"env:DATABASE_URL"'],
    )


class OutageSection(Section):
    """What happens while a neighbour is away."""

    serve_known_for: Annotated[int, Duration("1s", "5m", seconds=True)] = Field(
        10,
        description="How long what is known is still believed when the news of changes is cut off. It is also how "
        "late a revocation can be on a node that is cut off.",
        examples=["30s"],
    )


class Settings(Section):
    """The whole file."""

    listen: Annotated[Address, Listen()] = Field(
        LOOPBACK_8080, description="Where clients come in.", examples=['"[::1]:8080"']
    )
    tls: PublicTlsSettings | None = Field(
        None, description="`listen` speaks TLS: 1.2 or 1.3, HTTP/1.1 or HTTP/2."
    )
    internal: ListenerSettings | None = Field(
        None,
        description="The listener for callers that need no token; only routes with `require: internal` do so.",
    )
    operator: ListenerSettings | None = Field(
        None, description="The listener for the operator: metrics, later the console."
    )
    issuer: Annotated[str, Origin()] | None = Field(
        None,
        description="The `iss` of tokens: this gateway as its clients write it.",
        examples=["https://gate.example.com"],
        json_schema_extra={"without": "`http://`, with `tls` `https://`, and `listen`"},
    )
    services: dict[ServiceName, ServiceSettings] = Field(
        {}, description="What is behind the gateway, by name.", json_schema_extra={"without": "required"}
    )
    permissions: dict[str, Annotated[Sentence, Said()]] = Field(
        {},
        description="The vocabulary: every permission that exists, and what it means in words for people (on the "
        "consent page: in one language for all, or in English and others). When it is there, a permission that is "
        "not in it is an error everywhere.",
        examples=['{"product:read": {en: See products, ko: 상품 보기}}'],
    )
    roles: dict[RoleText, list[AnyPermission]] = Field(
        {}, description="Bundles of permissions, by name.", examples=['{user: ["product:read"]}']
    )
    routes: list[RouteSettings] = Field(
        [],
        description="Which request goes where. The order does not matter.",
        json_schema_extra={"without": "required"},
    )
    login: list[AuthenticatorName] = Field(
        ["password"],
        description="The authenticators, in the order in which they are asked, for clients that name none.",
        examples=["[password, staff]"],
    )
    authenticators: dict[AuthenticatorName, AuthenticatorSettings] = Field(
        {},
        description="Ways to prove who you are, by name. A kind that needs no settings is there under its own name "
        "without being listed (`password`).",
    )
    clients: list[ClientSettings] = Field([], description="OAuth clients.")
    tokens: TokenSection = Field(TokenSection.model_construct(), description="How tokens are made.")
    registration: RegistrationSection | None = Field(
        None, description="Clients may register themselves. Without it, nobody does."
    )
    sessions: SessionSection = Field(
        SessionSection.model_construct(), description="How long a browser stays logged in."
    )
    limits: LimitSettings = Field(LimitSettings.model_construct(), description="Bounds.")
    node: NodeSection = Field(NodeSection.model_construct(), description="How this node runs.")
    outage: OutageSection = Field(
        OutageSection.model_construct(), description="What happens while a neighbour is away."
    )
    tests: list[PolicyTestSettings] = Field(
        [],
        description="Calls and what must become of them; `sumun check` and a reload try them all. Files `*.test.yaml` "
        "in the same folder may hold more.",
    )
