"""The built-in kinds of authenticators, and what their builders are given.

A builder of the family `authenticator` is called as `build(name, settings, parts)`: the name that the configuration
gives it, its checked settings (the mapping that `config.plan.Authenticator` holds), and AuthenticatorParts. Importing
this file imports neither pydantic nor an authenticator.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sumun.config.plan import SecretRef
from sumun.plugins.kind import AUTHENTICATOR, Kind

if TYPE_CHECKING:
    from sumun.directory.outside_people import OutsidePerson
    from sumun.directory.user import User
    from sumun.login.http import HttpAuthenticator
    from sumun.login.password import FindAccount, Hasher, KeepHash, PasswordAuthenticator
    from sumun.login.password_threads import PasswordThreads


Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuthenticatorParts:
    """What of the product an authenticator may use.

    read_secret   a reference -> the secret
    find_account  a typed login -> the account of the directory, with its hash
    keep_hash     replaces a hash by a newer one of the same password
    link          an outside person -> the account, made or brought up to date; raises OutageError
    monotonic     seconds that never go back
    """

    find_account: FindAccount
    keep_hash: KeepHash
    hasher: Hasher
    password_threads: PasswordThreads
    link: Callable[[OutsidePerson], Awaitable[User]]
    read_secret: Callable[[SecretRef], str]
    monotonic: Callable[[], float]


PASSWORD = Kind(
    AUTHENTICATOR,
    "password",
    settings="sumun.login.password:PasswordSettings",
    build="sumun.login.kinds:build_password",
    meaning="People of the directory, with their password kept there",
)
HTTP = Kind(
    AUTHENTICATOR,
    "http",
    settings="sumun.login.http_settings:HttpSettings",
    build="sumun.login.kinds:build_http",
    meaning="Any authentication server that answers a small HTTP contract",
)
KINDS = (PASSWORD, HTTP)


def build_password(name: str, _settings: Settings, parts: AuthenticatorParts) -> PasswordAuthenticator:
    """The builder of `password`."""
    from sumun.login.password import PasswordAuthenticator  # noqa: PLC0415  # only who builds it pays for it

    return PasswordAuthenticator(
        name, parts.find_account, parts.keep_hash, parts.hasher, parts.password_threads
    )


def build_http(name: str, settings: Settings, parts: AuthenticatorParts) -> HttpAuthenticator:
    """The builder of `http`. Raises what `read_secret` raises, UnusableSecretError, UnusableCertificatesError."""
    from sumun.login.http import HttpAuthenticator, HttpServer  # noqa: PLC0415  # only who builds it pays for it

    server = HttpServer.of(settings, parts.read_secret(SecretRef(settings["secret"])))
    return HttpAuthenticator(name, server, parts.link, parts.monotonic)
