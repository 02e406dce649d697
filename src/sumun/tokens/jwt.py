"""JWT access tokens (RFC 9068) and identity tokens: their claims as values, and reading them back.

`verify` never raises for anything that a token can hold: it returns the claims or `Invalid(because)`.
Times are unix seconds. A token is over *on* its `exp` (RFC 7519 4.1.4: "on or after").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from msgspec import Struct

from sumun.access import Invalid, InvalidBecause
from sumun.identity import InvalidPermissionError, InvalidSubjectError, Permission, Subject, SubjectKind
from sumun.identity.permission import ROLE_RESOURCE
from sumun.identity.resource import is_resource
from sumun.identity.scope import OPENID_WORDS
from sumun.tokens.binding import read_confirmation
from sumun.tokens.jws import open_signed
from sumun.tokens.signing_keys import KeyRing

ACCESS_TYPE = "at+jwt"
IDENTITY_TYPE = "identity+jwt"
# RFC 9068 4: "at+jwt" or "application/at+jwt". We write the first.
ACCESS_TYPES = frozenset({ACCESS_TYPE, "application/at+jwt"})
IDENTITY_TYPES = frozenset({IDENTITY_TYPE})

CLOCK_SKEW_SECONDS = 60
"""How far another node's clock may be ahead of ours for `iat` and `nbf`. `exp` gets no leeway."""

_LATEST = 2**53 - 1
_TOKEN_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class AccessClaims(Struct, frozen=True):
    """What a JWT access token says, after its signature, issuer and audience held.

    `epoch` is the subject's at mint, `client_epoch` that of the subject `client:<client_id>`; `issued_at` and
    `expires_at` are unix seconds. `openid` and what follows: see `record.TokenRecord`.
    """

    subject: Subject
    client_id: str
    token_id: str
    scopes: frozenset[Permission]
    roles: frozenset[str]
    permissions: frozenset[Permission]
    epoch: int
    client_epoch: int
    issued_at: int
    expires_at: int
    openid: frozenset[str] = frozenset()
    session_id: str = ""
    grant_id: str = ""
    audience: frozenset[str] = frozenset()
    bound_to: str = ""
    actor: str = ""
    family_id: str = ""


@dataclass(frozen=True, slots=True)
class IdentityClaims:
    """What an identity token tells a service of its caller."""

    subject: Subject
    name: str
    client_id: str
    token_id: str
    roles: frozenset[str]
    permissions: frozenset[Permission]
    expires_at: int


class _WrongError(ValueError):
    """A claim is missing, of another type, or out of its range."""


def verify(token: str, ring: KeyRing, issuer: str, audience: str, now: float) -> AccessClaims | Invalid:
    """The claims of an access token of ours that is alive at `now` (unix seconds), or why it proves nothing."""
    claims = read(token, ring, issuer, audience, now)
    return claims if isinstance(claims, Invalid) else in_time(claims, now)


def read(token: str, ring: KeyRing, issuer: str, audience: str, now: float) -> AccessClaims | Invalid:
    """`verify` without a look at `exp`: what may be remembered. `in_time` judges the rest each time."""
    payload = open_signed(token, ring, ACCESS_TYPES, now)
    if isinstance(payload, Invalid):
        return payload
    narrowed = _audience(payload)
    wrong = _addressed(payload, issuer, sorted(narrowed) or audience, now)
    if wrong is not None:
        return wrong
    try:
        scopes, openid = _scope(_text(payload, "scope"))
        return AccessClaims(
            subject=_subject(payload),
            client_id=_client_id(payload),
            token_id=_token_id(payload),
            scopes=scopes,
            roles=_roles(_list(payload, "roles")),
            permissions=_permissions(_list(payload, "permissions")),
            epoch=_number(payload, "epoch"),
            client_epoch=_number(payload, "client_epoch"),
            issued_at=_number(payload, "iat"),
            expires_at=_number(payload, "exp"),
            openid=openid,
            audience=narrowed,
            session_id=_text(payload, "sid") if "sid" in payload else "",
            grant_id=_text(payload, "grant_id") if "grant_id" in payload else "",
            bound_to=_bound_to(payload) if "cnf" in payload else "",
            actor=_actor(payload) if "act" in payload else "",
            family_id=_text(payload, "family_id") if "family_id" in payload else "",
        )
    except _WrongError:
        return Invalid(InvalidBecause.MALFORMED)


def in_time(claims: AccessClaims, now: float) -> AccessClaims | Invalid:
    """The claims while they last."""
    return claims if now < claims.expires_at else Invalid(InvalidBecause.EXPIRED)


