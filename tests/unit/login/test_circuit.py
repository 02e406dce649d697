"""A circuit opens after repeated outages and closes when the server answers."""

from __future__ import annotations

from sumun.login.circuit import OPEN_SECONDS, OUTAGES_TO_OPEN, Circuit


def opened(at: float) -> Circuit:
    """A circuit that opened at this moment."""
    circuit = Circuit()
    for _ in range(OUTAGES_TO_OPEN):
        assert circuit.may_ask(at)
        circuit.silent(at)
    return circuit


def test_opens_after_several_outages_in_a_row() -> None:
    """One or two outages are no pattern, and an answer in between begins the count anew."""
    circuit = Circuit()
    for _ in range(10):
        for _ in range(OUTAGES_TO_OPEN - 1):
            circuit.silent(0.0)
        assert circuit.may_ask(0.0)
        circuit.answered()
    assert not opened(0.0).may_ask(OPEN_SECONDS - 0.01)


def test_then_one_tries_for_all() -> None:
    """When the time is over one caller asks; the others fail fast until it found something."""
    circuit = opened(0.0)
    assert circuit.may_ask(OPEN_SECONDS)
    assert not circuit.may_ask(OPEN_SECONDS)
    circuit.answered()
    assert circuit.may_ask(OPEN_SECONDS)


def test_a_try_that_fails_keeps_it_open() -> None:
    """Another outage, or a caller that never came back, and the next try is a while later."""
    circuit = opened(0.0)
    assert circuit.may_ask(OPEN_SECONDS)
    circuit.silent(OPEN_SECONDS + 1)
    assert not circuit.may_ask(2 * OPEN_SECONDS + 0.9)
    assert circuit.may_ask(2 * OPEN_SECONDS + 1)  # this caller is never heard of again
    assert circuit.may_ask(3 * OPEN_SECONDS + 1)
