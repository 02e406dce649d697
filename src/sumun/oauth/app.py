"""The OAuth server as a raw ASGI application: a small table of paths, bodies read within limits, errors made answers.

    scope, receive -> Request (read whole) -> endpoint -> Answer -> send

It stands behind HAProxy, which says in `X-Sumun-Source` who calls and in `X-Request-Id` how to name the call, and
removes both from what clients send. (A framework between the server and these few endpoints doubles their cost.)

What becomes of an error:   OAuthError    its status and code (`errors.STATUS`)
                            outage        503 `temporarily_unavailable` and Retry-After; never 401 or 403
                            anything else 500 `server_error` with the request id, and nothing of the exception
                           Where people look, the same as a page (`page_answers.failure_of`)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sumun.errors import OutageError, SumunError
from sumun.login.errors import LoginBusyError
from sumun.oauth.cross_origin import Readers, preflight_headers, reading_headers
from sumun.oauth.csrf import ForgedFormError
from sumun.oauth.errors import (
    STATUS,
    BodyTooLargeError,
    BodyTooSlowError,
    CallProofError,
    CallProofNonceError,
    InsufficientScopeError,
    InvalidClientError,
    InvalidTokenError,
    NoTokenError,
    OAuthError,
    ProofNonceError,
    SlowDownError,
)
from sumun.oauth.exchange import (
    NO_STORE,
    Answer,
    Headers,
    Request,
    for_the_log,
    json_answer,
    problem_answer,
)
from sumun.oauth.messages import MAX_BODY_BYTES
from sumun.oauth.page_answers import (
    OUTAGE_RETRY_SECONDS,
    PageError,
    failure_answer,
    failure_of,
    remembered_choice,
)
from sumun.tokens.errors import NoSigningKeyError
from sumun.tokens.signatures import NAMES

log = logging.getLogger(__name__)

# 64 KiB in ten seconds is 52 kbit/s: the worst mobile network does it, a connection held open on purpose does not.
BODY_DEADLINE_SECONDS = 10.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Endpoint(Protocol):
    """One thing that the OAuth server does."""

    async def answer(self, request: Request) -> Answer:
        """Answer one request. Raises OAuthError and OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class Mounted:
    """An endpoint and the methods it takes. With GET it takes HEAD too (RFC 9110 9.3.2).

    `below`: it stands at its path and at every path below it. `page`: people see what it says, errors too.
    `readers`: whose scripts may read what it says.
    """

    endpoint: Endpoint
    methods: tuple[str, ...]
    below: bool = False
    page: bool = False
    readers: Readers = Readers.NOBODY


POST = ("POST",)
_WITH_BODY = frozenset({"POST", "PUT"})
GET = ("GET", "HEAD")
GET_AND_POST = (*GET, *POST)
# Pages that begin or end something: a HEAD would do so, and show nothing.
PAGE = ("GET", "POST")


class _GoneError(Exception):
    """The client went away before its request was whole."""


