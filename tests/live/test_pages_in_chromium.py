"""Every page as a browser shows it: in light and dark, on a phone and a desktop, in both languages, to every reader."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sumun.pages import Frame, Locale, PassingPage, page_headers, render_passing
from sumun.pages.assets import ASSETS
from tests.live.chromium import DESKTOP, PHONE, Browser, Page, chromium
from tests.live.node_under_test import until
from tests.unit.pages.every_page import HIDDEN, every_page

LONG = "가나다라마바사" * 12 + "W" * 80  # a name in which nothing may be broken, and has to be
PAGES = {f"/{locale}/{name}": render for locale in Locale for name, render in every_page(locale)} | {
    f"/long/{name}": render for name, render in every_page(Locale.EN, LONG, LONG)
}


AXE = Path(__file__).parents[1] / "clients" / "node_modules" / "axe-core" / "axe.min.js"
NARROW = (320, 640)  # WCAG 2.2, 1.4.10: what a page must fit in

# Each text with the background that is really behind it. WCAG 2.2, 1.4.3: 4.5 to 1, of large text 3 to 1.
CONTRAST = r"""
(() => {
  const numbers = text => text.match(/[\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor)
      if (color.length === 3 || color[3] === 1) return color
      if (color[3] > 0) throw Error('half transparent: ' + e.outerHTML)
    }
    throw Error('no background')
  }
  const faint = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest('.unseen')) continue
    const style = getComputedStyle(element)
    const [light, dark] = [luminance(numbers(style.color)), luminance(behind(element))].sort((a, b) => b - a)
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700)
    if ((light + 0.05) / (dark + 0.05) < (large ? 3 : 4.5)) faint.push(element.outerHTML)
  }
  return faint
})()
"""

# WCAG 2.2, 2.5.8: a target is 24 by 24 pixels at least (a checkbox counts with the row that is its label).
SMALL = r"""
[...document.querySelectorAll('button, a, summary, input:not([type=hidden])')]
  .filter(e => !e.closest('.unseen') && !(e.type === 'checkbox' && e.closest('label')))
  .filter(e => { const r = e.getBoundingClientRect(); return r.width < 24 || r.height < 24 })
  .map(e => e.outerHTML)
"""

# What the keyboard comes to, in its order, and whether it shows: an outline of 2 pixels at least (2.4.7).
FOCUS = r"""
[...document.querySelectorAll('button, a[href], summary, input:not([type=hidden])')].filter(e => e.tabIndex >= 0)
  .map(e => { e.focus({focusVisible: true}); const s = getComputedStyle(e)
    return [document.activeElement === e, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e.outerHTML] })
"""


class _Site(BaseHTTPRequestHandler):
    """The pages with their headers, and what they load."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.send_response(200)
        if path in ASSETS:
            asset = ASSETS[path]
            self.send_header("content-type", asset.content_type)
            body = asset.body
        else:
            application = self.path.partition("?")[2]
            page = PassingPage(Frame(), "The Shop", application, HIDDEN)
            headers = page_headers((application,), script=True) if path == "/passing" else page_headers()
            for name, value in headers:
                self.send_header(name.decode(), value.decode())
            body = (render_passing(page) if path == "/passing" else PAGES.get(path, str)()).encode()
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """As an application: show what was sent."""
        sent = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture(scope="module")
def application() -> Iterator[str]:
    """Another site."""
    with serving() as address:
        yield f"{address}/callback"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Where the pages are."""
    with serving() as address:
        yield address


@contextmanager
def serving() -> Iterator[str]:
    """A server at a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    """A window that runs no scripts."""
    return browser.page(scripts=False)


# One of each sort: words alone do not change what these tests look at.
SORTS = (
    "login-fresh login-rejected login-ways login-own consent consent-device consent-login-only device-fresh "
    "device-unknown device-allowed device-refused logout logged-out failure-application failure-not_found "
    "account-withdrawn account-empty password-short"
)
SHOWN = [f"/{locale}/{sort}" for locale in Locale for sort in SORTS.split()]


@dataclass(frozen=True, slots=True)
class Look:
    """What a browser says of one page."""

    width: int
    faint: list[str]
    small: list[str]
    focus: list[tuple[bool, bool, str]]
    spoken: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    passed: int


