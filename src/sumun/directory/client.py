"""RegisteredClient: an OAuth client registered at run time, as a value."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from sumun.access import TokenKind
from sumun.config.plan import ClientKind, KnownCertificates
from sumun.identity import Permission


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """The shape of `config.plan.Client`, with a hashed secret and without a place in a file.

    `secret_sha256` is the SHA-256 of a random secret of 256 bits (no slow hash: there is nothing to guess), None for a
    public client. `scopes` bound what its tokens may carry; `roles` and `permissions` are the client's own
    (client_credentials). `login` is its chain of authenticators, in order. `other_lifetimes_seconds` are the kinds of
    token that it may ask for beside its own, and how long they live; only clients of the configuration file have any,
    and only those know certificates.
    `jwks` is the JWK Set (JSON text) of the keys that it proves itself with, or empty; `jwks_uri` is where it publishes
    them (clients of the configuration file alone), and `jwks_uri_internal` whether that may be a private address;
    `authentication` the one method of RFC 7591 2 by which it proves itself, empty for any that fits; `dpop`: its tokens
    are always bound to a DPoP key.
    `registration_sha256`: the SHA-256 of the token with which it may see and change its own registration (RFC 7592).
    `audience`: of a resource server of the configuration file, the services that it asks for (RFC 7662 4).
    `name` is what people are told it is called, empty for its id; `requires_pushed_requests`: RFC 9126 6.
    """

    id: str
    kind: ClientKind
    grants: frozenset[str]
    secret_sha256: bytes | None = field(repr=False)
    first_party: bool
    login: tuple[str, ...]
    scopes: frozenset[Permission]
    roles: frozenset[str]
    permissions: frozenset[Permission]
    token_kind: TokenKind
    token_lifetime_seconds: int
    redirect_uris: tuple[str, ...] = ()
    disabled: bool = False
    name: str = ""
    requires_pushed_requests: bool = False
    other_lifetimes_seconds: Mapping[TokenKind, int] = field(default_factory=dict)
    certificate: KnownCertificates | None = None
    certificate_bound: bool = False
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    authentication: str = ""
    jwks: str = ""
    jwks_uri: str = ""
    jwks_uri_internal: bool = False
    dpop: bool = False
    audience: frozenset[str] = frozenset()
    registration_sha256: bytes | None = field(default=None, repr=False)

    @property
    def proves_itself(self) -> bool:
        """Whether it has anything to prove itself with; a public client has not (RFC 6749 2.1)."""
        by_key = bool(self.jwks or self.jwks_uri)
        return by_key or self.secret_sha256 is not None or self.certificate is not None

    def has_secret(self, secret: str) -> bool:
        """True when this is the client's secret. Takes the same time for every wrong one; False without a secret."""
        offered = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        return (
            hmac.compare_digest(offered, self.secret_sha256 or bytes(32)) and self.secret_sha256 is not None
        )


def changed_fields(before: RegisteredClient, after: RegisteredClient) -> frozenset[str]:
    """The names of the fields that differ."""
    return frozenset(
        field.name
        for field in fields(RegisteredClient)
        if getattr(before, field.name) != getattr(after, field.name)
    )


def takes_away(before: RegisteredClient, after: RegisteredClient) -> bool:
    """True when a token issued before could carry something that the client may not have any more."""
    return bool(
        before.scopes - after.scopes
        or before.roles - after.roles
        or before.permissions - after.permissions
        or before.grants - after.grants
        or (after.disabled and not before.disabled)
    )
