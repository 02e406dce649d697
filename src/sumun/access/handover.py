"""What the service behind is told of the caller. One list: HAProxy strips these from the client, and sets them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
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

# Every header that only sumun may set. HAProxy removes them from all requests, in any spelling of `-` and `_`.
OURS: tuple[str, ...] = (
    *(USER_ID, USER_NAME, USER_ROLES, USER_PERMISSIONS, CLIENT_ID, TOKEN_ID),
    *(IDENTITY_TOKEN, REQUEST_ID),
)

OUR_COOKIES: Final = "__Host-sumun_"
"""What the names of all our cookies begin with: no service sees one.

`__Host-` (RFC 6265bis 4.1.3.2): a browser takes such a cookie only when it is Secure, has no Domain and the path `/`,
so no other host can set or read it. Browsers take Secure cookies from `http://127.0.0.1` and `http://localhost` too.
"""

SESSION_COOKIE: Final = OUR_COOKIES + "session"

LANGUAGE_COOKIE: Final = OUR_COOKIES + "language"
"""The language that a person chose on one of our pages."""

SESSION_CLIENT: Final = "sumun.session"
"""The client id of calls with the cookie of a browser session: they come through us."""


def user_of(principal: Principal) -> tuple[str, str]:
    """Account name and display name, percent-encoded UTF-8 (RFC 3986 2.1).

    Both are empty for a program that acts for itself, and the second for a claims token: it carries no personal data.
    """
    if principal.subject.kind is not SubjectKind.USER:
        return "", ""
    return principal.subject.id, _encoded(principal.name)


def rights_of(principal: Principal, bundles: Mapping[str, frozenset[Permission]]) -> tuple[str, str]:
    """Roles and permissions: the same for everyone who holds the same. Lists are joined by commas and sorted."""
    return (
        ",".join(sorted(principal.active_roles())),
        ",".join(sorted(map(str, principal.effective_permissions(bundles)))),
    )


@lru_cache(maxsize=16_384)
def _encoded(name: str) -> str:
    return quote(name, safe="")
