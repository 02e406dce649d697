"""Metrics: counted many at a time, they are what they would be one at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from sumun.telemetry.metrics import observe_many

BOUNDS = (0.001, 0.01, 0.1)
VALUES = st.lists(st.sampled_from([0.0, 0.0005, 0.001, 0.0011, 0.01, 0.05, 0.1, 0.25, 4.0]), max_size=20)


def exported(values: list[float], *, at_once: bool) -> bytes:
    """What Prometheus reads after these observations, without the time when the histogram was made."""
    registry = CollectorRegistry()
    histogram = Histogram("h", "seconds", buckets=BOUNDS, registry=registry)
    if at_once:
        observe_many(histogram, values)
    else:
        for value in values:
            histogram.observe(value)
    return b"\n".join(line for line in generate_latest(registry).splitlines() if b"h_created" not in line)


@given(VALUES)
def test_many_observations_at_once_are_each_of_them(values: list[float]) -> None:
    """Buckets, count and sum are the same as with one `observe` each."""
    assert exported(values, at_once=True) == exported(values, at_once=False)
