"""WebSocket handshakes: a browser cannot set Authorization on one, so two more places may hold a credential.

    Sec-WebSocket-Protocol: chat, sumun.bearer.TOKEN     a token among the subprotocols
    GET /chat?ticket=smn_wt_...                          a one-time ticket (`recognition/handshake_tickets.py`)

Both are taken out before a service sees the request, on public routes too. A handshake is odd, so an ordinary call pays
for none of this. What is not exactly of one of these forms is refused or is no credential; nothing is guessed.

A browser closes a connection whose answer chooses none of the subprotocols that it offered (WHATWG WebSockets,
"establish a WebSocket connection"), and the token must not be chosen. So a client whose service knows no subprotocol
offers `sumun` beside the token, and that is the answer then.
"""

from __future__ import annotations

from typing import Final

from sumun.config.plan import Limits
from sumun.haproxy.quoting import regex, word
from sumun.haproxy.refusals import (
    BAD_HEADER,
    BAD_REQUEST_TARGET,
    CODE,
    HEADER_TOO_LARGE,
    NOT_A_WEBSOCKET,
    ORIGIN_NOT_ALLOWED,
    TWO_CREDENTIALS,
    answer,
    refuse,
)

PROTOCOL: Final = "sumun"
"""The subprotocol that stands for none."""

IS_HANDSHAKE: Final = "{ var(txn.websocket) -m bool }"

HAS_TICKET: Final = "{ var(txn.ticket) -m bool }"
"""The credential is a ticket; true for handshakes only."""

TICKET_PARAMETER: Final = "ticket=smn_wt_"
"""A ticket in a query; `ticket=` with anything else is the service's own."""

_BEARER: Final = "sumun[.]bearer[.]"
# RFC 9110 5.6.2: what a subprotocol may be made of (RFC 6455 4.1). Every token of ours is.
_NAME: Final = r"[!#$%&\x27*+.^_`|~0-9A-Za-z-]++"
_LIST: Final = rf"\A{_NAME}(?:[ \t]*+,[ \t]*+{_NAME})*+\z"
_LINE: Final = "req.fhdr(sec-websocket-protocol)"
_THERE: Final = rf"(?:\A|\n)sec-websocket-protocol:[^\n]*{_BEARER}"
_HAS_TOKEN: Final = "{ var(txn.ws_token) -m bool }"
_IN_QUERY: Final = "{ var(txn.ticket_in_url) -m bool }"
_SAYS_PROTOCOL: Final = "{ var(txn.ws_sumun) -m bool }"
_REFUSED: Final = f"{{ var({CODE}) -m found }}"
_ORIGINS_IN_A_LINE: Final = 10


def tell_handshake() -> str:
    """What a handshake is (RFC 6455 4.1). HAProxy makes one of RFC 8441's CONNECT, too."""
    return (
        "http-request set-var(txn.websocket) bool(true) "
        "if { method GET } { req.hdr(upgrade) -i -m str websocket } { req.hdr_cnt(upgrade) eq 1 }"
    )


def take_credentials(limits: Limits) -> list[str]:
    """Find the credential of a handshake, refuse two, and take it out of the request. Sets `txn.cred`."""
    return [*_find(), *_refuse(limits), *_take_token_out(), *_take_ticket_out()]


def _find() -> list[str]:
    """Found in whatever spelling; taken in one."""
    token = regsub(f"^(?:.*[,[:blank:]])?{_BEARER}([^,[:blank:]]+)(?:[,[:blank:]].*)?$", r"\1")
    ticket = regsub("^(?:.*[&;])?ticket=(smn_wt_[^&;]*)(?:[&;].*)?$", r"\1")
    in_url = regex(f"(?:^|[&;]){TICKET_PARAMETER}")
    return [
        f"http-request del-header sec-websocket-protocol unless {IS_HANDSHAKE}",
        f"http-request set-var(txn.ws_token) bool(true) if {IS_HANDSHAKE} {{ req.hdrs -m reg -i {regex(_THERE)} }}",
        f"http-request set-var(txn.cred) {_LINE},{token} if {_HAS_TOKEN}",
        f"http-request set-var(txn.ticket_in_url) bool(true) if {{ query -m reg {in_url} }}",
        f"http-request set-var(txn.ticket) bool(true) if {IS_HANDSHAKE} {_IN_QUERY}",
        f"http-request set-var(txn.cred) query,{ticket} if {HAS_TICKET} !{_HAS_TOKEN}",
    ]


def _refuse(limits: Limits) -> list[str]:
    two_tokens = rf"{_THERE}[^\n]*{_BEARER}"
    two_tickets = f"(?:^|[&;]){TICKET_PARAMETER}.*[&;]{TICKET_PARAMETER}"
    header, parameter = "{ req.hdr(authorization) -m found }", "{ url_param(access_token) -m found }"
    whole = rf"(?:\A|[, \t]){_BEARER}[^, \t]"
    return [
        refuse(TWO_CREDENTIALS, f"if {_HAS_TOKEN} {{ req.hdrs -m reg -i {regex(two_tokens)} }}"),
        refuse(TWO_CREDENTIALS, f"if {_IN_QUERY} {{ query -m reg {regex(two_tickets)} }}"),
        *(
            refuse(TWO_CREDENTIALS, f"if {one} {other}")
            for one, other in (
                (_HAS_TOKEN, header),
                (_HAS_TOKEN, parameter),
                (_HAS_TOKEN, _IN_QUERY),
                (_IN_QUERY, header),
                (_IN_QUERY, parameter),
            )
        ),
        refuse(BAD_HEADER, f"if {_HAS_TOKEN} {{ req.fhdr_cnt(sec-websocket-protocol) gt 1 }}"),
        refuse(BAD_HEADER, f"if {_HAS_TOKEN} !{{ {_LINE} -m reg {regex(_LIST)} }}"),
        refuse(BAD_HEADER, f"if {_HAS_TOKEN} !{{ {_LINE} -m reg {regex(whole)} }}"),
        refuse(HEADER_TOO_LARGE, f"if {_HAS_TOKEN} {{ var(txn.cred) -m len gt {limits.token_bytes} }}"),
    ]


