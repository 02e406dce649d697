"""Plans for tests of the gate: what `config` would make of a YAML file, written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sumun.access import ALWAYS, TOKENS, Access
from sumun.config.plan import (
    Address,
    Limits,
    NodeSettings,
    Place,
    Plan,
    Route,
    Service,
    ServiceProtocol,
    TokenSettings,
)

YAML = "sumun.yaml"


def service(
    name: str, port: int, protocol: ServiceProtocol = ServiceProtocol.HTTP, **changes: Any
) -> Service:
    """A service on loopback."""
    values: dict[str, Any] = {
        "servers": (("127.0.0.1", port),),
        "signed": False,
        "connect_timeout_ms": 500,
        "response_timeout_ms": 1500,
        "stream_timeout_ms": 20_000,
        "where": Place(YAML, 3, 5),
    }
    return Service(name, protocol, **(values | changes))


def route(name: str, path: str, to: str, *methods: str, **changes: Any) -> Route:
    """A route; protected unless told otherwise."""
    values: dict[str, Any] = {
        "host": "",
        "access": Access.PROTECTED,
        "requirement": ALWAYS,
        "kinds": TOKENS,
        "where": Place(YAML, 10, 5),
    }
    return Route(id=name, path=path, service=to, methods=tuple(sorted(methods)), **(values | changes))


def limits(**changes: Any) -> Limits:
    """Limits for tests: short times."""
    values: dict[str, Any] = {
        "header_bytes": 15_360,
        "token_bytes": 8192,
        "max_connections": 1000,
        "client_timeout_ms": 5000,
        "request_timeout_ms": 2000,
        "decision_timeout_ms": 500,
        "old_workers": 4,
        "old_worker_lifetime_ms": 60_000,
        "password_checks_at_once": 1,
        "password_checks_waiting": 1,
        "login_failures_per_account_and_source": 1,
        "login_failures_total": 1,
        "login_window_seconds": 1,
        "wrong_tokens_per_source": 1000,
        "waiting_per_source": 1000,
        "waiting_total": 1000,
    }
    return Limits(**(values | changes))


def plan(
    listen: int,
    services: Iterable[Service],
    routes: Iterable[Route],
    *,
    internal: int | None = None,
    operator: int | None = None,
    bounds: Limits | None = None,
    answerers: int = 1,
) -> Plan:
    """A plan that listens on loopback."""
    return Plan(
        listen=_loopback(listen, 1),
        internal=None if internal is None else _loopback(internal, 2),
        operator=None if operator is None else _loopback(operator, 3),
        services={one.id: one for one in services},
        roles={},
        routes=tuple(routes),
        login=("password",),
        authenticators={},
        clients={},
        tokens=TokenSettings("https://issuer.test", "sumun", 900, 900, "ES256", 60),
        limits=bounds or limits(),
        node=NodeSettings(answerers, 1, "", None, None, 10),
    )


def _loopback(port: int, line: int) -> Address:
    return Address("127.0.0.1", port, Place(YAML, line, 9))
