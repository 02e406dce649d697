"""Scopes in words. Pure.

The words of a permission are the operator's (`permissions:` in the configuration); those of OpenID Connect's scopes are
ours; a scope that nobody has words for is shown as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sumun.config.plan import Sentence
from sumun.identity import InvalidPermissionError, Permission
from sumun.identity.permission import ROLE_RESOURCE
from sumun.pages.locale import Locale
from sumun.pages.words import words_of

_OPENID = ("openid", "profile", "email", "offline_access")
_LOGIN = "openid"  # an OpenID Connect request has it (Core 3.1.2.1): to refuse it is to refuse the whole
MOST_COVERED = 12
"""Sentences that stand under a pattern; of more, their number."""


@dataclass(frozen=True, slots=True)
class AskedPermission:
    """One thing that an application asks for, or was given.

    `scope` is the scope-token; `words` say it to a person, and are the scope itself when nobody has better ones.
    `covers`: what a pattern adds up to, in words. `before`: it was given before. `always`: it comes with every login
    and cannot be refused alone.
    """

    scope: str
    words: str
    covers: tuple[str, ...] = ()
    before: bool = False
    always: bool = False

    @property
    def named(self) -> bool:
        """Whether somebody has words for it."""
        return self.words != self.scope


def asked_permissions(
    scopes: Iterable[str], vocabulary: Mapping[str, Sentence], locale: Locale, before: Collection[str] = ()
) -> tuple[AskedPermission, ...]:
    """What `scopes` mean: logging in first, then in the order of the operator's words, then by name.

    `vocabulary`: permission -> what it means.
    """
    place = {scope: number for number, scope in enumerate((*_OPENID, *vocabulary))}
    ordered = sorted(scopes, key=lambda scope: (place.get(scope, len(place)), scope))
    return tuple(_asked(scope, vocabulary, locale, before) for scope in ordered)


def _asked(
    scope: str, vocabulary: Mapping[str, Sentence], locale: Locale, before: Collection[str]
) -> AskedPermission:
    words: str = scope
    covers: tuple[str, ...] = ()
    if scope in _OPENID:
        words = words_of(locale)[f"scope.{scope}"]
    elif scope in vocabulary:
        words = vocabulary[scope].said(locale)
    else:
        words, covers = _of_pattern(scope, vocabulary, locale)
    return AskedPermission(scope, words, covers, scope in before, scope == _LOGIN)


def _of_pattern(
    scope: str, vocabulary: Mapping[str, Sentence], locale: Locale
) -> tuple[str, tuple[str, ...]]:
    said = words_of(locale)
    try:
        wanted = Permission.parse(scope)
    except InvalidPermissionError:
        return scope, ()
    if wanted.resource == ROLE_RESOURCE:
        key = "scope.any_role" if wanted.action == "*" else "scope.role"
        return said[key].format(role=wanted.action), ()
    if not wanted.is_pattern:
        return scope, ()
    if wanted.resource == "*" and wanted.action == "*":
        return said["scope.everything"], _covered(wanted, vocabulary, locale)
    key = "scope.all_of" if wanted.action == "*" else "scope.on_all"
    return said[key].format(resource=wanted.resource, action=wanted.action), _covered(
        wanted, vocabulary, locale
    )


def _covered(wanted: Permission, vocabulary: Mapping[str, Sentence], locale: Locale) -> tuple[str, ...]:
    covered = [
        words.said(locale) for one, words in vocabulary.items() if wanted.covers(Permission.parse(one))
    ]
    return tuple(covered[:MOST_COVERED])
