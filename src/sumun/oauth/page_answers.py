"""Pages as answers: the language a request is answered in, redirects, and the page of something that went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from sumun.errors import OutageError, SumunError
from sumun.login.errors import LoginBusyError
from sumun.oauth.csrf import ForgedFormError
from sumun.oauth.errors import STATUS, OAuthError, SlowDownError
from sumun.oauth.exchange import NO_STORE, Answer, Headers, Request
from sumun.pages import FailurePage, Fault, Frame, Locale, chosen_locale, page_headers, render_failure
from sumun.pages.locale import CHOICE
from sumun.sessions.cookie import LANGUAGE, set_cookie
from sumun.tokens.errors import NoSigningKeyError

OUTAGE_RETRY_SECONDS = 1
_YEAR_SECONDS = 365 * 24 * 3600


class PageError(SumunError):
    """A person is to see a page that says what went wrong. Raised by endpoints that are mounted as pages."""

    def __init__(self, fault: Fault, status: int, detail: str = "", *, back: str = "") -> None:
        """`detail`, `back`: see `pages.FailurePage`."""
        super().__init__(detail or fault.value)
        self.fault = fault
        self.status = status
        self.detail = detail
        self.back = back


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, for a page: the fault, the status, and when to come back (0: nothing is said of it)."""

    fault: Fault
    status: int
    detail: str = ""
    retry_after_seconds: int = 0
    back: str = ""


def failure_of(error: Exception) -> Failure:
    """What a person is told of an error."""
    match error:
        case PageError():
            return Failure(error.fault, error.status, error.detail, back=error.back)
        case ForgedFormError():
            return Failure(Fault.FORGED, 403)
        case SlowDownError():
            return Failure(Fault.TOO_OFTEN, 429, retry_after_seconds=error.retry_after_seconds)
        case OAuthError():
            return Failure(Fault.APPLICATION, STATUS[type(error)], str(error))
        case LoginBusyError():
            return Failure(Fault.UNAVAILABLE, 503, retry_after_seconds=error.retry_after_seconds)
        case OutageError() | NoSigningKeyError():
            return Failure(Fault.UNAVAILABLE, 503, retry_after_seconds=OUTAGE_RETRY_SECONDS)
    return Failure(Fault.OURS, 500)


def failure_answer(failure: Failure, request: Request) -> Answer:
    """The page."""
    page = FailurePage(
        Frame(locale_of(request)),
        failure.fault,
        request.request_id,
        detail=failure.detail,
        wait_seconds=failure.retry_after_seconds,
        back=failure.back,
    )
    headers = page_headers()
    if failure.retry_after_seconds:
        headers = (*headers, (b"retry-after", b"%d" % failure.retry_after_seconds))
    return Answer(failure.status, headers, render_failure(page).encode())


def page_answer(html: str, headers: Headers, status: int = 200) -> Answer:
    """A page."""
    return Answer(status, headers, html.encode())


def redirect(address: str, *headers: tuple[bytes, bytes]) -> Answer:
    """303 See Other (RFC 9110 15.4.4): the browser goes there with GET. `address` is a URI of ASCII characters."""
    return Answer(303, ((b"location", address.encode("ascii")), *NO_STORE, *headers))


def parameter(request: Request, name: str) -> str:
    """What the address of the page says under this name; empty: nothing."""
    return parse_qs(request.query.decode("latin-1")).get(name, [""])[0]


def remembered_choice(request: Request) -> Headers:
    """The cookie that keeps the language a person chose on this page for all others; nothing when they chose none."""
    choice = parameter(request, CHOICE)
    return (set_cookie(LANGUAGE, choice, _YEAR_SECONDS),) if choice in tuple(Locale) else ()


def locale_of(request: Request, ui_locales: str = "") -> Locale:
    """The language of the answer; `ui_locales` is the application's wish."""
    return chosen_locale(
        choice=parameter(request, CHOICE),
        cookie=request.cookie(LANGUAGE),
        ui_locales=ui_locales,
        accept=request.one(b"accept-language") or "",
    )