def _take_token_out() -> list[str]:
    """`sumun` and `sumun.bearer.TOKEN` go, the service's own subprotocols stay."""
    says = r"(?:\A|[, \t])sumun(?:[, \t]|\z)"
    without_blanks = regsub("[[:blank:]]*,[[:blank:]]*", ",", "g")
    without_ours = regsub("(^|,)sumun([.]bearer[.][^,]*)?(?=,|$)", "", "g")
    rest = f"{_LINE},{without_blanks},{without_ours},{regsub('^,+', '')}"
    one_line = "{ req.fhdr_cnt(sec-websocket-protocol) eq 1 }"
    good = "{ var(txn.ws_good) -m bool }"
    return [
        # Of a good list only: in another one, looking for blanks before a comma could take long.
        (
            f"http-request set-var(txn.ws_good) bool(true) if {IS_HANDSHAKE} !{_REFUSED} {one_line} "
            f"{{ {_LINE} -m reg {regex(_LIST)} }}"
        ),
        f"http-request set-var(txn.ws_sumun) bool(true) if {good} {{ {_LINE} -m reg {regex(says)} }}",
        f"http-request set-header sec-websocket-protocol %[{rest}] if {good} {_HAS_TOKEN} or {good} {_SAYS_PROTOCOL}",
        f"http-request del-header sec-websocket-protocol if {IS_HANDSHAKE} {{ {_LINE} -m len 0 }}",
        # Whatever went wrong above, a service never sees a token.
        refuse(BAD_HEADER, f"if {_HAS_TOKEN} {{ req.hdrs -m reg -i {regex(_THERE)} }}"),
    ]


def _take_ticket_out() -> list[str]:
    """`a=1&ticket=T` and `ticket=T&a=1` become `a=1`."""
    behind = regsub(f"[&;]{TICKET_PARAMETER}[^&;]*$", "")
    before = regsub(f"(^|[&;]){TICKET_PARAMETER}[^&;]*[&;]", r"\1", "g")
    return [
        f"http-request set-query %[query,{behind},{before}] if {_IN_QUERY}",
        f"http-request set-pathq %[path] if {_IN_QUERY} {{ query -m beg {TICKET_PARAMETER} }}",
        refuse(BAD_REQUEST_TARGET, f"if {_IN_QUERY} {{ query -m sub {TICKET_PARAMETER} }}"),
    ]


def regsub(pattern: str, by: str, flags: str = "") -> str:
    """The converter; the pattern has no quotes."""
    return f'\'regsub("{pattern}","{by}"{flags and ","}{flags})\''


def check_origin(origins: tuple[str, ...]) -> list[str]:
    """Lines of a service's backend: a page of another origin opens no WebSocket (RFC 6455 10.2).

    Who sends no Origin is no browser (RFC 6454 7.3), and is not concerned.
    """
    if not origins:
        return []
    some = [origins[i : i + _ORIGINS_IN_A_LINE] for i in range(0, len(origins), _ORIGINS_IN_A_LINE)]
    one = "{ req.fhdr_cnt(origin) eq 1 }"
    known = (f"{one} {{ req.fhdr(origin) -m str {' '.join(map(word, few))} }}" for few in some)
    foreign = f"{IS_HANDSHAKE} {{ req.fhdr(origin) -m found }} !{{ var(txn.home) -m bool }}"
    return [
        *(f"http-request set-var(txn.home) bool(true) if {IS_HANDSHAKE} {condition}" for condition in known),
        f"http-request set-var({CODE}) str({ORIGIN_NOT_ALLOWED.code}) if {foreign}",
        f"http-request return {answer(ORIGIN_NOT_ALLOWED)} if {foreign}",
    ]


def answer_protocol() -> str:
    """The line of a service's backend that chooses `sumun` when the service chose nothing."""
    return (
        f"http-response set-header Sec-WebSocket-Protocol {PROTOCOL} "
        f"if {{ status 101 }} {_SAYS_PROTOCOL} !{{ res.hdr(sec-websocket-protocol) -m found }}"
    )


def no_other_use_of_a_ticket() -> list[str]:
    """Lines of a service's backend: what a ticket asked for is a WebSocket, or the answer is not handed out."""
    otherwise = f"if {HAS_TICKET} {{ status lt 400 }} !{{ status 101 }}"
    return [
        f"http-response set-var({CODE}) str({NOT_A_WEBSOCKET.code}) {otherwise}",
        f"http-response return {answer(NOT_A_WEBSOCKET)} {otherwise}",
    ]
