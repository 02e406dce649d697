"""What pages of other origins may read (Fetch 3.2, CORS): applications in a browser talk to us by script. Pure.

    EVERYBODY   documents that anyone may have: metadata, public keys. Any origin
    CLIENTS     tokens and what they open: the origins of the redirect URIs of the configuration's public clients,
                letter by letter. Whoever may be sent a code may exchange it
    NOBODY      everything else; our own pages first of all

No answer allows credentials, so a browser lends no other origin our cookies. This protects what people's browsers read;
who is no browser needs no leave (and gets nothing without a token or a code).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from sumun.config.plan import Client, ClientKind

Headers = tuple[tuple[bytes, bytes], ...]

_PREFLIGHT_SECONDS: Final = 600
# What such applications send (RFC 6750 2.1, RFC 9449 4.1), and what they may read beside the body.
_SENT: Final = b"authorization, content-type, dpop"
_READ: Final = b"dpop-nonce, retry-after, www-authenticate"


class Readers(Enum):
    """Whose pages may read an answer."""

    NOBODY = "nobody"
    EVERYBODY = "everybody"
    CLIENTS = "clients"


def client_origins(clients: Iterable[Client]) -> frozenset[str]:
    """The origins of applications that may live in a browser: of those that have no secret to keep."""
    uris = (uri for client in clients if client.kind is ClientKind.PUBLIC for uri in client.redirect_uris)
    return frozenset(origin for uri in uris if (origin := origin_of(uri)) is not None)


def origin_of(uri: str) -> str | None:
    """The origin of a redirect URI (RFC 6454 4), as a browser writes it; None: an application's own scheme has none."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, usual) else f":{parts.port}")


def reading_headers(readers: Readers, origin: bytes | None, allowed: Collection[str]) -> Headers:
    """Header fields for an answer. `origin` is what the browser says of the page."""
    if readers is Readers.EVERYBODY:
        return ((b"access-control-allow-origin", b"*"),)
    if readers is Readers.NOBODY:
        return ()
    varies = ((b"vary", b"origin"),)
    if origin is None or origin.decode("latin-1") not in allowed:
        return varies
    return (*varies, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", _READ))


def preflight_headers(
    readers: Readers, origin: bytes | None, allowed: Collection[str], methods: Collection[str]
) -> Headers:
    """Header fields for the question that a browser asks before (Fetch 4.8)."""
    headers = reading_headers(readers, origin, allowed)
    if not any(name == b"access-control-allow-origin" for name, _ in headers):
        return headers
    return (
        *headers,
        (b"access-control-allow-methods", ", ".join(methods).encode("ascii")),
        (b"access-control-allow-headers", _SENT),
        (b"access-control-max-age", b"%d" % _PREFLIGHT_SECONDS),
    )
