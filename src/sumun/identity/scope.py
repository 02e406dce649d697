"""The text of a scope (RFC 6749 3.3): permissions of ours, and the words of OpenID Connect beside them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sumun.identity.permission import Permission

OPENID: Final = "openid"
OFFLINE_ACCESS: Final = "offline_access"
OPENID_WORDS: Final = frozenset({OPENID, "profile", "email", OFFLINE_ACCESS})
"""OpenID Connect Core 5.4 and 11, as far as we know them. They let a client ask who somebody is, and nothing else."""


def scope_text(permissions: Collection[Permission], openid: Collection[str] = ()) -> str:
    """The scope as RFC 6749 3.3 writes it, sorted."""
    return " ".join(sorted((*map(str, permissions), *openid)))
