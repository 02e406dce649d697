"""SPOP against anything.

The invariant, in words: whatever bytes arrive, in whatever cuts, `receive` returns (quickly) and never raises. It
returns events; a Refused or Disconnected is the last one ever, and what follows it is not kept. A refusal has a status
code of SPOE.txt 3.5, can be told, and ends the conversation. Never more than one unfinished frame is kept. Every
question that was read can be answered with its own ids. The cut does not change what is said.

For longer: `SUMUN_FUZZ_EXAMPLES=15000` for the tests that always run, `SUMUN_FUZZ_SECONDS=600` for the one of `make soak`;
with pytest's `-o faulthandler_timeout=0 --timeout=3600`, which let one test run so long.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from hypothesis import HealthCheck as Check
from hypothesis import given, settings
from hypothesis import strategies as st

from sumun.spop import (
    AgentConnection,
    AgentDisconnect,
    Disconnected,
    Event,
    HealthCheck,
    Limits,
    Notify,
    Refused,
)
from sumun.spop.disconnect import HaproxyDisconnect, decode_agent_disconnect, encode_haproxy_disconnect
from sumun.spop.errors import PeerFaultError
from sumun.spop.frames import LENGTH_BYTES, decode_ack
from tests.unit.spop.feeding import HELLO_FRAME, comparable, cuts, fed_byte_by_byte, fed_in_pieces
from tests.unit.spop.test_captured_frames import BOTH, captured
from tests.unit.spop.values import notify_frames

LIMITS = Limits(max_frame_size=4096)
EXAMPLES = int(os.environ.get("SUMUN_FUZZ_EXAMPLES", "300"))
SOAK_SECONDS = float(os.environ.get("SUMUN_FUZZ_SECONDS", "60"))
STATUS_CODES = {3, 4, 5, 6, 7, 8, 9, 10}
BYE_FRAME = encode_haproxy_disconnect(HaproxyDisconnect(0, "normal"))

fuzzed = settings(max_examples=EXAMPLES, suppress_health_check=[Check.too_slow])
streams = st.lists(notify_frames | st.sampled_from([HELLO_FRAME, BYE_FRAME]), max_size=5).map(
    lambda frames: HELLO_FRAME + b"".join(frames)
)


def mutated(stream: bytes, choose: random.Random) -> bytes:
    """`stream` with a few bytes changed, taken out, put in, or written twice."""
    data = bytearray(stream)
    for _ in range(choose.randint(1, 6)):
        at = choose.randrange(len(data) + 1)
        match choose.randrange(6):
            case 0 if at < len(data):
                data[at] = choose.randrange(256)
            case 1 if at < len(data):
                data[at] ^= 1 << choose.randrange(8)
            case 2:
                del data[at : at + choose.randint(1, 9)]
            case 3:
                data[at:at] = choose.randbytes(choose.randint(1, 9))
            case 4:
                data[at:at] = data[at : at + choose.randint(1, 60)]
            case 5 if at < len(data):
                data[at] = choose.choice((0x00, 0x7F, 0x80, 0xEF, 0xF0, 0xFF))
    return bytes(data)


def held_to_the_invariant(stream: bytes, edges: list[int]) -> list[Event]:
    """Feeds `stream` in pieces and checks all that the invariant says; the events."""
    connection = AgentConnection(LIMITS)
    said: list[Event] = []
    begin = 0
    for end in [*sorted(edge % (len(stream) + 1) for edge in edges), len(stream)]:
        events = connection.receive(stream[begin:end])
        assert not (said and events and isinstance(said[-1], Refused | Disconnected | HealthCheck))
        assert all(not isinstance(event, Refused | Disconnected | HealthCheck) for event in events[:-1])
        assert len(connection._unfinished) <= LIMITS.max_frame_size + LENGTH_BYTES
        said += events
        begin = end
    if said and not isinstance(said[0], Refused):
        connection.agent_hello()
    for event in said:
        if isinstance(event, Notify):
            ack = connection.ack(event)
            assert decode_ack(ack, LENGTH_BYTES, len(ack)) == (event.stream_id, event.frame_id, ())
        if isinstance(event, Refused):
            assert isinstance(event.error, PeerFaultError)
            assert event.error.status_code in STATUS_CODES
            bye = connection.disconnect(AgentDisconnect.because_of(event.error))
            assert decode_agent_disconnect(bye, LENGTH_BYTES, len(bye)).status_code == event.error.status_code
            assert not connection._unfinished
    return said


@fuzzed
@given(st.binary(max_size=300), st.booleans(), cuts)
def test_any_bytes(data: bytes, greeted: bool, where: list[int]) -> None:
    """Any bytes, with and without a good HELLO before them, keep to the invariant."""
    held_to_the_invariant(HELLO_FRAME + data if greeted else data, where)


@fuzzed
@given(streams, st.randoms(use_true_random=False), cuts)
def test_mutated_streams(stream: bytes, choose: random.Random, where: list[int]) -> None:
    """Valid conversations with a few bytes wrong keep to the invariant, and every cut says the same."""
    broken = mutated(stream, choose)
    said = comparable(held_to_the_invariant(broken, where))
    assert comparable(fed_in_pieces(AgentConnection(LIMITS), broken, [])) == said
    assert comparable(fed_byte_by_byte(AgentConnection(LIMITS), broken)) == said


@BOTH
@fuzzed
@given(st.randoms(use_true_random=False), cuts)
def test_mutated_captures(version: str, choose: random.Random, where: list[int]) -> None:
    """What real HAProxys sent, with a few bytes wrong, keeps to the invariant."""
    held_to_the_invariant(mutated(b"".join(captured(version).values()), choose), where)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_SECONDS + 60)
def test_for_long() -> None:
    """Mutated captures keep to the invariant for SUMUN_FUZZ_SECONDS (60); a failure prints its seed."""
    capture = b"".join(captured("haproxy-2.6.12").values())
    seed = random.SystemRandom().randrange(2**32)
    until = time.monotonic() + SOAK_SECONDS
    while time.monotonic() < until:
        seed += 1
        choose = random.Random(seed)
        stream = mutated(capture, choose)
        edges = [choose.randrange(len(stream) + 1) for _ in range(choose.randrange(5))]
        try:
            held_to_the_invariant(stream, edges)
        except Exception as error:
            raise AssertionError(f"seed {seed}, stream {stream.hex()}, edges {edges}") from error
