"""The sections `global` and `defaults`: what holds for the whole process.

Maps and the SPOE file are named without a folder, so a generation is the same text wherever it lies: HAProxy is
started with `-C <the generation's folder>`. (`default-path config` would do, but 2.6 forgets it after the first
SPOE file.)
"""

from __future__ import annotations

from typing import Final

from sumun.config.plan import Plan
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.quoting import name, word
from sumun.haproxy.refusals import made_by_haproxy
from sumun.haproxy.sections import Section, section
from sumun.haproxy.tls import REWRITE_BYTES, asks_for_certificates, global_lines
from sumun.haproxy.trailers import load_filter

_HEADER_BYTES: Final = 1024
"""HAProxy keeps this much of a buffer free for the headers that we add (tune.maxrewrite)."""

SMALLEST_BUFFER: Final = 16384
"""HAProxy's own default. Smaller would not hold a question with an 8 KiB token."""


def buffer_bytes(header_bytes: int, rewrite_bytes: int = _HEADER_BYTES) -> int:
    """`tune.bufsize` for request heads of at most `header_bytes` and what we add to them, in whole KiB."""
    return max(SMALLEST_BUFFER, -(-(header_bytes + rewrite_bytes) // 1024) * 1024)


def global_section(plan: Plan, paths: RuntimePaths) -> Section:
    """Sockets, limits, privileges."""
    account = [f"user {name(paths.user)}"] if paths.user else []
    account += [f"group {name(paths.group)}"] if paths.group else []
    threads = [f"nbthread {plan.node.haproxy_threads}"] if plan.node.haproxy_threads else []
    rewrite_bytes = _HEADER_BYTES + REWRITE_BYTES * asks_for_certificates(plan.tls)
    owner = f" user {name(paths.user)}" if paths.user else ""
    return section(
        "global",
        (
            f"stats socket {word(str(paths.runtime))} mode 600 level admin expose-fd listeners{owner}",
            "log stdout len 8192 format raw local0 info",
            *account,
            *threads,
            f"maxconn {plan.limits.max_connections}",
            # For a worker that a reload has replaced, and that still has something open.
            f"hard-stop-after {plan.limits.old_worker_lifetime_ms}ms",
            f"mworker-max-reloads {plan.limits.old_workers}",
            f"tune.bufsize {buffer_bytes(plan.limits.header_bytes, rewrite_bytes)}",
            f"tune.maxrewrite {rewrite_bytes}",
            *global_lines(plan.tls),
            *load_filter(plan.services.values()),
            # The cache of regex results only costs when paths hold ids: each is new.
            "tune.pattern.cache-size 0",
            # Two processes must never share a port in silence.
            "noreuseport",
        ),
    )


def defaults_section(plan: Plan) -> Section:
    """What every frontend and backend begins with."""
    limits = plan.limits
    return section(
        "defaults",
        (
            "mode http",
            f"timeout client {limits.client_timeout_ms}ms",
            f"timeout http-request {limits.request_timeout_ms}ms",
            f"timeout http-keep-alive {limits.client_timeout_ms}ms",
            "timeout connect 1s",
            "timeout server 30s",
            "timeout queue 1s",
            "timeout check 2s",
            # A connection that another client began is reused only behind its first request, so that a request is
            # never lost to a connection that was just closing.
            "http-reuse safe",
            # Without it idle keep-alive clients lose a request at each reload.
            "option idle-close-on-response",
            "option dontlognull",
            "option redispatch 1",
            "retries 2",
            "retry-on conn-failure",
            # What a client says behind a body is not looked at by the gate, and nothing for a service to believe. 2.6
            # cannot drop it (`trailers`).
            ".if version_atleast(3.2)",
            "option http-drop-request-trailers",
            ".endif",
            *made_by_haproxy(),
        ),
    )
