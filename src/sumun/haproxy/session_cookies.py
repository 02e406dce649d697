"""The cookie of a browser session: a credential on routes that take it, and nothing that a service ever sees.

A browser sends its cookies with every request to a host, whoever made it send one. So

- the cookie counts only on a route that says so, and only when there is no other credential: a page that sends a token
  means the token (`Authorization` of whatever scheme, a token among the subprotocols, a ticket);
- a request that may change something must come from a page of this very host (OWASP, CSRF): by its Origin, or by
  Sec-Fetch-Site, which no page can set; and so must every WebSocket handshake, by its Origin, unless the service lists
  that one (`services.NAME.websocket.origins`). SameSite=Lax alone lets pages of sibling hosts through.

Cookies are separated by semicolons, which no value can hold, and by nothing else (RFC 6265 4.2.1). HAProxy's own
`req.cook` takes a comma for one as well; then a neighbouring host, which may set the cookie
`a=1,__Host-sumun_session=...` for both, would log people in as somebody else.

What is kept of a session is asked again in time, because asking shows that it is in use (`SessionSettings`). So its
name has the number of the span of time in it: in the next span it is another one, and no stale row is in the way.
"""

from __future__ import annotations

from typing import Final

from sumun.access.handover import OUR_COOKIES, SESSION_COOKIE
from sumun.config.plan import Plan
from sumun.haproxy.gate import ODD, REFUSED
from sumun.haproxy.handshakes import IS_HANDSHAKE, regsub
from sumun.haproxy.quoting import regex
from sumun.haproxy.refusal_pages import HERE, NAVIGATES, remember_here
from sumun.haproxy.refusals import CODE, NO_STORE, ORIGIN_NOT_ALLOWED, TWO_CREDENTIALS, answer, refuse
from sumun.haproxy.render_spoe import PREFIX, SPAN
from sumun.haproxy.routes import ROUTE, TAKES_SESSION, has_flag

_COOKIE: Final = "txn.session"
HAS_SESSION: Final = f"{{ var({_COOKIE}) -m found }}"
KEY: Final = f"var({_COOKIE}),concat(|session|,{SPAN}),sha2(256),hex"
"""What a fact about a session is called (`identity.Credential.fingerprint`)."""

_LINE: Final = "req.fhdr(cookie)"
_PAIR: Final = f"[[:blank:]]*{SESSION_COOKIE}=[0-9A-Za-z_]+[[:blank:]]*"
_THERE: Final = f"{{ req.fhdr_cnt(cookie) eq 1 }} {{ {_LINE} -m reg {regex(f'(?:^|;){_PAIR}(?:;|$)')} }}"
_TWICE: Final = (
    f"{{ {_LINE} -m reg {regex(f'(?:^|;)[[:blank:]]*{SESSION_COOKIE}=.*;[[:blank:]]*{SESSION_COOKIE}=')} }}"
)
_VALUE: Final = regsub(f"^(?:.*;)?[[:blank:]]*{SESSION_COOKIE}=([0-9A-Za-z_]+)[[:blank:]]*(?:;.*)?$", r"\1")
_IS_CREDENTIAL: Final = "{ var(txn.kind) -m str session }"
NO_OTHER_CREDENTIAL: Final = "{ var(txn.kind) -m str none session }"
"""The condition of a call that was asked about with this cookie, or with nothing."""

_HOME: Final = "txn.our_origin"
_ONE_ORIGIN: Final = "{ req.fhdr_cnt(origin) eq 1 }"
_FROM_HERE: Final = f"{{ req.fhdr(origin),strcmp({_HOME}) eq 0 }}"


