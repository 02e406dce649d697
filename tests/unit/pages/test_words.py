"""The words of the pages: the same in every language, and all of them used."""

from __future__ import annotations

import html
import re
from string import Formatter

import pytest

from sumun.pages import Locale
from sumun.pages.words import words_of
from tests.unit.pages.every_page import every_page

ENGLISH = words_of(Locale.EN)


def filled(words: str) -> set[str]:
    """The names that are to be filled in."""
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def plain(markup: str) -> str:
    """What is read of it."""
    return " ".join(html.unescape(re.sub("<[^>]*>", "", markup)).split())


@pytest.mark.parametrize("locale", Locale)
def test_the_same_keys(locale: Locale) -> None:
    """Every language has every key, in the same order, with words that are not empty."""
    assert list(words_of(locale)) == list(ENGLISH)
    assert all(words.strip() == words != "" for words in words_of(locale).values())


@pytest.mark.parametrize("key", [key for key in ENGLISH if not key.startswith(("ago.now", "ago.days.one"))])
def test_the_same_names(key: str) -> None:
    """A sentence has the same names to fill in, and the same markup, in every language."""
    korean = words_of(Locale.KO)[key]
    assert filled(korean) == filled(ENGLISH[key])
    assert re.findall("<[^>]*>", korean) == re.findall("<[^>]*>", ENGLISH[key])


def test_korean_is_korean() -> None:
    """The Korean words are Korean: no sentence was left in English."""
    assert [
        key
        for key, words in words_of(Locale.KO).items()
        if not re.search("[가-힣]", plain(words))
        and key not in ("language.en", "account.from", "account.browser_only")
    ] == []


def test_no_words_are_dead() -> None:
    """Every word is on some page, or is a unit of time or a scope."""
    pages = " ".join(render() for _, render in every_page(Locale.EN))
    text = plain(pages)
    attributes = " ".join(re.findall(r'aria-label="([^"]*)"', html.unescape(pages)))
    for key, words in ENGLISH.items():
        if key.startswith(("ago.", "seconds.", "minutes.", "scope.", "login.trouble.")):
            continue
        pattern = re.escape(plain(words))
        pattern = re.sub(r"\\\{\w+\\\}", ".*", pattern)
        assert re.search(pattern, text) or re.search(pattern, attributes), key
