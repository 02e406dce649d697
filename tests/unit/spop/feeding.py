"""Ways to cut a stream into reads, and what came of it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from sumun.spop import AgentConnection, Event, HaproxyHello, Refused
from sumun.spop.hello import encode_haproxy_hello

HELLO = HaproxyHello("2.0", 16_380, frozenset({"pipelining", "async"}), engine_id="e")
HELLO_FRAME = encode_haproxy_hello(HELLO)


def after_hello(connection: AgentConnection | None = None) -> AgentConnection:
    """A connection that has read HELLO and answered it."""
    connection = connection or AgentConnection()
    connection.receive(HELLO_FRAME)
    connection.agent_hello()
    return connection


def fed_whole(connection: AgentConnection, stream: bytes) -> list[Event]:
    """Everything in one read."""
    return connection.receive(stream)


def fed_byte_by_byte(connection: AgentConnection, stream: bytes) -> list[Event]:
    """One byte a read."""
    return [event for at in range(len(stream)) for event in connection.receive(stream[at : at + 1])]


def fed_in_pieces(connection: AgentConnection, stream: bytes, cuts: list[int]) -> list[Event]:
    """A read up to each of `cuts`, and one for the rest."""
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [event for begin, end in pairwise(edges) for event in connection.receive(stream[begin:end])]


cuts = st.lists(st.integers(0, 100_000), max_size=6)


def comparable(events: list[Event]) -> list[object]:
    """Events as values that compare: of a refusal its type and status, as positions in sentences depend on the cut."""
    return [
        (type(event.error), event.error.status_code) if isinstance(event, Refused) else event
        for event in events
    ]
