"""What a person is asked about, and what is granted. Pure.

A client asks for scopes, which may be patterns; a person is asked about single permissions. So a pattern is laid out
into what it covers in the vocabulary of the configuration (`permissions:`), and `role:*` into the roles that the person
has. What a pattern might come to cover one day was not shown, so it is not granted. A pattern that covers nothing that
is declared is asked about as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sumun.config.plan import Sentence
from sumun.identity import Permission
from sumun.identity.permission import ROLE_RESOURCE
from sumun.identity.scope import OPENID
from sumun.tokens.base64url import encode as base64url

ABOUT: Final = "about"
"""The field of a form in which the digest of what it shows stands."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants of a person: single permissions (patterns only where nothing is declared), and words."""

    scopes: frozenset[Permission] = frozenset()
    openid: frozenset[str] = frozenset()

    @property
    def texts(self) -> frozenset[str]:
        """All of it as scope-tokens."""
        return frozenset(map(str, self.scopes)) | self.openid

    @property
    def digest(self) -> str:
        """Stands for exactly this in a form, so that a person allows what the form showed."""
        return base64url(hashlib.sha256(" ".join(sorted(self.texts)).encode()).digest())

    def __bool__(self) -> bool:
        return bool(self.scopes or self.openid)

    def without(self, scopes: Collection[Permission], openid: Collection[str]) -> Wanted:
        """What of it these do not cover."""
        left = frozenset(one for one in self.scopes if not any(scope.covers(one) for scope in scopes))
        return Wanted(left, self.openid - frozenset(openid))

    def less(self, other: Wanted) -> Wanted:
        """What of it is not in the other."""
        return Wanted(self.scopes - other.scopes, self.openid - other.openid)

    def besides(self, texts: Collection[str]) -> Wanted:
        """What of it is not among these scope-tokens."""
        left = frozenset(one for one in self.scopes if str(one) not in texts)
        return Wanted(left, self.openid - frozenset(texts))

    def chosen(self, words: Collection[str]) -> Wanted:
        """What of it stands among these texts, and `openid`, which cannot be refused alone."""
        return Wanted(
            frozenset(one for one in self.scopes if str(one) in words),
            frozenset(word for word in self.openid if word in words or word == OPENID),
        )


NOTHING: Final = Wanted()


def wanted(
    scopes: Collection[Permission],
    openid: Collection[str],
    vocabulary: Mapping[str, Sentence],
    roles: Collection[str],
) -> Wanted:
    """Lay the scopes out. `vocabulary`: permission -> words; `roles`: those that the person has."""
    declared = [Permission.parse(text) for text in vocabulary]
    laid_out: set[Permission] = set()
    for scope in scopes:
        if not scope.is_pattern:
            laid_out.add(scope)
            continue
        covered = {one for one in declared if not one.is_pattern and scope.covers(one)}
        covered |= {role for name in roles if scope.covers(role := Permission(ROLE_RESOURCE, name))}
        laid_out |= covered or {scope}
    return Wanted(frozenset(laid_out), frozenset(openid))
