"""All words of the pages by language, under the same keys."""

from __future__ import annotations

from collections.abc import Mapping

from sumun.pages.locale import Locale
from sumun.pages.words_en import ENGLISH
from sumun.pages.words_ko import KOREAN

_WORDS: Mapping[Locale, Mapping[str, str]] = {Locale.EN: ENGLISH, Locale.KO: KOREAN}


def words_of(locale: Locale) -> Mapping[str, str]:
    """Key -> words, with `{names}` to fill in."""
    return _WORDS[locale]
