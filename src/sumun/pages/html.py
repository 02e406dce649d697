"""From a page's value to HTML: Jinja2 with autoescape, and an error for anything that is not there.

A template says words by key: `t("login.title", application=page.application)`. Words may hold markup of ours; what is
put into them is escaped (markupsafe's `Markup.format`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sumun.pages import assets
from sumun.pages.frame import Frame
from sumun.pages.locale import CHOICE, Locale
from sumun.pages.words import words_of

# They turn the writing around until the end of the line (Unicode, UAX 9: overrides, embeddings, isolates), so a name
# with one could rewrite the sentence that it stands in. Names written from right to left do not need them.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def _shown(value: object) -> object:
    """A text from outside as it is put into a page; it is escaped after this."""
    return value.translate(_TURNING) if isinstance(value, str) and not isinstance(value, Markup) else value


class Page(Protocol):
    """Every page's value."""

    @property
    def frame(self) -> Frame:
        """See Frame."""
        ...


_environment = Environment(
    loader=PackageLoader("sumun.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
# Every template is compiled when the process starts: a request reads no file.
_templates = {name: _environment.get_template(name) for name in _environment.list_templates(["html"])}


def html(template: str, page: Page, **more: Any) -> str:
    """The page as a text; a template finds the value as `page`."""
    locale = page.frame.locale
    return _templates[template].render(
        page=page,
        t=partial(_say, locale),
        n=partial(_count, locale),
        wait=_waits(locale),
        locale=locale,
        languages=_languages(page.frame),
        stylesheet=assets.STYLESHEET.path,
        mark=assets.MARK.path,
        press=assets.PRESS.path,
        **more,
    )


def _say(locale: Locale, key: str, /, **filled: object) -> Markup:
    shown = {name: _shown(value) for name, value in filled.items()}
    return Markup(words_of(locale)[key]).format(**shown)  # noqa: S704 - our words, escaping what is filled in


def _count(locale: Locale, key: str, count: int) -> Markup:
    """Words with a number: `key.one` for 1, `key.many` for all others."""
    return _say(locale, f"{key}.one" if count == 1 else f"{key}.many", n=count)


def _waits(locale: Locale) -> Callable[[int], Markup]:
    """How long somebody is to wait, in whole seconds or minutes, rounded up."""
    return lambda seconds: (
        _count(locale, "seconds", max(seconds, 1))
        if seconds < 100
        else _count(locale, "minutes", -(-seconds // 60))
    )


def _languages(frame: Frame) -> tuple[tuple[Locale, str], ...]:
    """Each language, and where this page is in it; nothing when the page cannot be shown again."""
    if not frame.here:
        return ()
    joint = "&" if "?" in frame.here else "?"
    return tuple((locale, f"{frame.here}{joint}{urlencode({CHOICE: locale.value})}") for locale in Locale)
