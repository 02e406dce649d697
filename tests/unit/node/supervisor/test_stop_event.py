"""What ends a node: signals."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from sumun.node.supervisor.foreground import stop_event


async def is_set_by(number: signal.Signals, within_seconds: float = 20.0) -> bool:
    """Whether the event is set after the signal came."""
    stop = stop_event()
    os.kill(os.getpid(), number)
    try:
        await asyncio.wait_for(stop.wait(), within_seconds)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops(number: signal.Signals) -> None:
    """Ctrl-C, a supervisor's stop and a closed terminal all end a node in order."""
    before = signal.signal(number, signal.SIG_DFL)  # these tests may have been started under nohup themselves
    try:
        assert asyncio.run(is_set_by(number))
    finally:
        signal.signal(number, before)


def test_nohup_is_respected() -> None:
    """Started under nohup, a node outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert not asyncio.run(is_set_by(signal.SIGHUP, 0.2))
    finally:
        signal.signal(signal.SIGHUP, before)