@pytest.fixture(scope="module", params=["narrow and light", "wide and dark"])
def looks(request: pytest.FixtureRequest, browser: Browser, site: str) -> tuple[int, dict[str, Look]]:
    """The window's width, and how each page looks in it. One visit for all that is asked of a page."""
    assert AXE.is_file(), "axe-core is not there: scripts/make-clients"
    axe = AXE.read_text(encoding="utf-8")
    size, dark = (NARROW, False) if request.param == "narrow and light" else (DESKTOP, True)
    page = browser.page()
    page.resize(size, dark=dark)
    seen = {}
    for path in (*SHOWN, *(f"/long/{sort}" for sort in SORTS.split())):
        page.go(site + path)
        page.evaluate(f"{axe}; 0")
        faults, passed = page.evaluate("axe.run().then(result => [result.violations, result.passes.length])")
        seen[path] = Look(
            page.evaluate("document.documentElement.scrollWidth"),
            page.evaluate(CONTRAST),
            page.evaluate(SMALL),
            page.evaluate(FOCUS),
            page.call("Accessibility.getFullAXTree")["nodes"],
            faults,
            passed,
        )
    assert page.complaints == []
    return size[0], seen


def test_everything_can_be_read(looks: tuple[int, dict[str, Look]]) -> None:
    """Every text of every page has the contrast of WCAG AA, in light and in dark."""
    assert {path: look.faint for path, look in looks[1].items() if look.faint} == {}


def test_everything_fits(looks: tuple[int, dict[str, Look]]) -> None:
    """No page is wider than its window, whatever the names on it are; whatever is pressed is large enough."""
    width, seen = looks
    assert {path: look.width for path, look in seen.items() if look.width > width} == {}
    assert {path: look.small for path, look in seen.items() if look.small} == {}


def test_a_keyboard_is_enough(looks: tuple[int, dict[str, Look]]) -> None:
    """All that can be pressed can be focused, and the focus shows."""
    for path, look in looks[1].items():
        assert [told for *held, told in look.focus if not all(held)] == [], path


def test_a_screen_reader_hears_names(looks: tuple[int, dict[str, Look]]) -> None:
    """Everything that can be operated has a name, as the browser tells a screen reader, and stands in a landmark."""
    named = {"button", "link", "textbox", "checkbox", "heading", "navigation", "region"}
    for path, look in looks[1].items():
        nodes = [node for node in look.spoken if not node["ignored"]]
        assert {"main", "heading", "region"} - {node["role"]["value"] for node in nodes} == set(), path
        names = [node["name"]["value"].strip() for node in nodes if node["role"]["value"] in named]
        assert all(names), path


def test_axe_finds_nothing(looks: tuple[int, dict[str, Look]]) -> None:
    """axe-core, which we did not write, finds no fault of WCAG 2.2 AA or of its own good practice on any page."""
    assert {path: look.faults for path, look in looks[1].items() if look.faults} == {}
    assert all(look.passed > 10 for look in looks[1].values())


@pytest.mark.parametrize("scripts", [True, False])
def test_an_answer_is_posted(browser: Browser, site: str, application: str, scripts: bool) -> None:
    """The page that carries an answer to an application goes on by itself, and without scripts by one button."""
    page = browser.page(PHONE, scripts=scripts)
    page.go(f"{site}/passing?{application}")
    if not scripts:
        assert "You are on your way back to The Shop." in page.text
        page.press("main form .first")
    page.until(f"location.href == {json.dumps(application)}")
    assert page.text == "&".join(f"{field.name}={field.value}" for field in HIDDEN)
    assert page.complaints == []


def test_forms_go_nowhere_else(browser: Browser, site: str, application: str) -> None:
    """The policy of a page is in force: the browser itself sends its forms to no other site, and runs no script in it."""
    page = browser.page(PHONE)
    page.go(f"{site}/en/login-fresh")
    page.evaluate(
        f"document.forms[0].action = {json.dumps(application)}, document.forms[0].noValidate = true"
    )
    page.click("button[value=login]")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = true'}))"
    )
    until(lambda: page.evaluate("1") and len(page.complaints) >= 2)
    assert page.url == f"{site}/en/login-fresh"
    assert page.evaluate("window.ran") is None
    assert ["form-action" in one or "script-src" in one for one in page.complaints] == [True, True]


def test_the_stylesheet_is_there(page: Page, site: str) -> None:
    """The page is dressed: with its colours in light and in dark, and with the mark loaded."""
    seen = set()
    for dark in (False, True):
        page.resize(PHONE, dark=dark)
        page.go(f"{site}/ko/login-fresh")
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate("document.querySelector('.brand img').naturalWidth") > 0
    assert len(seen) == 2
