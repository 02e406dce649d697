"""What a client says of itself when it registers (RFC 7591 section 2), read strictly; and what it is told. Pure.

    JSON -> what is asked -> RegisteredClient, within what the configuration allows -> JSON

A member that we know and cannot do is an error: a client must not rely on what we do not. One that we do not know is
ignored, as section 2 has it. Nothing that a client names is ever fetched or called: `jwks_uri`, `logo_uri`,
`backchannel_logout_uri` would have strangers send us to addresses of their choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sumun.access import TokenKind
from sumun.config.key_sets import KeySet
from sumun.config.network import parse_redirect
from sumun.config.plan import ClientKind
from sumun.config.refused import RefusedError
from sumun.config.values import Reading
from sumun.directory.client import RegisteredClient
from sumun.identity import Permission
from sumun.identity.scope import OPENID_WORDS, scope_text
from sumun.login.client_secret import ClientAuthMethod
from sumun.oauth.errors import (
    InvalidClientMetadataError,
    InvalidRedirectUriError,
    InvalidScopeError,
    UnsupportedMediaTypeError,
)
from sumun.oauth.exchange import Request
from sumun.oauth.scopes import asked_scopes
from sumun.tokens.strict_json import parse_object

_METHOD: Final = "token_endpoint_auth_method"
METHODS: Final = (
    ClientAuthMethod.BASIC,
    ClientAuthMethod.POST,
    ClientAuthMethod.NONE,
    ClientAuthMethod.PRIVATE_KEY_JWT,
)
_MOST_URIS: Final = 20
T = TypeVar("T", bound=str)
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,80}")
_JSON: Final = re.compile(rb"application/json(?:[ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE)
# What somebody may rely on, and we do not do.
_NOT_HERE: Final = {
    "backchannel_logout_uri": "we call no address that a client names of itself",
    "frontchannel_logout_uri": "there is no front-channel logout",
    "software_statement": "software statements are not looked at",
    "sector_identifier_uri": "subjects are public",
    "request_object_signing_alg": "request objects are not taken",
    "id_token_encrypted_response_alg": "ID tokens are not encrypted",
    "userinfo_signed_response_alg": "userinfo is plain JSON",
    "tls_client_certificate_bound_access_tokens": "only clients of the configuration have certificates",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """The most that a registered client gets, and what it gets without asking."""

    scopes: frozenset[Permission]
    grants: frozenset[str]
    login: tuple[str, ...]
    token_kind: TokenKind
    token_lifetime_seconds: int
    algorithm: str


def read_metadata(request: Request) -> Mapping[str, Any]:
    """The body. Raises UnsupportedMediaTypeError, InvalidClientMetadataError."""
    if len(request.content_types) != 1 or _JSON.fullmatch(request.content_types[0]) is None:
        raise UnsupportedMediaTypeError("the body is to be application/json")
    found = parse_object(request.body)
    if found is None:
        raise InvalidClientMetadataError(
            "the body is not one JSON object, with each name once and whole numbers"
        )
    return found


def client_of(
    asked: Mapping[str, Any], client_id: str, secret_sha256: bytes, allowed: Allowed
) -> RegisteredClient:
    """The client that is asked for; `secret_sha256` is for one that proves itself with a secret.

    Raises InvalidClientMetadataError, InvalidRedirectUriError.
    """
    for name, why in _NOT_HERE.items():
        if asked.get(name):
            raise InvalidClientMetadataError(f"{name}: {why}")
    # RFC 7591 2: who does not say which means `client_secret_basic`. Some of them send the secret in the form all the
    # same (npm openid-client), so it may come in either way then.
    method = _one_of(asked, _METHOD, METHODS, ClientAuthMethod.BASIC)
    grants = frozenset(_words(asked, "grant_types", ("authorization_code",)))
    if not grants or not grants <= allowed.grants:
        raise InvalidClientMetadataError(f"grant_types: of {', '.join(sorted(allowed.grants))}")
    if grants == {"refresh_token"}:
        raise InvalidClientMetadataError("grant_types: nothing gives the refresh token that is to be used")
    by_code = "authorization_code" in grants
    if set(_words(asked, "response_types", ("code",) if by_code else ())) != ({"code"} if by_code else set()):
        raise InvalidClientMetadataError("response_types: code, and only with authorization_code")
    _one_of(asked, "subject_type", ("public",), "public")
    _one_of(asked, "id_token_signed_response_alg", (allowed.algorithm,), allowed.algorithm)
    secret = method in (ClientAuthMethod.BASIC, ClientAuthMethod.POST)
    return RegisteredClient(
        id=client_id,
        kind=ClientKind.PUBLIC if method is ClientAuthMethod.NONE else ClientKind.CONFIDENTIAL,
        grants=grants,
        secret_sha256=secret_sha256 if secret else None,
        first_party=False,
        login=allowed.login,
        scopes=_scopes(asked, allowed.scopes),
        roles=frozenset(),
        permissions=frozenset(),
        token_kind=allowed.token_kind,
        token_lifetime_seconds=allowed.token_lifetime_seconds,
        redirect_uris=_redirect_uris(asked, needed=by_code),
        post_logout_redirect_uris=_uris(asked, "post_logout_redirect_uris", InvalidClientMetadataError),
        name=_name(asked),
        requires_pushed_requests=_flag(asked, "require_pushed_authorization_requests"),
        authentication=method.value if asked.get(_METHOD) and method is not ClientAuthMethod.NONE else "",
        jwks=_jwks(asked) if method is ClientAuthMethod.PRIVATE_KEY_JWT else "",
        dpop=_flag(asked, "dpop_bound_access_tokens"),
    )


def metadata_of(client: RegisteredClient) -> dict[str, Any]:
    """All that is registered of a client (section 3.2.1); secrets are not among it."""
    told: dict[str, Any] = {
        "client_id": client.id,
        _METHOD: method_of(client),
        "grant_types": sorted(client.grants),
        "response_types": ["code"] if "authorization_code" in client.grants else [],
        "scope": scope_text(client.scopes, OPENID_WORDS),
        "redirect_uris": list(client.redirect_uris),
        "require_pushed_authorization_requests": client.requires_pushed_requests,
        "dpop_bound_access_tokens": client.dpop,
    }
    if client.name:
        told["client_name"] = client.name
    if client.post_logout_redirect_uris:
        told["post_logout_redirect_uris"] = list(client.post_logout_redirect_uris)
    if client.jwks:
        told["jwks"] = parse_object(client.jwks.encode())
    return told


def method_of(client: RegisteredClient) -> str:
    """How it is registered to prove itself."""
    usual = ClientAuthMethod.NONE if client.kind is ClientKind.PUBLIC else ClientAuthMethod.BASIC
    return client.authentication or usual.value


def _scopes(asked: Mapping[str, Any], may_have: frozenset[Permission]) -> frozenset[Permission]:
    text = asked.get("scope")
    if text is None:
        return may_have
    if not isinstance(text, str) or not text:
        raise InvalidClientMetadataError("scope: a text of words with a space between")
    try:
        return asked_scopes(text, may_have)[0]
    except InvalidScopeError as error:
        raise InvalidClientMetadataError(f"scope: {error}") from None


def _redirect_uris(asked: Mapping[str, Any], *, needed: bool) -> tuple[str, ...]:
    uris = _uris(asked, "redirect_uris", InvalidRedirectUriError)
    if needed != bool(uris):
        raise InvalidRedirectUriError(
            "redirect_uris: where codes are sent is missing"
            if needed
            else "redirect_uris: nothing is sent there"
        )
    return uris


def _uris(asked: Mapping[str, Any], name: str, error: Callable[[str], Exception]) -> tuple[str, ...]:
    found = asked.get(name, [])
    if (
        not isinstance(found, list)
        or len(found) > _MOST_URIS
        or not all(isinstance(one, str) for one in found)
    ):
        raise error(f"{name}: a list of at most {_MOST_URIS} texts")
    for one in found:
        try:
            parse_redirect(one)
        except RefusedError as refused:
            raise error(f"{name}: one {refused.what}") from None
    return tuple(dict.fromkeys(found))


def _jwks(asked: Mapping[str, Any]) -> str:
    if "jwks" not in asked:
        raise InvalidClientMetadataError("jwks: the public keys are missing; a jwks_uri is not fetched")
    try:
        return KeySet().read(asked["jwks"], Reading()) if isinstance(asked["jwks"], dict) else _no_keys()
    except RefusedError as refused:
        raise InvalidClientMetadataError(f"jwks: {refused.what}") from None


def _no_keys() -> str:
    raise InvalidClientMetadataError("jwks: a JWK Set")


def _name(asked: Mapping[str, Any]) -> str:
    found = asked.get("client_name", "")
    if not isinstance(found, str) or (found and _NAME.fullmatch(found) is None):
        raise InvalidClientMetadataError("client_name: 1 to 80 characters, without control characters")
    return found


def _flag(asked: Mapping[str, Any], name: str) -> bool:
    found = asked.get(name, False)
    if not isinstance(found, bool):
        raise InvalidClientMetadataError(f"{name}: true or false")
    return found


def _words(asked: Mapping[str, Any], name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    found = asked.get(name, list(otherwise))
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidClientMetadataError(f"{name}: a list of texts")
    return tuple(found)


def _one_of(asked: Mapping[str, Any], name: str, known: tuple[T, ...], otherwise: T) -> T:
    found = asked.get(name, otherwise)
    for one in known:
        if found == one:
            return one
    raise InvalidClientMetadataError(f"{name}: one of {', '.join(known)}")
