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

    `authorizations` and `content_types` are all the values of these headers; neither they nor the body show in repr.
    """

    query: bytes = b""
    content_types: tuple[bytes, ...] = ()
    authorizations: tuple[str, ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    source: str = ""
    request_id: str = ""


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
    return Answer(status, PROBLEM + NO_STORE[:1] + headers, _encode(members))
