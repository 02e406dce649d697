"""The settings of CORS: whose pages may call a service and read what it answers."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from sumun.config.network import host_of, is_loopback, parse_origin
from sumun.config.plan import ANY_ORIGIN
from sumun.config.refused import RefusedError
from sumun.config.values import Duration, Marker, Reading, Section, Text, text_of

_ALLOWED = 'https://HOST, http:// on this machine, or "*" alone'
_AS_WRITTEN = "is not written as browsers write it, letter by letter"


def parse_page_origin(text: str) -> str:
    """An origin as a browser sends it (RFC 6454 6.2), or ANY_ORIGIN. Raises RefusedError."""
    if text == ANY_ORIGIN:
        return text
    if text == "null":
        raise RefusedError("is what every file and every sandboxed frame says: it names nobody", _ALLOWED)
    if ANY_ORIGIN in text:
        raise RefusedError(
            "has a * in it, and origins are compared letter by letter", _ALLOWED, "list each one"
        )
    lower = text.lower()
    if lower != text and re.fullmatch(r"https?://[^/?#]+", lower):
        raise RefusedError(_AS_WRITTEN, _ALLOWED, f"write {parse_page_origin(lower)}")
    origin = parse_origin(text)
    host = host_of(origin)
    if ":" in host and (short := str(ipaddress.ip_address(host))) != host:
        raise RefusedError(_AS_WRITTEN, _ALLOWED, f"write {origin.replace(host, short)}")
    if origin.startswith("http:") and not is_loopback(host):
        what = "comes in clear: whoever is on the way could put a script of his own into its pages"
        raise RefusedError(what, _ALLOWED, "use https")
    return origin


@dataclass(frozen=True, eq=False)
class PageOrigin(Marker[str]):
    """Scheme, host and port of pages, or `*`."""

    word: str = "origin"

    def read(self, raw: object, reading: Reading) -> str:
        """The text, checked."""
        return parse_page_origin(text_of(raw, "an origin such as https://app.example.com"))


_HeaderName = Annotated[
    str, Text("header field", r"[A-Za-z][A-Za-z0-9-]{0,39}", "1 to 40 letters, digits and -, a letter first")
]


class CorsSettings(Section):
    """CORS of a service, which the gate does in its place."""

    origins: list[Annotated[str, PageOrigin()]] = Field(
        description='Whose pages may: letter by letter as browsers write them. `"*"` alone is every page there is, '
        "which is no more than every program may; cookies count for none of them.",
        examples=["[https://app.example.com]"],
    )
    headers: list[_HeaderName] = Field(
        [],
        description="Header fields that pages may send, beside `Accept`, `Authorization`, `Content-Type`, `DPoP`, "
        "`Idempotency-Key`, `If-Match`, `If-None-Match` and `Last-Event-ID`.",
        examples=["[X-Tenant]"],
    )
    expose: list[_HeaderName] = Field(
        [],
        description="Header fields of answers that pages may read, beside `ETag` and what the gate says itself "
        "(`X-Request-Id`, `WWW-Authenticate`, `Retry-After`, ...).",
        examples=["[X-Total-Count]"],
    )
    max_age: Annotated[int, Duration("0s", "1d", seconds=True)] = Field(
        600,
        description="For how long a browser need not ask again before it calls; browsers have bounds of their own.",
        examples=["1h"],
    )
