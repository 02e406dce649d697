"""One HTTP exchange as values: a Request that was read whole, and the Answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

Headers = tuple[tuple[bytes, bytes], ...]
"""(name in lower case, value)."""

JSON: Headers = ((b"content-type", b"application/json"),)
PROBLEM: Headers = ((b"content-type", b"application/problem+json"),)  # RFC 9457
# RFC 6749 5.1: of every response with tokens, credentials or other sensitive information; refusals too.
NO_STORE: Headers = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))


@dataclass(frozen=True, slots=True)
class Request:
    """What an endpoint is told. `source` and `request_id` are HAProxy's words, empty when it did not say.

    `authorizations` and `content_types` are all the values of these headers; `headers` are those of every header, by
    names in lower case. None of them, nor the body, shows in repr.
    """

    method: str = "POST"
    path: str = "/"
    query: bytes = b""
    headers: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    content_types: tuple[bytes, ...] = ()
    authorizations: tuple[str, ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    source: str = ""
    request_id: str = ""

    def one(self, name: bytes) -> str | None:
        """The value of a header that is there exactly once; None otherwise. `name` in lower case."""
        values = self.headers.get(name, ())
        return values[0].decode("latin-1") if len(values) == 1 else None

    def cookie(self, name: str) -> str | None:
        """The value of a cookie (RFC 6265 5.4); None when it is not there, or there twice: which is ours?"""
        found = [
            value
            for line in self.headers.get(b"cookie", ())
            for pair in line.decode("latin-1").split(";")
            for key, separator, value in (pair.strip(" \t").partition("="),)
            if separator and key == name
        ]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body. The body never shows in repr: it may hold a token."""

    status: int
    headers: Headers
    body: bytes = field(default=b"", repr=False)


def json_answer(status: int, members: Mapping[str, Any], headers: Headers = NO_STORE) -> Answer:
    """A JSON object."""
    return Answer(status, JSON + headers, _encode(members))


def problem_answer(status: int, code: str, title: str, request_id: str, headers: Headers = ()) -> Answer:
    """A refusal that is not OAuth's: RFC 9457, with the members that every refusal of the gateway has."""
    members = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "request_id": request_id,
    }
    return Answer(status, PROBLEM + NO_STORE[:1] + headers + for_the_log(code), _encode(members))


def for_the_log(code: str, why: str = "") -> Headers:
    """What the access log is told of a refusal: the stable code, and the detail. HAProxy takes it out of the answer."""
    named = ((b"x-sumun-code", code), (b"x-sumun-why", why))
    return tuple((name, text.encode("ascii")) for name, text in named if text)
