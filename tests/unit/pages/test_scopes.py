"""Scopes in words."""

from __future__ import annotations

import pytest

from sumun.config.plan import Sentence
from sumun.pages import Locale, asked_permissions

VOCABULARY = {
    "product:read": Sentence("See products", {"ko": "상품 보기"}),
    "product:create": Sentence("Add products"),
    "order:read": Sentence("See orders", {"ko": "주문 보기"}),
}


def words(*scopes: str, locale: Locale = Locale.EN) -> list[str]:
    """What people read, in the order of the page."""
    return [asked.words for asked in asked_permissions(scopes, VOCABULARY, locale)]


def test_the_order_is_the_operators() -> None:
    """Logging in stands first, then what the operator has words for in the order of the file, then the rest by name."""
    scopes = ("zoo:feed", "order:read", "ant:see", "product:create", "profile", "product:read", "openid")
    assert [asked.scope for asked in asked_permissions(scopes, VOCABULARY, Locale.EN)] == [
        "openid",
        "profile",
        "product:read",
        "product:create",
        "order:read",
        "ant:see",
        "zoo:feed",
    ]


def test_in_the_readers_language() -> None:
    """The operator's words in the reader's language, and the plain ones where there are none."""
    assert words("product:read", "product:create", locale=Locale.KO) == ["상품 보기", "Add products"]
    assert words("product:read") == ["See products"]


@pytest.mark.parametrize(
    ("scope", "said", "covers"),
    [
        ("product:*", "Everything about product that you may do", ("See products", "Add products")),
        ("*:read", "“read” on everything where you may do it", ("See products", "See orders")),
        ("*:*", "Do everything that you may do here", ("See products", "Add products", "See orders")),
        ("role:admin", "Act in your role “admin”", ()),
        ("role:*", "Act in all of your roles", ()),
        ("unsaid:thing", "unsaid:thing", ()),
        ("no permission at all", "no permission at all", ()),
    ],
)
def test_what_nobody_has_words_for(scope: str, said: str, covers: tuple[str, ...]) -> None:
    """A pattern says what it covers, a role its name; what is neither is shown as it is, whatever it is."""
    (asked,) = asked_permissions([scope], VOCABULARY, Locale.EN)
    assert (asked.words, asked.covers, asked.named) == (said, covers, said != scope)


def test_what_was_given_before() -> None:
    """Only what was given before is marked so; logging in cannot be refused alone."""
    asked = asked_permissions(("openid", "order:read", "product:read"), VOCABULARY, Locale.EN, {"order:read"})
    assert [(one.scope, one.before, one.always) for one in asked] == [
        ("openid", False, True),
        ("product:read", False, False),
        ("order:read", True, False),
    ]
