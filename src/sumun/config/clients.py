"""The clients: settings -> `plan.Client`."""

from __future__ import annotations

from dataclasses import replace

from sumun.access import TokenKind
from sumun.config.checking import Checked
from sumun.config.closest import closest
from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.key_sets import NEEDS
from sumun.config.known_certificates import compile_known, refuse_unasked
from sumun.config.login_chains import LoginChains
from sumun.config.plan import DEVICE_CODE, TOKEN_EXCHANGE, Client, ClientKind
from sumun.config.problems import did_you_mean
from sumun.config.settings import ClientSettings, Settings
from sumun.config.vocabulary import Vocabulary

MAX_JWT_LIFETIME_SECONDS = 900  # what a JWT says cannot be changed, so it does not live long

# Grants in which a person proves who they are: only these use a login chain.
_GRANTS_OF_PEOPLE = frozenset({"password", "authorization_code", DEVICE_CODE})

# Settings of the tokens that a client gets.
_ONLY_FOR_TOKENS = frozenset(
    {"certificate_bound", "dpop", "first_party", "lifetime", "may_ask_for", "quota", "scopes", "token"}
)


class ClientCompiler:
    """Compiles the clients of one file; what is wrong goes to the findings."""

    def __init__(
        self, findings: Findings, vocabulary: Vocabulary, chains: LoginChains, settings: Settings
    ) -> None:
        """`settings` are those of the whole file: defaults of tokens come from there."""
        self._findings = findings
        self._vocabulary = vocabulary
        self._chains = chains
        self._tokens = settings.tokens
        self._services = frozenset(one.audience for one in settings.services.values() if one.audience)
        self._listeners = (settings.tls, None if settings.internal is None else settings.internal.tls)

    def compile(self, checked: Checked[Settings]) -> dict[str, Client]:
        """The clients by id, in the order of the file."""
        clients: dict[str, Client] = {}
        for settings, node in zip(checked.settings.clients, checked.node.items("clients"), strict=True):
            if not isinstance(node, MappingNode):
                continue
            client = self._client(settings, node)
            first = clients.setdefault(client.id, client)
            if first is not client:
                what = f"is the id of the client in line {first.where.line} already"
                self._findings.problem(node.entries["id"].value, what, "", "give each its own id")
        return clients

    def _client(self, settings: ClientSettings, node: MappingNode) -> Client:
        self._check_secret(settings, node)
        self._check_authentication(settings, node)
        for certificate_key in ("certificate", "certificate_bound"):
            if getattr(settings, certificate_key):
                refuse_unasked(certificate_key, node, self._listeners, self._findings)
        if settings.jwks_uri_internal and settings.jwks_uri is None:
            self._findings.problem(
                node.entries["jwks_uri_internal"].key, "means nothing without `jwks_uri`", "", "remove it"
            )
        self._check_grants(settings, node)
        self._check_rights(settings, node)
        self._check_redirects(settings, node)
        kind = settings.token or self._tokens.access.kind
        secret = settings.secret
        return Client(
            id=settings.id,
            kind=settings.kind,
            grants=frozenset(settings.grants),
            secret=None if secret is None else replace(secret, where=node.place_of("secret")),
            first_party=settings.first_party,
            login=self._login(settings, node),
            scopes=tuple(settings.scopes),
            roles=tuple(settings.roles),
            permissions=tuple(settings.permissions),
            token_kind=kind,
            token_lifetime_seconds=self._lifetime(settings, node, kind),
            redirect_uris=tuple(settings.redirect_uris),
            name=settings.name or "",
            requires_pushed_requests=settings.require_pushed_authorization_requests,
            may_ask_for=frozenset(settings.may_ask_for) - {kind},
            quota=settings.quota,
            certificate=compile_known(settings.certificate, node, self._listeners, self._findings),
            certificate_bound=settings.certificate_bound,
            post_logout_redirect_uris=tuple(settings.post_logout_redirect_uris),
            backchannel_logout_uri=settings.backchannel_logout_uri or "",
            authentication=settings.authentication or "",
            jwks=settings.jwks or "",
            jwks_uri=settings.jwks_uri or "",
            jwks_uri_internal=settings.jwks_uri_internal,
            dpop=settings.dpop,
            audience=self._audience(settings, node),
            where=node.place,
        )

    def _check_secret(self, settings: ClientSettings, node: MappingNode) -> None:
        public = settings.kind is ClientKind.PUBLIC
        if public and settings.secret is not None:
            what = "a public client cannot keep a secret (RFC 6749 2.1)"
            mend = "remove it, or write kind: confidential"
            self._findings.problem_at(node.entries["secret"].key.place, "", what, "", mend)
        elif settings.certificate is not None:
            self._check_certificate(settings, node)
        elif settings.jwks is not None or settings.jwks_uri is not None:
            self._check_keys(settings, node)
        elif not public and settings.secret is None:
            what = f"is missing: a {settings.kind} client proves itself with one"
            self._findings.problem_at(
                node.place, "secret", what, "env:NAME, file:PATH", "write secret: env:NAME"
            )

    def _check_keys(self, settings: ClientSettings, node: MappingNode) -> None:
        key = node.entries["jwks_uri" if settings.jwks is None else "jwks"].key
        if settings.kind is ClientKind.PUBLIC:
            what = "is for clients that prove who they are, and a public one does not"
            self._findings.problem(key, what, "", "write kind: confidential")
        elif settings.secret is not None:
            what = "stands beside a secret: a client proves itself in one way (RFC 6749 2.3)"
            self._findings.problem(key, what, "", "remove one of them")
        elif settings.jwks is not None and settings.jwks_uri is not None:
            what = "stands beside `jwks_uri`: which of them would count? (RFC 7591 2)"
            self._findings.problem(key, what, "", "remove one of them")

    def _check_authentication(self, settings: ClientSettings, node: MappingNode) -> None:
        """The method is one that the client has something for."""
        if settings.authentication is None:
            return
        needs = NEEDS[settings.authentication]
        has = "jwks" if settings.jwks or settings.jwks_uri else "secret" if settings.secret else ""
        if needs != has:
            what = "does not fit: the client has nothing to prove itself so"
            mend = f"write `{needs}`, or remove `authentication`" if needs else "remove it"
            self._findings.problem(node.entries["authentication"].value, what, "", mend)

    def _check_certificate(self, settings: ClientSettings, node: MappingNode) -> None:
        key = node.entries["certificate"].key
        if settings.kind is ClientKind.PUBLIC:
            what = "is for clients that prove who they are, and a public one does not"
            mend = "write kind: confidential, or certificate_bound: true to bind its tokens alone"
            self._findings.problem(key, what, "", mend)
        elif (settings.secret, settings.jwks, settings.jwks_uri) != (None, None, None):
            what = "stands beside another proof: a client proves itself in one way (RFC 6749 2.3)"
            self._findings.problem(key, what, "", "remove one of them")

    def _check_grants(self, settings: ClientSettings, node: MappingNode) -> None:
        grants = node.get("grants")
        if settings.kind is ClientKind.RESOURCE_SERVER:
            if settings.grants and grants is not None:
                what = "a resource server gets no tokens, it only introspects those of others"
                self._findings.problem(grants, what, "", "remove `grants`, or write kind: confidential")
            for key in _ONLY_FOR_TOKENS & set(node.entries):
                what = "means nothing for a resource server, which gets no tokens"
                self._findings.problem(node.entries[key].key, what, "", f"remove `{key}`")
            return
        if not settings.grants:
            what = "is missing: a client without a grant can do nothing"
            self._findings.problem_at(node.place, "grants", what, "", "write grants: [client_credentials]")
        for i, (item, grant) in enumerate(zip(node.items("grants"), settings.grants, strict=True)):
            if grant in settings.grants[:i]:
                self._findings.problem(item, "stands twice", "", "keep one")
            elif grant == "password" and not settings.first_party:
                what = "is only for clients of our own: they see passwords"
                self._findings.problem(item, what, "", "write first_party: true, or use authorization_code")
            elif grant == "client_credentials" and settings.kind is ClientKind.PUBLIC:
                what = "is only for confidential clients (RFC 6749 4.4)"
                self._findings.problem(item, what, "", "write kind: confidential and a secret")
            elif grant == TOKEN_EXCHANGE and settings.kind is ClientKind.PUBLIC:
                what = "is only for confidential clients: it makes tokens of other people's"
                self._findings.problem(item, what, "", "write kind: confidential and a secret")
            elif grant == "refresh_token" and not _GRANTS_OF_PEOPLE & set(settings.grants):
                what = "renews what another grant gave, and none of this client's gives a refresh token"
                self._findings.problem(item, what, "", "add authorization_code or password, or remove it")

    def _check_rights(self, settings: ClientSettings, node: MappingNode) -> None:
        for item, scope in zip(node.items("scopes"), settings.scopes, strict=False):
            self._vocabulary.check_scope(item, scope)
        for item, role in zip(node.items("roles"), settings.roles, strict=True):
            self._vocabulary.check_role(item, role)
        for item, permission in zip(node.items("permissions"), settings.permissions, strict=True):
            self._vocabulary.give(item, permission)
        for key, used_by in (
            ("roles", "client_credentials"),
            ("permissions", "client_credentials"),
            ("redirect_uris", "authorization_code"),
            ("post_logout_redirect_uris", "authorization_code"),
            ("backchannel_logout_uri", "authorization_code"),
            ("require_pushed_authorization_requests", "authorization_code"),
        ):
            if getattr(settings, key) and used_by not in settings.grants:
                what = f"is for the grant {used_by}, which this client does not list"
                self._findings.problem(
                    node.entries[key].key, what, "", f"remove it, or add {used_by} to `grants`"
                )

    def _check_redirects(self, settings: ClientSettings, node: MappingNode) -> None:
        if "authorization_code" in settings.grants and "redirect_uris" not in node.entries:
            what = "is missing: a code is sent to one of these addresses and nowhere else (RFC 9700 4.1.3)"
            mend = 'write redirect_uris: ["https://..."]'
            self._findings.problem_at(node.place, "redirect_uris", what, "", mend)

    def _audience(self, settings: ClientSettings, node: MappingNode) -> tuple[str, ...]:
        """The services that a resource server asks for."""
        if settings.audience and settings.kind is not ClientKind.RESOURCE_SERVER:
            what = "is for a resource server, which asks what tokens are"
            self._findings.problem(
                node.entries["audience"].key, what, "", "remove it, or write kind: resource_server"
            )
            return ()
        for item, name in zip(node.items("audience"), settings.audience, strict=False):
            if name not in self._services:
                what = "is the `audience` of no service"
                mend = did_you_mean(closest(name, self._services))
                self._findings.problem(item, what, ", ".join(sorted(self._services)), mend)
        return tuple(settings.audience)

    def _login(self, settings: ClientSettings, node: MappingNode) -> tuple[str, ...]:
        uses_login = bool(_GRANTS_OF_PEOPLE & set(settings.grants))
        if settings.login is None:
            return self._chains.default if uses_login else ()
        if not uses_login:
            what = "is for people, and this client lists no grant in which people log in"
            grants = ", ".join(sorted(_GRANTS_OF_PEOPLE))
            self._findings.problem(node.entries["login"].key, what, "", f"remove it, or add one of {grants}")
        return self._chains.check(settings.login, node.entries["login"].value)

    def _lifetime(self, settings: ClientSettings, node: MappingNode, kind: TokenKind) -> int:
        jwt = self._tokens.jwt
        if settings.lifetime is None:
            return jwt.lifetime if kind is TokenKind.JWT else self._tokens.access.lifetime
        if kind is TokenKind.JWT and not jwt.force_long_lifetime:
            refuse_long_jwt(settings.lifetime, node, self._findings)
        return settings.lifetime


def refuse_long_jwt(seconds: int, node: MappingNode, findings: Findings) -> None:
    """A JWT that lives longer than 15 minutes is a mistake unless it was said."""
    if seconds > MAX_JWT_LIFETIME_SECONDS:
        what = "is long for a JWT, which cannot be changed while it lives"
        mend = "use opaque tokens, or write force_long_lifetime: true under `tokens.jwt`"
        findings.problem(node.entries["lifetime"].value, what, "up to 15m", mend)
