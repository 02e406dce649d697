"""Every metric that the Python side exports, with its unit and meaning. HAProxy exports its own.

Several processes count at once: prometheus-client keeps the counts in files of the folder that the environment
variable PROMETHEUS_MULTIPROC_DIR names (set by the supervisor), and the HTTP process adds them up.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

QUESTIONS = Counter(
    "sumun_questions",
    "Questions of HAProxy answered, by outcome: allow, the refusal's code, or nothing (no answer could be given)",
    ["outcome"],
)
ANSWER_SECONDS = Histogram(
    "sumun_answer_seconds",
    "Time from reading a question to its answer, in seconds",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
)
TOKENS_ISSUED = Counter("sumun_tokens_issued", "Access tokens issued, by kind and grant", ["kind", "grant"])
TOKEN_REQUESTS_REFUSED = Counter(
    "sumun_token_requests_refused", "Token requests refused, by RFC 6749 error code", ["error"]
)
LOGINS = Counter(
    "sumun_logins",
    "Login proofs judged, by outcome: identified, rejected, throttled, unavailable",
    ["outcome"],
)
NEWS_APPLIED = Counter("sumun_news_applied", "Changes applied from the feed, all processes together")
NEWS_LOST = Counter("sumun_news_lost", "Times a process had to forget everything because news was lost")


def exposition() -> bytes:
    """All processes' metrics in the Prometheus text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
