"""How a request finds its service, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from sumun.access import Access, Requirement, TokenKind
from sumun.config.plan.place import NOWHERE, Place
from sumun.config.plan.rate import Rate

# The methods a route can name; HAProxy refuses every other one before any route is looked at (CONNECT and TRACE too).
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# Our own paths: these and all below them are never a route's. They win over a template or a prefix that reaches them.
OWN_PATHS = ("/.well-known", "/account", "/healthz", "/login", "/oauth")


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a route might ask one day. It is evaluated beside what the route asks, and only reported."""

    requirement: Requirement
    kinds: frozenset[TokenKind]
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How a request finds its service and what it needs.

    `path` is as written: exact `/products`, template `/products/{id}`, prefix `/files/**` (the prefix itself included).
    `host` is lower case or empty for any host. `methods` is sorted; empty means every one of METHODS.
    Which route serves a request when several match: `config.precedence`.
    `keeps_authorization` forwards the Authorization header to the service (by name, off by default).
    `stream`: its answers may go on for long, whatever the request looks like (docs/streams.md).
    `limit` is how often one caller may call it (on a public or internal route: one source).
    `audience` is its service's.
    """

    id: str
    host: str
    path: str
    methods: tuple[str, ...]
    service: str
    access: Access
    requirement: Requirement
    kinds: frozenset[TokenKind]
    keeps_authorization: bool = False
    stream: bool = False
    limit: Rate | None = None
    shadow: Shadow | None = None
    audience: str | None = None
    where: Place = field(default=NOWHERE, compare=False)
