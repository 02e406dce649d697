"""The refusals that HAProxy makes alone, and how any refusal is written.

Every refusal is `application/problem+json` (RFC 9457) with a stable `code` and the request's id, and is not to be
stored by caches. A gRPC caller gets a trailers-only answer instead: HTTP 200 with `grpc-status` (gRPC over
HTTP/2, "Responses"). Sentences are ours, and say nothing about what stands behind the gate.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumun.haproxy.sections import File, Line

PROBLEM = "content-type application/problem+json"
NO_STORE = "hdr Cache-Control no-store"
CODE = "txn.code"
"""The stable code of a refusal: for the answer and for the access log."""

IS_GRPC = "{ req.hdr(content-type) -m beg application/grpc }"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal. `headers` are more `hdr name value` words."""

    code: str
    status: int
    title: str
    headers: str = ""


OVER = "txn.over"
"""The limit that refuses a call: `name|calls|window|wait`, in seconds (`rates`)."""

_OVER = "%[var(txn.over),field({},|)]"

BAD_REQUEST_TARGET = Refusal("bad_request_target", 400, "The request target is not in canonical form")
BAD_HEADER = Refusal("bad_header", 400, "A header field is not acceptable")
BAD_HOST = Refusal("bad_host", 400, "The Host header field is missing or not a host name")
TWO_CREDENTIALS = Refusal("two_credentials", 400, "The request carries more than one credential")
ROUTE_NOT_FOUND = Refusal("route_not_found", 404, "There is nothing here")
METHOD_NOT_ALLOWED = Refusal(
    "method_not_allowed", 405, "This method is not allowed here", "hdr Allow %[var(txn.methods)]"
)
# RFC 9110 10.2.3 and draft-ietf-httpapi-ratelimit-headers-11.
_LIMIT_FIELDS = (
    f"hdr Retry-After {_OVER.format(4)} "
    f"""hdr RateLimit-Policy '"{_OVER.format(1)}";q={_OVER.format(2)};w={_OVER.format(3)}' """
    f"""hdr RateLimit '"{_OVER.format(1)}";r=0;t={_OVER.format(4)}'"""
)
TOO_MANY_REQUESTS = Refusal("too_many_requests", 429, "Too many requests; try again later", _LIMIT_FIELDS)
QUOTA_USED_UP = Refusal("quota_used_up", 429, "The quota of this client is used up for today", _LIMIT_FIELDS)
HEADER_TOO_LARGE = Refusal("header_too_large", 431, "A header field is too large")
DECISION_UNAVAILABLE = Refusal("decision_unavailable", 503, "Not decided; try again", "hdr Retry-After 1")
SERVICE_UNAVAILABLE = Refusal(
    "service_unavailable", 503, "The service is not available; try again", "hdr Retry-After 1"
)
SERVICE_TIMEOUT = Refusal("service_timeout", 504, "The service did not answer in time")
BAD_SERVICE_RESPONSE = Refusal("bad_service_response", 502, "The service did not answer as it should")
ORIGIN_NOT_ALLOWED = Refusal("origin_not_allowed", 403, "Pages of this origin may not do this here")
CROSS_ORIGIN_NOT_ALLOWED = Refusal(
    "cross_origin_not_allowed", 403, "Pages of this origin may not call this", "hdr Vary Origin"
)
TLS_REQUIRED = Refusal("tls_required", 403, "Use https; what was sent here could be read on the way")
NOT_A_WEBSOCKET = Refusal("not_a_websocket", 400, "A ticket opens a WebSocket and nothing else")
REQUEST_TIMEOUT = Refusal("request_timeout", 408, "The request did not arrive in time")
BAD_REQUEST = Refusal("bad_request", 400, "The request could not be understood")
REQUEST_TOO_LARGE = Refusal("request_too_large", 413, "The request is too large")
INTERNAL_ERROR = Refusal("internal_error", 500, "The gate could not handle the request")

ALONE = (
    BAD_REQUEST_TARGET,
    BAD_HEADER,
    BAD_HOST,
    TWO_CREDENTIALS,
    ROUTE_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    HEADER_TOO_LARGE,
)
"""What the backend `refuse` answers."""

ALONE_WITH_SESSIONS = (*ALONE, ORIGIN_NOT_ALLOWED)
"""The same where some route takes the cookie of a session."""

GRPC_STATUS = {400: 13, 401: 16, 403: 7, 404: 12, 405: 12, 429: 8, 431: 8, 503: 14}
"""HTTP status -> gRPC status, as gRPC's own table has it (http-grpc-status-mapping), 429 and 431 as RESOURCE_EXHAUSTED.
"""


def refuse(refusal: Refusal, condition: str) -> str:
    """The rule that sets the code of a refusal, `if` and its condition. The first code that is set stays."""
    return f"http-request set-var({CODE}) str({refusal.code}) {condition} !{{ var({CODE}) -m found }}"


def body(title: str, status: str, code: str) -> str:
    """The JSON of a problem as a log-format word. The three are put in as they are: JSON-safe texts or
    `%[…,json(utf8s)]`.
    """
    return (
        f'\'{{"type":"about:blank","title":"{title}","status":{status},"code":"{code}",'
        '"request_id":"%[unique-id]"}\''
    )


def answer(refusal: Refusal) -> str:
    """The words of `http-request return` that write this refusal."""
    headers = f" {refusal.headers}" if refusal.headers else ""
    text = body(refusal.title, str(refusal.status), refusal.code)
    return f"status {refusal.status} {PROBLEM} {NO_STORE}{headers} lf-string {text}"


def grpc_answer(grpc_status: int, message: str) -> str:
    """The words of `http-request return` for a trailers-only answer. The content type is added by
    `GRPC_CONTENT_TYPE`.
    """
    return f"status 200 {NO_STORE} hdr grpc-status {grpc_status} hdr grpc-message {message}"


GRPC_CONTENT_TYPE = (
    "http-after-response set-header Content-Type application/grpc "
    "if { var(txn.grpc) -m bool } { res.hdr(grpc-status) -m found } !{ res.hdr(content-type) -m found }"
)
"""HAProxy drops the content type of an answer without a body, so it is put back behind it."""


def made_by_haproxy() -> list[str]:
    """What HAProxy answers by itself in this proxy, in the form of our own refusals."""
    behind = (INTERNAL_ERROR, BAD_SERVICE_RESPONSE, SERVICE_UNAVAILABLE, SERVICE_TIMEOUT)
    return [f"errorfile {refusal.status} {error_file(refusal).name}" for refusal in UNREAD] + [
        f"http-error {answer(refusal)}" for refusal in behind
    ]


_PHRASES = {400: "Bad Request", 408: "Request Timeout", 413: "Content Too Large"}
"""RFC 9110 15.5. Not http.HTTPStatus: Python 3.13 reworded its phrases, and a generation must not depend on Python."""

UNREAD = (BAD_REQUEST, REQUEST_TIMEOUT, REQUEST_TOO_LARGE)
"""What HAProxy's parser refuses. It never becomes a request, so it has no id, and the answer is a file.

HAProxy 2.6 has words of its own for most of it, whatever is configured.
"""


def error_file(refusal: Refusal) -> File:
    """A whole response, as `errorfile` wants it."""
    text = f'{{"type":"about:blank","title":"{refusal.title}","status":{refusal.status},"code":"{refusal.code}"}}'
    head = (
        f"HTTP/1.1 {refusal.status} {_PHRASES[refusal.status]}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(text) + 1}",
        "Cache-Control: no-store",
        "Connection: close",
        "",
    )
    return File(f"{refusal.status}.http", tuple(Line(line) for line in (*head, text)))
