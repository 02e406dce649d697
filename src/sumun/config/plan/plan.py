"""The whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sumun.access import TokenKind
from sumun.config.plan.clients import Client, Registration
from sumun.config.plan.listeners import Address, Tls
from sumun.config.plan.logins import Authenticator, SessionSettings
from sumun.config.plan.node import Limits, NodeSettings
from sumun.config.plan.place import Note
from sumun.config.plan.routes import Route
from sumun.config.plan.sentence import Sentence
from sumun.config.plan.services import Service
from sumun.config.plan.tokens import TokenSettings
from sumun.identity import Permission


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole configuration. Mappings keep the order of the file and cannot be written to.

    `permissions` is the vocabulary: permission -> what it means, in words for people; empty when none is declared.
    `tls` is of the listeners that speak it, by name: `public`, `internal`, `operator`. `notes` are for `sumun check`.
    """

    listen: Address
    internal: Address | None
    operator: Address | None
    services: Mapping[str, Service]
    roles: Mapping[str, frozenset[Permission]]
    routes: tuple[Route, ...]
    login: tuple[str, ...]
    authenticators: Mapping[str, Authenticator]
    clients: Mapping[str, Client]
    tokens: TokenSettings
    limits: Limits
    node: NodeSettings
    sessions: SessionSettings = field(default_factory=SessionSettings)
    permissions: Mapping[str, Sentence] = field(default_factory=dict)
    tls: Mapping[str, Tls] = field(default_factory=dict)
    registration: Registration | None = None
    notes: tuple[Note, ...] = field(default=(), compare=False)


def takes_sessions(plan: Plan) -> bool:
    """Whether the cookie of a browser session is a credential on some route."""
    return any(TokenKind.SESSION in route.kinds for route in plan.routes)


def has_browsers(plan: Plan) -> bool:
    """Whether people log in with browsers here: on some route itself, or for some client of the file."""
    return takes_sessions(plan) or any("authorization_code" in one.grants for one in plan.clients.values())
