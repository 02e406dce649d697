"""The hygiene gate: what is not canonical is refused, not repaired; what only sumun may say is taken away.

Every call pays for this, so the common call pays little: two regular expressions describe a *good* request target
and *good* header fields, read once from left to right without going back (possessive quantifiers). Only what is
not so described is `odd` and looked at closely. Because the expressions say what is good, anything unforeseen, an
expression that gives up included, is odd, never fine.

Why not repair: two programs that read `/a/%2e%2e/b` differently are the bug (RFC 9110 17, "path-based attacks";
RFC 3986 6.2.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sumun.access.handover import OUR_COOKIES, OURS
from sumun.config.canonical import PATH
from sumun.config.plan import Limits
from sumun.haproxy.handshakes import IS_HANDSHAKE, TICKET_PARAMETER, take_credentials, tell_handshake
from sumun.haproxy.proofs import PROVING_SCHEME, take_proof
from sumun.haproxy.quoting import regex
from sumun.haproxy.refusals import (
    BAD_HEADER,
    BAD_HOST,
    BAD_REQUEST_TARGET,
    CODE,
    HEADER_TOO_LARGE,
    TWO_CREDENTIALS,
    refuse,
)
from sumun.haproxy.routes import ROUTE

ODD: Final = "txn.odd"
"""Is there and true when the request needs a closer look."""

WANTS_EVENTS: Final = f"{{ var({ODD}) -m bool }} {{ req.hdr(accept) -i -m beg text/event-stream }}"
"""The condition that an event stream is asked for, alone or among other types."""

REFUSED: Final = "str(refuse|-|)"
"""The answer that sends a request to the backend that refuses."""

_NO_TOKEN = rf"(?!access_token(?:[=&;]|\z)|{TICKET_PARAMETER})"

GOOD_TARGET: Final = rf"\A{PATH}(?:\?(?:{_NO_TOKEN}[!-%\x27-:<-~]*+[&;])*+{_NO_TOKEN}[!-%\x27-:<-~]*+)?+\z"
"""Path and query: canonical path, visible ASCII in the query, no credential in it (RFC 6750 2.3)."""

# RFC 9113 8.3.1 restricts :scheme to nothing. HAProxy would tell a service `GET ftp://gate.test/open/x`.
_STRANGE_SCHEME: Final = "{ fc_http_major 2 } !{ url -m beg http:// https:// }"

GOOD_PATH: Final = rf"\A{PATH}\z"

# What a client may not say: who it is; where it comes from (services believe these); what is between it and us only.
# By what other gateways say of callers, too (oauth2-proxy, Kong, Envoy, the recipes of nginx and Grafana; Client-Cert:
# RFC 9440 2.4): a service that stood behind one believes it still. Whatever begins so:
_TAKEN_AWAY_BEGIN: Final = (
    *(
        "x-sumun-",
        "x-user",
        "x-auth-request-",
        "x-authenticated-",
        "x-consumer-",
        "x-webauth-",
        "x-ssl-client-",
    ),
    *("ssl-client-", "client-cert", "forwarded", "x-forwarded", "x-envoy-", "cf-connecting-"),
    *("x-original-", "x-rewrite-", "x-http-method", "proxy-"),
)
_TAKEN_AWAY: Final = (
    *(name.lower() for name in OURS if not name.lower().startswith(_TAKEN_AWAY_BEGIN)),
    *("remote-user", "x-remote-user", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"),
    *("fastly-client-ip", "x-host", "x-method-override", "proxy", "keep-alive", "http2-settings", "trailer"),
)
_TAKEN_LINES: Final = (*_TAKEN_AWAY_BEGIN, *(f"{name}:" for name in _TAKEN_AWAY))
_VALUE = r"[^\x00-\x08\x0a-\x1f\x7f]*+\r\n"
# No empty label, so no dot at an end either: `shop.example.` is `shop.example` to who looks the name up, and would be
# another host to the routes.
_HOST = r"(?:[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)*+|\[[0-9A-Fa-f:.]++\])(?::[0-9]{1,5})?+\r\n"
_HAS_HOST = rf"(?=(?:[^\n]*+\n)*?host: {_HOST})"

GOOD_HOST: Final = rf"\A{_HAS_HOST}"

_SUBPROTOCOL = "sec-websocket-protocol"

# Also odd: a request for an event stream, because its service may stay silent for longer (`backends`).
_ODD_LINES = (
    *_TAKEN_LINES,
    *(f"{name}:" for name in ("upgrade", "transfer-encoding", "authorization", "dpop", _SUBPROTOCOL)),
    *(
        r"connection:(?! (?:close|keep-alive)\r)",
        r"te:(?! trailers\r)",
        r"expect:(?! 100-continue\r)",
        r"accept: [^\n]*(?i:text/event-stream)",
    ),
)


def _lines_without(lines: Iterable[str]) -> str:
    """Any number of header fields, none of which begins like one of `lines`.

    These are looked at by their first letters, because every field of every request is held against them.
    """
    by_first: dict[str, list[str]] = {}
    for line in sorted(lines):
        by_first.setdefault(line[0], []).append(line[1:])
    others = "".join(sorted({*"abcdefghijklmnopqrstuvwxyz0123456789"} - {*by_first}))
    refused = "|".join(f"{first}(?:{'|'.join(rests)})" for first, rests in by_first.items())
    return rf"(?:(?:[{others}-]|(?!{refused})[{''.join(by_first)}])[a-z0-9-]*+: {_VALUE})*+"


_LINES = _lines_without(_ODD_LINES)
_LINES_WITHOUT_OURS = _lines_without((*_ODD_LINES, rf"cookie: [^\n]*{OUR_COOKIES}"))


def good_header(token_bytes: int, *, browsers: bool = False) -> str:
    """All header fields: a good Host, at most one Authorization of bounded size, no odd line, no control character.

    `browsers`: a cookie of ours is nothing odd.
    """
    longest = token_bytes + len("Bearer ")
    lines = _LINES if browsers else _LINES_WITHOUT_OURS
    # A call that proves a key is looked at closely, and never known (`proofs`).
    authorization = rf"authorization: (?!{PROVING_SCHEME})[^\x00-\x08\x0a-\x1f\x7f,]{{0,{longest}}}+\r\n"
    return rf"\A{_HAS_HOST}{lines}(?:{authorization}{lines})?+\r\n\z"


_CLEAN_LINES = _lines_without(_TAKEN_LINES)
CLEAN_HEADER: Final = rf"\A{_HAS_HOST}{_CLEAN_LINES}\r\n\z"
"""What must be true of an odd request after everything was taken away."""


def mark_odd(limits: Limits, *, browsers: bool = False) -> list[str]:
    """The two rules that every request pays. `browsers`: a cookie of ours is nothing odd."""
    header = regex(good_header(limits.token_bytes, browsers=browsers))
    good = f"-m reg {regex(GOOD_TARGET)}"
    return [
        # Over HTTP/2 `url` is absolute, because that is how HAProxy keeps :scheme and :authority.
        (
            f"http-request set-var({ODD}) bool(true) "
            f"if !{{ url {good} }} {{ fc_http_major 1 }} or {{ fc_http_major 2 }} !{{ pathq {good} }} "
            f"or {_STRANGE_SCHEME}"
        ),
        f"http-request set-var({ODD}) bool(true) unless {{ req.hdrs -m reg {header} }}",
    ]


def judge_odd(limits: Limits) -> list[str]:
    """The rules that only odd requests come to: take away, then refuse what is still not clean.

    They stand behind the look-up of the route, and send what they refuse to the backend `refuse` instead.
    """
    return [
        tell_handshake(),
        *_refuse_target(),
        *_refuse_credentials(limits),
        *take_credentials(limits),
        *take_proof(),
        *_take_away(),
        *_refuse_header(),
        _to_refuse(),
    ]


def _refuse_target() -> list[str]:
    return [
        refuse(BAD_REQUEST_TARGET, f"if !{{ path -m reg {regex(GOOD_PATH)} }}"),
        refuse(BAD_REQUEST_TARGET, r"if { pathq -m reg '[^!-~]' }"),
        refuse(BAD_REQUEST_TARGET, f"if {_STRANGE_SCHEME}"),
        # RFC 9112 3.2.2: an absolute-form target is accepted; what was authorized is what is sent.
        f"http-request set-uri %[pathq] if {{ fc_http_major 1 }} !{{ url -m beg / }} !{{ var({CODE}) -m found }}",
    ]


def _refuse_credentials(limits: Limits) -> list[str]:
    longest = limits.token_bytes + len("Bearer ")
    return [
        refuse(HEADER_TOO_LARGE, f"if {{ req.fhdr(authorization) -m len gt {longest} }}"),
        refuse(TWO_CREDENTIALS, "if { req.fhdr_cnt(authorization) gt 1 }"),
        refuse(
            TWO_CREDENTIALS,
            "if { url_param(access_token) -m found } { req.hdr(authorization) -m found }",
        ),
        # A comma cuts a header field into values; a credential is never cut (RFC 9110 11.4), so it is taken
        # whole.
        (
            'http-request set-var(txn.cred) req.fhdr(authorization),\'regsub("^bearer +","",i)\' '
            "if { req.fhdr(authorization) -m reg -i '^bearer +[^ ]' }"
        ),
    ]


def _take_away() -> list[str]:
    return [
        # Names of other characters: `X_User_Id` and `X.User.Id` are X-User-Id to many services.
        "http-request del-header '[^A-Za-z0-9-]' -m reg",
        f"http-request del-header {regex(_taken_names())} -m reg",
        # RFC 9110 7.6.1: fields named in Connection would be removed by the next hop, the identity among them.
        "http-request del-header connection",
        "http-request del-header upgrade unless " + IS_HANDSHAKE,
        "http-request set-header connection upgrade if " + IS_HANDSHAKE,
        "http-request del-header te unless { req.hdr(te) -m str trailers }",
        # RFC 9110 10.1.1 knows one expectation; what a service makes of another decides where its next request begins.
        (
            "http-request del-header expect "
            "unless { req.fhdr_cnt(expect) eq 1 } { req.fhdr(expect) -i -m str 100-continue }"
        ),
        # Told in one spelling (RFC 9112 7: in any case): who knows no `Chunked` takes the body for a request.
        "http-request set-header transfer-encoding chunked if { req.hdr(transfer-encoding) -m found }",
    ]


def _taken_names() -> str:
    return f"^(?i:{'|'.join(_TAKEN_AWAY_BEGIN)}|(?:{'|'.join(_TAKEN_AWAY)})$)"


def _refuse_header() -> list[str]:
    return [
        refuse(BAD_HOST, f"if !{{ req.hdrs -m reg {regex(GOOD_HOST)} }}"),
        # RFC 9112 6.1: a message with Transfer-Encoding in HTTP/1.0 has faulty framing.
        refuse(BAD_HEADER, "if HTTP_1.0 { req.hdr(transfer-encoding) -m found }"),
        refuse(BAD_HEADER, f"if !{{ req.hdrs -m reg {regex(CLEAN_HEADER)} }}"),
    ]


def _to_refuse() -> str:
    return f"http-request set-var({ROUTE}) {REFUSED} if {{ var({CODE}) -m found }}"
