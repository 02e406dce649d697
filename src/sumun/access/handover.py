"""What the service behind is told of the caller. One list: HAProxy strips these from the client, answers sets them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from sumun.identity import Permission, Principal, SubjectKind

USER_ID = "X-User-Id"
USER_NAME = "X-User-Name"
USER_ROLES = "X-User-Roles"
USER_PERMISSIONS = "X-User-Permissions"
CLIENT_ID = "X-Client-Id"
TOKEN_ID = "X-Token-Id"
REQUEST_ID = "X-Request-Id"
IDENTITY_TOKEN = "X-Identity-Token"

# SPOE variable (without the prefix) -> header, in the order in which HAProxy sets them.
HEADER_VARIABLES: Mapping[str, str] = {
    "user_id": USER_ID,
    "user_name": USER_NAME,
    "user_roles": USER_ROLES,
    "user_permissions": USER_PERMISSIONS,
    "client_id": CLIENT_ID,
    "token_id": TOKEN_ID,
    "identity_token": IDENTITY_TOKEN,
}

# Every header that only sumun may set. HAProxy removes them from all requests, in any spelling of `-` and `_`.
OURS: tuple[str, ...] = (*HEADER_VARIABLES.values(), REQUEST_ID)


def headers_of(principal: Principal, bundles: Mapping[str, frozenset[Permission]]) -> dict[str, str]:
    """Variable name -> value for one principal (see HEADER_VARIABLES; `identity_token` is added by who signs it)."""
    return {**identity_of(principal), **rights_of(principal, bundles)}


def identity_of(principal: Principal) -> dict[str, str]:
    """Who it is. Names are percent-encoded UTF-8 (RFC 3986 2.1).

    A program that acts for itself has no user: only its client id is told.
    """
    told: dict[str, str] = {}
    if principal.subject.kind is SubjectKind.USER:
        told["user_id"] = principal.subject.id
        if principal.name:  # a claims token carries no personal data, so its principal has no name
            told["user_name"] = _encoded(principal.name)
    told["client_id"] = principal.client_id or ""
    told["token_id"] = principal.token_id or ""
    return told


def rights_of(principal: Principal, bundles: Mapping[str, frozenset[Permission]]) -> dict[str, str]:
    """What it may: the same for everyone who holds the same. Lists are joined by commas and sorted."""
    return {
        "user_roles": ",".join(sorted(principal.active_roles())),
        "user_permissions": ",".join(sorted(map(str, principal.effective_permissions(bundles)))),
    }


@lru_cache(maxsize=16_384)
def _encoded(name: str) -> str:
    return quote(name, safe="")
