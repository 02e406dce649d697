"""What is behind the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sumun.config.plan.place import NOWHERE, Place


class ServiceProtocol(StrEnum):
    """What a service speaks: `http://` and `https://` HTTP/1.1 (WebSocket, SSE), `h2c://` HTTP/2 without TLS (gRPC)."""

    HTTP = "http"
    HTTPS = "https"
    H2C = "h2c"


class IdentityToken(StrEnum):
    """Whether a service is handed a signed identity token. AUTO: unless it is on loopback."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


ANY_ORIGIN = "*"
"""Pages of every origin, alone in a list of origins."""


@dataclass(frozen=True, slots=True)
class Cors:
    """Whose pages may call a service and read what it answers (Fetch 3.2); the gate says so in its place.

    `origins` as browsers write them, or ANY_ORIGIN alone. `headers` are those that pages may send, `expose` those that
    they may read, beside what every service has (`haproxy/cors.py`). `max_age_seconds`: a browser need not ask again.
    """

    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age_seconds: int = 600


@dataclass(frozen=True, slots=True)
class Service:
    """What is behind the gateway. `servers`: (host, port); `signed`: it is handed identity tokens (AUTO resolved).

    `origins`: whose pages may open WebSockets, as browsers write them; empty: all.
    `audience`: its name as a resource (RFC 8707), a URI; None: only tokens for the whole gateway are for it.
    `refuse_trailers`: it takes trailer fields for header fields.
    `cors`: None: whether pages of other origins may call it is its own affair.
    """

    id: str
    protocol: ServiceProtocol
    servers: tuple[tuple[str, int], ...]
    signed: bool
    connect_timeout_ms: int
    response_timeout_ms: int
    stream_timeout_ms: int
    origins: tuple[str, ...] = ()
    audience: str | None = None
    refuse_trailers: bool = False
    cors: Cors | None = None
    where: Place = field(default=NOWHERE, compare=False)
