"""Scopes: what a client asks for, held against what it may have. Pure.

A scope-token (RFC 6749 section 3.3) is a permission of ours, a pattern too: `product:read`, `product:*`, `role:admin`.
"""

from __future__ import annotations

from collections.abc import Collection

from sumun.identity import InvalidPermissionError, Permission
from sumun.identity.scope import OPENID_WORDS
from sumun.oauth.errors import InvalidScopeError

# More scopes than any consent page shows; each costs a comparison with each of the client's.
MAX_SCOPES = 200


def granted_scopes(asked: str | None, may_have: Collection[Permission]) -> frozenset[Permission]:
    """The scopes of the token. Not asked (None): all that the client may have. Never empty.

    Raises InvalidScopeError: malformed, not a permission, or not covered by the client's scopes. Nothing is cut off
    silently: a client that asks for too much is told so.
    """
    if asked is None:
        granted = frozenset(may_have)
        if not granted:
            raise InvalidScopeError("this client may have no scope at all")
        return granted
    tokens = asked.split(" ")
    if len(tokens) > MAX_SCOPES:
        raise InvalidScopeError(f"more than {MAX_SCOPES} scopes")
    try:
        wanted = frozenset(map(Permission.parse, tokens))
    except InvalidPermissionError:
        # RFC 6749 3.3: scope-tokens are separated by one space.
        raise InvalidScopeError(
            "a scope is one or more of resource:action, each separated by one space"
        ) from None
    if not all(any(scope.covers(one) for scope in may_have) for one in wanted):
        raise InvalidScopeError("the scope is more than this client may have")
    return wanted


def asked_scopes(
    asked: str | None, may_have: Collection[Permission]
) -> tuple[frozenset[Permission], frozenset[str]]:
    """(permissions, words of OpenID Connect) for a person's token. Not asked (None): `granted_scopes`, and no words.

    With words alone the permissions are empty: such a token says who somebody is, and may do nothing.
    Raises InvalidScopeError as `granted_scopes`.
    """
    words = frozenset() if asked is None else frozenset(asked.split(" ")) & OPENID_WORDS
    if asked is None or not words:
        return granted_scopes(asked, may_have), words
    rest = " ".join(word for word in asked.split(" ") if word not in OPENID_WORDS)
    return (granted_scopes(rest, may_have) if rest else frozenset()), words
