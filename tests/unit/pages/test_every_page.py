"""What every page promises, held against one value of each."""

from __future__ import annotations

import re

import pytest

from sumun.pages import Locale
from tests.unit.pages.every_page import every_page
from tests.unit.pages.markup import Element, read_page

PAGES = {f"{locale}-{name}": render for locale in Locale for name, render in every_page(locale)}
HOSTILE = (
    "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}{0.__class__}</title>한글 & Söhne\u202e"
)


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Element:
    """Each page, read."""
    return read_page(PAGES[request.param]())


def test_landmarks(page: Element) -> None:
    """Every page has a language, a title, one main, one first heading, and no level of heading left out."""
    assert page.get("lang") in tuple(Locale)
    (title,) = page.every("title")
    assert title.text()
    assert [len(list(page.every(tag))) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(element.tag[1]) for element in page.every("h1", "h2", "h3", "h4")]
    assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False))


def test_every_field_has_a_label(page: Element) -> None:
    """Each field that a person sees has exactly one label, with words in it."""
    labels = [label.get("for") for label in page.every("label") if label.text()]
    for field in page.every("input"):
        if field.get("type") != "hidden":
            assert labels.count(field.get("id")) == 1, field


def test_every_control_says_what_it_does(page: Element) -> None:
    """Buttons and links have words; no two buttons of a page sound alike and do different things."""
    said: dict[str, tuple[str, ...]] = {}
    for control in page.every("button", "a"):
        words = control.get("aria-label") or control.text()
        assert words
        does = (control.get("name"), control.get("value"), control.get("href"))
        assert said.setdefault(words, does) == does


def test_ids(page: Element) -> None:
    """An id stands once, and what refers to one finds it."""
    ids = [element.get("id") for element in page.every() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.every():
        for name in ("aria-describedby", "aria-labelledby", "for"):
            assert set(element.get(name).split()) <= set(ids), element


def test_nothing_inline(page: Element) -> None:
    """No style and no script in the page, and nothing from elsewhere: the Content-Security-Policy would refuse it."""
    for element in page.every():
        assert element.tag not in ("style", "iframe", "object", "embed", "base", "template")
        assert element.tag != "script" or (element.get("src") and not element.text())
        assert not [name for name in element.attributes if name == "style" or name.startswith("on")]
        for name in ("src", "action"):
            assert not element.get(name).startswith(("http:", "//", "data:", "javascript:"))
        if element.tag == "link":
            assert element.get("href").startswith("/account/assets/")


def test_forms_are_sent_by_post_with_their_secret(page: Element) -> None:
    """Every form is sent by POST and carries the token against forgery."""
    for form in page.every("form"):
        assert form.get("method") == "post"
        assert "csrf" in [field.get("name") for field in form.every("input")]


def test_troubles_are_announced(page: Element) -> None:
    """What went wrong with a form is announced, named in the title, and the first thing to mend has the focus."""
    troubles = [element for element in page.every() if element.get("id") == "trouble"]
    (title,) = page.every("title")
    assert bool(troubles) == title.text().startswith(("Error: ", "오류: "))
    assert all(trouble.get("role") == "alert" and trouble.text() for trouble in troubles)
    assert len([field for field in page.every() if "autofocus" in field.attributes]) <= 1


@pytest.mark.parametrize("locale", Locale)
def test_hostile_names(locale: Locale) -> None:
    """A name of an application or a person is text, whatever is in it: the tree of every page stays the same."""
    plain, hostile = (dict(every_page(locale, name, name)) for name in ("shop", HOSTILE))
    shown = 0
    for name, render in hostile.items():
        text = render()
        shape = [element.tag for element in read_page(text).every()]
        assert shape == [element.tag for element in read_page(plain[name]()).every()], name
        assert "49" not in re.sub(r"[\w-]*\d[\w-]*", "", text)
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
        shown += "<script>alert(1)" in read_page(text).text()
    assert shown > 10
