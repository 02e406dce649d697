"""Which language a page speaks."""

from __future__ import annotations

import pytest

from sumun.pages import Locale, chosen_locale


@pytest.mark.parametrize(
    ("said", "locale"),
    [
        ({}, Locale.EN),
        ({"accept": "ko"}, Locale.KO),
        ({"accept": "ko-KR,ko;q=0.9,en;q=0.8"}, Locale.KO),
        ({"accept": "fr, KO-kr;q=0.3, en;q=0.2"}, Locale.KO),
        ({"accept": "en;q=0.2, ko;q=0.3"}, Locale.KO),
        ({"accept": "ko;q=0, en;q=0.1"}, Locale.EN),
        ({"accept": "ko;q=2"}, Locale.EN),
        ({"accept": "ko;q=x, ;;,,=,\x00"}, Locale.EN),
        ({"accept": "ko;q=nan"}, Locale.EN),
        ({"accept": "kok, korean"}, Locale.EN),
        ({"accept": "*"}, Locale.EN),
        ({"accept": "x," * 10_000 + "ko"}, Locale.EN),
        ({"ui_locales": "fr-CA ko", "accept": "en"}, Locale.KO),
        ({"ui_locales": "xx", "accept": "ko"}, Locale.KO),
        ({"cookie": "en", "ui_locales": "ko", "accept": "ko"}, Locale.EN),
        ({"cookie": "junk", "accept": "ko"}, Locale.KO),
        ({"choice": "ko", "cookie": "en"}, Locale.KO),
        ({"choice": "<b>", "cookie": "ko"}, Locale.KO),
    ],
)
def test_who_is_listened_to(said: dict[str, str], locale: Locale) -> None:
    """The person's own choice, then what is remembered of it, then the application's wish, then the browser's; else English."""
    assert chosen_locale(**said) is locale