class OAuthApp:
    """An ASGI application. `table` maps paths to endpoints."""

    def __init__(
        self,
        table: Mapping[str, Mounted],
        body_deadline_seconds: float = BODY_DEADLINE_SECONDS,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        """`body_deadline_seconds` bounds the whole body, not each piece of it.

        `origins`: those of applications that live in a browser (`cross_origin.Readers.CLIENTS`).
        """
        self._table = table
        self._origins = origins
        self._body_deadline_seconds = body_deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"the OAuth server speaks HTTP only, not {scope['type']!r}")
        mounted = self._table.get(scope["path"]) or self._above(scope["path"])
        try:
            answer = await self._answered(mounted, scope, receive)
        except _GoneError:
            return
        headers = [*answer.headers, (b"x-content-type-options", b"nosniff")]
        if mounted is not None and mounted.readers is not Readers.NOBODY:
            headers += self._for_other_origins(mounted, scope)
        if answer.status != 204:
            headers.append((b"content-length", b"%d" % len(answer.body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, mounted: Mounted | None, scope: Scope, receive: Receive) -> Answer:
        if mounted is None:
            return problem_answer(404, "not_found", "There is nothing at this path", _request_id(scope))
        if scope["method"] not in mounted.methods:
            return _other_method(mounted, scope)
        try:
            body = await self._body(scope, receive) if scope["method"] in _WITH_BODY else b""
            request = _request_of(scope, body)
            answer = await mounted.endpoint.answer(request)
            if mounted.page:
                answer = replace(answer, headers=(*answer.headers, *remembered_choice(request)))
            return answer
        except _GoneError:
            raise
        except Exception as error:
            if isinstance(error, OutageError | NoSigningKeyError):
                # Without an id it is HAProxy's own look whether we are well, twice a second.
                level = logging.WARNING if _request_id(scope) else logging.DEBUG
                log.log(level, "%s: not answered, request=%s: %s", scope["path"], _request_id(scope), error)
            elif not isinstance(error, OAuthError | PageError | ForgedFormError):
                log.exception("%s: our fault, request=%s", scope["path"], _request_id(scope))
            if mounted.page:
                answer = failure_answer(failure_of(error), _request_of(scope, b""))
            else:
                answer = _told(error, _request_id(scope))
            return replace(answer, headers=(*answer.headers, *_logged(error)))

    def _for_other_origins(self, mounted: Mounted, scope: Scope) -> Headers:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if scope["method"] == "OPTIONS":
            return preflight_headers(mounted.readers, origin, self._origins, mounted.methods)
        return reading_headers(mounted.readers, origin, self._origins)

    def _above(self, path: str) -> Mounted | None:
        """The endpoint of the nearest path above this one that takes what is below it."""
        while path:
            path = path.rpartition("/")[0]
            mounted = self._table.get(path)
            if mounted is not None and mounted.below:
                return mounted
        return None

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        _refuse_announced_size(scope)
        try:
            async with asyncio.timeout(self._body_deadline_seconds):
                return await _whole_body(receive)
        except TimeoutError:
            raise BodyTooSlowError("the body did not come in time") from None


def _told(error: Exception, request_id: str) -> Answer:
    """What a program is told of an error."""
    if isinstance(error, OAuthError):
        return refusal(error, request_id)
    if isinstance(error, OutageError | NoSigningKeyError):
        return _outage(error, request_id)
    members = {"error": "server_error", "error_description": "This is our fault; the request id names it"}
    return json_answer(500, members | {"request_id": request_id})


def _logged(error: Exception) -> Headers:
    """What the access log is told of an error."""
    if isinstance(error, OutageError | NoSigningKeyError):
        return for_the_log("temporarily_unavailable", error.code)
    return for_the_log(error.code if isinstance(error, SumunError) else "server_error")


def refusal(error: OAuthError, request_id: str) -> Answer:
    """The answer of RFC 6749 section 5.2."""
    headers: Headers = NO_STORE
    if isinstance(error, InvalidClientError):
        # RFC 6749 5.2 and RFC 9110 15.5.2: a 401 says how to authenticate. RFC 7617 2.1: in UTF-8.
        headers = (*headers, (b"www-authenticate", b'Basic realm="sumun", charset="UTF-8"'))
    elif isinstance(error, InvalidTokenError | CallProofError | CallProofNonceError):
        headers = (*headers, (b"www-authenticate", _challenge(error)))
    elif isinstance(error, InsufficientScopeError):
        headers = (*headers, (b"www-authenticate", b'Bearer realm="sumun", error="insufficient_scope"'))
    elif isinstance(error, SlowDownError):
        headers = (*headers, (b"retry-after", b"%d" % error.retry_after_seconds))
    elif isinstance(error, BodyTooLargeError | BodyTooSlowError):
        headers = (*headers, (b"connection", b"close"))  # the rest of the body is not read
    if isinstance(error, ProofNonceError):
        headers = (*headers, (b"dpop-nonce", error.nonce.encode("ascii")))
    members = {"error": error.code, "error_description": str(error), "request_id": request_id}
    return json_answer(STATUS[type(error)], members, headers)


def _challenge(error: OAuthError) -> bytes:
    """RFC 6750 3.1: no error code when no token was sent. RFC 9449 7.1: the algorithms, for who has to prove a key."""
    words = ['realm="sumun"']
    if not isinstance(error, NoTokenError):
        words.append(f'error="{error.code}"')
    dpop = not isinstance(error, InvalidTokenError) or error.dpop
    if dpop:
        words.append(f'algs="{" ".join(NAMES)}"')
    return f"{'DPoP' if dpop else 'Bearer'} {', '.join(words)}".encode("ascii")


def _outage(outage: Exception, request_id: str) -> Answer:
    seconds = outage.retry_after_seconds if isinstance(outage, LoginBusyError) else OUTAGE_RETRY_SECONDS
    members = {
        "error": "temporarily_unavailable",
        "error_description": "This could not be decided now; try again",
        "request_id": request_id,
    }
    return json_answer(503, members, (*NO_STORE, (b"retry-after", b"%d" % seconds)))


def _other_method(mounted: Mounted, scope: Scope) -> Answer:
    allow = ((b"allow", ", ".join((*mounted.methods, "OPTIONS")).encode()),)
    if scope["method"] == "OPTIONS":
        return Answer(204, allow)
    title = "This path does not take this method"
    return problem_answer(405, "method_not_allowed", title, _request_id(scope), allow)


def _request_of(scope: Scope, body: bytes) -> Request:
    """The request as a value. A server gives header names in lower case (ASGI specification)."""
    headers: dict[bytes, tuple[bytes, ...]] = {}
    for name, value in scope["headers"]:
        headers[name] = (*headers.get(name, ()), value)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        headers=headers,
        content_types=headers.get(b"content-type", ()),
        authorizations=tuple(value.decode("latin-1") for value in headers.get(b"authorization", ())),
        body=body,
        source=_last(headers, b"x-sumun-source"),
        request_id=_last(headers, b"x-request-id"),
    )


def _last(headers: Mapping[bytes, tuple[bytes, ...]], name: bytes) -> str:
    return headers[name][-1].decode("latin-1") if name in headers else ""


def _request_id(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")


def _refuse_announced_size(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value[:20]) > MAX_BODY_BYTES):
            raise BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")


async def _whole_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)