def verify_identity(
    token: str, ring: KeyRing, issuer: str, service: str, now: float
) -> IdentityClaims | Invalid:
    """The claims of an identity token made for this service and alive at `now` (unix seconds)."""
    payload = open_signed(token, ring, IDENTITY_TYPES, now)
    if isinstance(payload, Invalid):
        return payload
    wrong = _addressed(payload, issuer, service, now)
    if wrong is not None:
        return wrong
    try:
        claims = IdentityClaims(
            subject=_subject(payload),
            name=_text(payload, "name", may_be_empty=True),
            client_id=_client_id(payload) if payload.get("client_id") != "" else "",
            token_id=_token_id(payload),
            roles=_roles(_list(payload, "roles")),
            permissions=_permissions(_list(payload, "permissions")),
            expires_at=_number(payload, "exp"),
        )
    except _WrongError:
        return Invalid(InvalidBecause.MALFORMED)
    return claims if now < claims.expires_at else Invalid(InvalidBecause.EXPIRED)


def _addressed(payload: dict[str, Any], issuer: str, audience: object, now: float) -> Invalid | None:
    """Whether it is from us, for whom it should be, and not from the future; None when all is well."""
    if payload.get("iss") != issuer:
        return Invalid(InvalidBecause.WRONG_ISSUER)
    if payload.get("aud") != audience:
        return Invalid(InvalidBecause.WRONG_AUDIENCE)
    try:
        begins = max(_number(payload, "iat"), _number(payload, "nbf") if "nbf" in payload else 0)
    except _WrongError:
        return Invalid(InvalidBecause.MALFORMED)
    return Invalid(InvalidBecause.MALFORMED) if begins > now + CLOCK_SKEW_SECONDS else None


def _subject(payload: dict[str, Any]) -> Subject:
    return _subject_of(_text(payload, "sub_kind"), _text(payload, "sub"))


# What follows is remembered by its text: a signature held for it, and tokens of one person or one client say the same.


@lru_cache(maxsize=4096)
def _subject_of(kind: str, name: str) -> Subject:
    try:
        return Subject(SubjectKind(kind), name)
    except (ValueError, InvalidSubjectError):
        raise _WrongError("sub") from None


@lru_cache(maxsize=1024)
def _scope(text: str) -> tuple[frozenset[Permission], frozenset[str]]:
    words = frozenset(text.split(" "))
    return _permissions(tuple(words - OPENID_WORDS)), words & OPENID_WORDS


def _audience(payload: dict[str, Any]) -> frozenset[str]:
    """The services that a token is for, if it is for some only: a sorted list, as we mint it (`access.decide`)."""
    found = payload.get("aud")
    if not isinstance(found, list) or not all(isinstance(one, str) and is_resource(one) for one in found):
        return frozenset()
    return frozenset(found)


def _bound_to(payload: dict[str, Any]) -> str:
    found = read_confirmation(payload["cnf"])
    if found is None:
        raise _WrongError("cnf")
    return found


def _actor(payload: dict[str, Any]) -> str:
    found = payload["act"]
    if not isinstance(found, dict):
        raise _WrongError("act")
    return str(_subject(found))


def _client_id(payload: dict[str, Any]) -> str:
    return _subject_of(SubjectKind.CLIENT, _text(payload, "client_id")).id


def _token_id(payload: dict[str, Any]) -> str:
    found = _text(payload, "jti")
    if _TOKEN_ID.fullmatch(found) is None:
        raise _WrongError("jti")
    return found


def _text(payload: dict[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    found = payload.get(name)
    if not isinstance(found, str) or not (found or may_be_empty):
        raise _WrongError(name)
    if not found.isascii():
        try:
            found.encode()  # an escaped half of a surrogate pair is no text: it could be written nowhere
        except UnicodeEncodeError:
            raise _WrongError(name) from None
    return found


def _number(payload: dict[str, Any], name: str) -> int:
    found = payload.get(name)
    if type(found) is not int or not 0 <= found <= _LATEST:  # bool is an int in Python, not in JSON
        raise _WrongError(name)
    return found


def _list(payload: dict[str, Any], name: str) -> tuple[str, ...]:
    found = payload.get(name)
    if not isinstance(found, list) or not set(map(type, found)) <= {str}:
        raise _WrongError(name)
    return tuple(found)


@lru_cache(maxsize=1024)
def _permissions(texts: tuple[str, ...]) -> frozenset[Permission]:
    return frozenset(map(_permission, texts))


@lru_cache(maxsize=1024)
def _roles(names: tuple[str, ...]) -> frozenset[str]:
    for name in names:
        if _permission(f"{ROLE_RESOURCE}:{name}").is_pattern:
            raise _WrongError("roles")
    return frozenset(names)


@lru_cache(maxsize=4096)
def _permission(text: str) -> Permission:
    try:
        return Permission.parse(text)
    except InvalidPermissionError:
        raise _WrongError("permission") from None
