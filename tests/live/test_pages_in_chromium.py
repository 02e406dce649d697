"""Every page as a browser shows it: in light and dark, on a phone and a desktop, in both languages, to every reader."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sumun.pages import Frame, Locale, PassingPage, page_headers, render_passing
from sumun.pages.assets import ASSETS
from tests.live.chromium import DESKTOP, PHONE, Browser, Page, chromium
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_can_be_read(page: Page, site: str, dark: bool) -> None:
    """Every text of every page has the contrast of WCAG AA, in light and in dark; the browser complains of nothing."""
    page.resize(DESKTOP, dark=dark)
    for path in SHOWN:
        page.go(site + path)
        assert page.evaluate(CONTRAST) == [], path
    assert page.complaints == []


@pytest.mark.parametrize("size", [NARROW, PHONE, DESKTOP], ids=str)
def test_everything_fits(page: Page, site: str, size: tuple[int, int]) -> None:
    """No page is wider than its window, whatever the names on it are; whatever is pressed is large enough."""
    page.resize(size)
    for path in (*SHOWN, *(f"/long/{sort}" for sort in SORTS.split())):
        page.go(site + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        assert page.evaluate(SMALL) == [], path


def test_a_keyboard_is_enough(page: Page, site: str) -> None:
    """All that can be pressed can be focused, in the order of the page, and the focus shows."""
    page.resize(DESKTOP)
    for path in SHOWN:
        page.go(site + path)
        assert [told for *held, told in page.evaluate(FOCUS) if not all(held)] == [], path
        assert page.evaluate("document.querySelector('[tabindex]:not([tabindex=\"-1\"])')") is None


def test_a_screen_reader_hears_names(page: Page, site: str) -> None:
    """Everything that can be operated has a role and a name, as the browser tells a screen reader."""
    operable = {"button", "link", "textbox", "checkbox", "heading", "main", "navigation", "region", "group"}
    named = operable - {"main", "group"}
    for path in SHOWN:
        page.go(site + path)
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
        assert "main" in roles, path
        nameless = [
            json.dumps(node)
            for node in nodes
            if not node["ignored"] and node["role"]["value"] in named and not node["name"]["value"].strip()
        ]
        assert nameless == [], path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: Browser, site: str, dark: bool) -> None:
    """axe-core, which we did not write, finds no fault of WCAG 2.2 AA or of its own good practice on any page."""
    assert AXE.is_file(), "axe-core is not there: scripts/make-clients"
    page = browser.page(PHONE)
    page.resize(PHONE, dark=dark)
    for path in SHOWN:
        page.go(site + path)
        page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
        found = page.evaluate("axe.run().then(result => [result.violations, result.passes.length])")
        assert found[0] == [], (path, json.dumps(found[0], indent=1))
        assert found[1] > 10, path


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
    page.until("true")
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
