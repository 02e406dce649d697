"""What a person with a browser is answered where a program reads JSON: the same refusals as pages.

Only on routes that take the cookie of a session, and only who navigates there without another credential. The pages
are files of the generation, in each language; what differs from call to call HAProxy puts in (`lf-file`), so they are
there whatever process of ours is not.

A name is its person's choice. It comes percent-encoded (`access.handover`), so what means something to HTML is replaced
while nothing can be mixed up with it, and then decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sumun.access.handover import LANGUAGE_COOKIE
from sumun.haproxy.callers import FACT, NAME, USER, field
from sumun.haproxy.handshakes import regsub
from sumun.haproxy.quoting import word
from sumun.haproxy.refusals import DECISION_UNAVAILABLE, TOO_MANY_REQUESTS, Refusal
from sumun.haproxy.routes import TAKES_SESSION, has_flag
from sumun.haproxy.sections import File, Line
from sumun.pages import (
    FailurePage,
    Fault,
    Frame,
    Locale,
    RefusedPage,
    page_headers,
    render_failure,
    render_refused,
)

_PAGE: Final = "txn.page"
NAVIGATES: Final = f"{{ var({_PAGE}) -m found }}"
"""The condition of a call that a person makes with a browser, and who reads the answer (`remember`)."""

_CALLED: Final = "txn.called"
HERE: Final = "txn.here"
_LONGEST_HERE: Final = 3000  # bytes; encoded, three times as many have to fit into the next request

# Marks in a page, and what HAProxy puts there. No page has these characters (Unicode, private use).
_REQUEST, _PERSON, _RETURN = "\ue000", "\ue001", "\ue002"
_FILLED: Final = {
    "%": "%%",
    _REQUEST: "%[unique-id]",
    _PERSON: f"%[var({_CALLED})]",
    _RETURN: f"%[var({HERE})]",
}

_TO_HTML: Final = (
    *(regsub(f"%{ord(c):02X}", f"&#{ord(c)};", "g") for c in "&<>\"'"),
    "url_dec",
)


def remember(whose: str) -> list[str]:
    """Rules of a backend while all header fields are there: does a person navigate, and which language do they read?

    `whose`: the condition that the call has no other credential than the cookie of a session. The language is found as
    `pages.locale` finds it (Fetch 3.1.7: only a navigation is `navigate`; older browsers do not say).
    """
    reads = f"{has_flag(TAKES_SESSION)} {whose} {{ method GET }} {{ req.fhdr(accept) -m beg text/html }}"
    navigates = "!{ req.fhdr(sec-fetch-mode) -m found }", "{ req.fhdr(sec-fetch-mode) -m str navigate }"
    accepted = f"req.fhdr(accept-language),language({';'.join(Locale)},{Locale.EN})"
    chosen = f"req.cook({LANGUAGE_COOKIE})"
    return [
        *(f"http-request set-var({_PAGE}) str({Locale.EN}) if {reads} {one}" for one in navigates),
        f"http-request set-var({_PAGE}) {accepted} if {NAVIGATES}",
        f"http-request set-var({_PAGE}) {chosen} if {NAVIGATES} {{ {chosen} -m str {' '.join(Locale)} }}",
    ]


def forbid(condition: str) -> list[str]:
    """Rules: who is logged in and may not. They need the fact that says who it is."""
    here = f"{NAVIGATES} {condition} {{ {field(FACT, USER)} -m len gt 0 }}"
    somebody = f"{{ var({_CALLED}) -m found }}"
    name = ",".join((field(FACT, NAME), *_TO_HTML))
    return [
        f"http-request set-var({_CALLED}) {field(FACT, USER)} if {here}",
        f"http-request set-var({_CALLED}) {name} if {somebody} {{ {field(FACT, NAME)} -m len gt 0 }}",
        *remember_here(somebody),
        *_show("forbidden", 403, somebody),
    ]


def remember_here(condition: str) -> list[str]:
    """Rules: `HERE` is where a login leads back to, percent-encoded. Of what is too long the query goes, or all."""
    return [
        f"http-request set-var({HERE}) str(%2F) if {condition}",
        f"http-request set-var({HERE}) path,url_enc if {condition} {{ path -m len le {_LONGEST_HERE} }}",
        f"http-request set-var({HERE}) pathq,url_enc if {condition} {{ pathq -m len le {_LONGEST_HERE} }}",
    ]


def refuse(refusal: Refusal, condition: str = "") -> list[str]:
    """Rules: the page of one of `_FAULTS`."""
    return _show(refusal.code, refusal.status, condition, refusal.headers)


_FAULTS: Final = {TOO_MANY_REQUESTS: Fault.TOO_MANY, DECISION_UNAVAILABLE: Fault.UNAVAILABLE}


def _show(page: str, status: int, condition: str, headers: str = "") -> list[str]:
    fields = {name.decode(): value.decode() for name, value in page_headers()}
    kind = fields.pop("content-type")
    fields["x-content-type-options"] = "nosniff"
    told = " ".join((*(f"hdr {name} {word(value)}" for name, value in fields.items()), headers)).strip()
    return [
        f"http-request return status {status} content-type {word(kind)} {told} lf-file {_file_name(page, locale)} "
        f"if {{ var({_PAGE}) -m str {locale} }} {condition}".rstrip()
        for locale in Locale
    ]


def files() -> list[File]:
    """The pages, as `lf-file` wants them."""
    return [File(name, tuple(Line(line) for line in _filled(text))) for name, text in _pages()]


def _pages() -> Iterator[tuple[str, str]]:
    for locale in Locale:
        frame = Frame(locale)
        other = f"/login/start?other=1&return={_RETURN}"
        yield _file_name("forbidden", locale), render_refused(RefusedPage(frame, _REQUEST, _PERSON, other))
        for refusal, fault in _FAULTS.items():
            yield _file_name(refusal.code, locale), render_failure(FailurePage(frame, fault, _REQUEST))


def _filled(page: str) -> list[str]:
    return page.translate({ord(mark): put for mark, put in _FILLED.items()}).splitlines()


def _file_name(page: str, locale: Locale) -> str:
    return f"{page}.{locale}.html"
