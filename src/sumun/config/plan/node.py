"""How one node runs, and the bounds it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.config.plan.rate import Rate
from sumun.config.plan.secret_ref import SecretRef

_LEAST_STORE_DEADLINE_MS = 250


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds with a name. Sizes in bytes, times in milliseconds. A rate that is None is no bound."""

    header_bytes: int
    token_bytes: int
    max_connections: int
    client_timeout_ms: int
    request_timeout_ms: int
    decision_timeout_ms: int
    old_workers: int
    old_worker_lifetime_ms: int
    password_checks_at_once: int
    password_checks_waiting: int
    login_failures_per_account_and_source: int
    login_failures_total: int
    login_window_seconds: int
    wrong_tokens_per_source: int
    waiting_per_source: int
    waiting_total: int
    per_source: Rate | None = None
    per_person: Rate | None = None
    per_client: Rate | None = None

    @property
    def answer_deadline_seconds(self) -> float:
        """For an answer to HAProxy: even an empty one must be there before HAProxy stops waiting."""
        return self.decision_timeout_ms * 0.8 / 1000

    @property
    def store_deadline_seconds(self) -> float:
        """For one command to the store: there must be time left to answer that it is away."""
        return max(self.decision_timeout_ms / 2, _LEAST_STORE_DEADLINE_MS) / 1000


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How this node runs.

    `store`: None is the embedded one, else where the valkey/redis URL is read. `directory`: None is SQLite in the
    data folder, else where the SQLAlchemy URL is read. `run_as`: empty is the first ordinary user found.
    """

    answerers: int
    haproxy_threads: int
    run_as: str
    store: SecretRef | None
    directory: SecretRef | None
    serve_known_for_seconds: int
    kept_facts: int = 1_000_000