def take(plan: Plan) -> list[str]:
    """Rules of a frontend between the route and what is known: the cookie, if it is the credential of this call.

    A call that must not be made with it is sent to the backend `refuse`.
    """
    span = plan.sessions.kept_seconds
    unsafe = f"{HAS_SESSION} !{{ method GET HEAD OPTIONS }}"
    same_origin = "{ req.fhdr_cnt(sec-fetch-site) eq 1 } { req.fhdr(sec-fetch-site) -m str same-origin }"
    here = "{ var(txn.from_here) -m bool }"
    return [
        (
            f"http-request set-var({_COOKIE}) {_LINE},{_VALUE} "
            f"if {has_flag(TAKES_SESSION)} !{{ req.fhdr(authorization) -m found }} {_THERE}"
        ),
        f"http-request set-var({SPAN}) date(),div({span}),concat() if {HAS_SESSION}",
        refuse(TWO_CREDENTIALS, f"if {HAS_SESSION} {_TWICE}"),
        f"http-request set-var({_HOME}) {_our_origin(plan)} if {unsafe}",
        f"http-request set-var(txn.from_here) bool(true) if {unsafe} {_ONE_ORIGIN} {_FROM_HERE}",
        f"http-request set-var(txn.from_here) bool(true) if {unsafe} {same_origin}",
        refuse(ORIGIN_NOT_ALLOWED, f"if {unsafe} !{here}"),
        f"http-request set-var({ROUTE}) {REFUSED} if {HAS_SESSION} {{ var({CODE}) -m found }}",
    ]


def _our_origin(plan: Plan) -> str:
    """The origin of pages of this host, as a browser writes it (RFC 6454 6.2): we are called as the issuer is."""
    scheme = plan.tokens.issuer.partition("://")[0]
    return f"str({scheme}://),concat(,txn.host),lower"


def as_credential(plan: Plan) -> list[str]:
    """Rules of a backend that asks, behind those for other credentials: they win."""
    foreign = f"{IS_HANDSHAKE} {_IS_CREDENTIAL} !{{ var(txn.home) -m bool }}"
    return [
        f"http-request set-var(txn.kind) str(session) if {HAS_SESSION} {{ var(txn.kind) -m str none }}",
        f"http-request set-var(txn.cred) var({_COOKIE}) if {_IS_CREDENTIAL}",
        f"http-request set-var({_HOME}) {_our_origin(plan)} if {IS_HANDSHAKE} {_IS_CREDENTIAL}",
        f"http-request set-var(txn.home) bool(true) if {IS_HANDSHAKE} {_IS_CREDENTIAL} {_ONE_ORIGIN} {_FROM_HERE}",
        f"http-request set-var({CODE}) str({ORIGIN_NOT_ALLOWED.code}) if {foreign}",
        f"http-request return {answer(ORIGIN_NOT_ALLOWED)} if {foreign}",
    ]


def to_login() -> list[str]:
    """The rules of a backend that asks: a person who came with a browser, and is not logged in, is sent to log in.

    What comes from a program or a script is told 401.
    """
    nobody = f"{NAVIGATES} {{ var(txn.{PREFIX}.status) -m int 401 }}"
    there = f'status 302 {NO_STORE} hdr Location "/login/start?return=%[var({HERE})]"'
    return [*remember_here(nobody), f"http-request return {there} if {nobody}"]


def keep_ours(*, browsers: bool) -> list[str]:
    """Rules of a backend before its service: no cookie of ours goes on, every other one does.

    Where no browser logs in a request with one is odd, and only such a request pays for this. Where they do, no service
    sets one either: it could log a browser in as somebody else.
    """
    odd = "" if browsers else f"{{ var({ODD}) -m bool }} "
    ours = "{ var(txn.ours) -m bool }"
    rest = f"{regsub(f'(^|;)[[:blank:]]*{OUR_COOKIES}[^;]*', '', 'g')},{regsub('^;?[[:blank:]]*', '')}"
    return [
        f"http-request set-var(txn.ours) bool(true) if {odd}{{ req.fhdr(cookie) -m sub {OUR_COOKIES} }}",
        # A browser sends one field (RFC 6265 5.4), and HAProxy makes one of what comes over HTTP/2.
        f"http-request del-header cookie if {ours} {{ req.fhdr_cnt(cookie) gt 1 }}",
        f"http-request set-header cookie %[req.fhdr(cookie),{rest}] if {ours} {{ req.fhdr(cookie) -m found }}",
        f"http-request del-header cookie if {ours} {{ req.fhdr(cookie) -m len 0 }}",
        *(
            [f"http-response del-header set-cookie if {{ res.fhdr(set-cookie) -m sub {OUR_COOKIES} }}"]
            * browsers
        ),
    ]
