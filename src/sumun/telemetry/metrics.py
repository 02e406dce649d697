"""Every metric that the Python side exports, with its unit and meaning. HAProxy exports its own.

Several processes count at once: prometheus-client keeps the counts in files of the folder that the environment
variable PROMETHEUS_MULTIPROC_DIR names (set by the supervisor), and the HTTP process adds them up.

Those files are written through memory: if the disk is full when a page of them is first touched, the kernel kills the
process (SIGBUS). So they are made with all their room here, before the library opens them; where there is no room,
this process counts for itself alone.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

_FILE_BYTES = 1 << 16  # what the library makes them with, and many times what our metrics need


def _reserve() -> str:
    """Make this process's files with all their room. Gives why not, or nothing."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if not folder:
        return ""
    files = [Path(folder) / f"{kind}_{os.getpid()}.db" for kind in ("counter", "histogram")]
    try:
        for file in files:
            # Made before root is dropped, read by the HTTP process after it: the folder is what keeps others out.
            file.unlink(missing_ok=True)
            fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                os.posix_fallocate(fd, 0, _FILE_BYTES)
            finally:
                os.close(fd)
    except OSError as error:
        for file in files:
            file.unlink(missing_ok=True)
        values.ValueClass = values.MutexValue
        return error.strerror or type(error).__name__
    return ""


NOT_EXPORTED_BECAUSE = _reserve()
"""Why the metrics of this process are seen by nobody; empty when they are."""

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
SHADOW = Counter(
    "sumun_shadow",
    "Asked calls that a route's shadow rule would decide otherwise: allow, or the code of the refusal",
    ["route", "outcome"],
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
SESSIONS_UNREADABLE = Counter(
    "sumun_sessions_unreadable",
    "Sessions that were ended without having been read: damaged in the store, or of a newer version",
)
NEWS_APPLIED = Counter("sumun_news_applied", "Changes applied from the feed, all processes together")
NEWS_LOST = Counter("sumun_news_lost", "Times a process had to forget everything because news was lost")


def observe_many(histogram: Histogram, values: Sequence[float]) -> None:
    """What `observe` does for each of these, with one write for each bucket that got any.

    The library has no public way to do so; a unit test holds this to `observe`.
    """
    bounds, buckets, total = histogram._upper_bounds, histogram._buckets, histogram._sum  # noqa: SLF001
    for index, count in Tally(bisect_left(bounds, value) for value in values).items():
        buckets[index].inc(count)
    total.inc(sum(values))


def exposition() -> bytes:
    """All processes' metrics in the Prometheus text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
