"""Which language a page speaks. Pure.

In this order: what the person chose here (`lang` in the address, then the cookie that remembers it), what the
application asked for (`ui_locales`, OpenID Connect Core 3.1.2.1), what the browser says (Accept-Language, RFC 9110
12.5.4), English.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

CHOICE = "lang"
"""The parameter by which a person chooses; the links at the foot of every page have it."""

_LONGEST = 200  # characters of a list of languages; browsers send less


class Locale(StrEnum):
    """A language that all pages exist in."""

    EN = "en"
    KO = "ko"


def chosen_locale(
    *, choice: str | None = None, cookie: str | None = None, ui_locales: str | None = None, accept: str = ""
) -> Locale:
    """The language; every argument is as it came from outside, and junk in it counts as nothing."""
    for said in (choice, cookie):
        if said in tuple(Locale):
            return Locale(said)
    wanted = [*(ui_locales or "")[:_LONGEST].split(), *_accepted(accept[:_LONGEST])]
    return next((Locale(base) for tag in wanted if (base := _base(tag)) in tuple(Locale)), Locale.EN)


def _base(tag: str) -> str:
    """`ko` of `ko-KR` (RFC 5646 2.2.1: the primary language subtag; case does not matter)."""
    return tag.partition("-")[0].lower()


def _accepted(field: str) -> Iterator[str]:
    """The language tags of Accept-Language, best first; those with `q=0` are refused by the person, and left out."""
    tags: list[tuple[float, str]] = []
    for item in field.split(","):
        tag, _, weight = item.strip().partition(";")
        quality = _quality(weight.strip())
        if tag and quality > 0:
            tags.append((quality, tag.strip()))
    return (tag for _, tag in sorted(tags, key=lambda pair: -pair[0]))


def _quality(weight: str) -> float:
    if not weight:
        return 1.0
    try:
        value = float(weight.removeprefix("q="))
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0
