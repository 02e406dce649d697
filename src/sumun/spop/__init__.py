"""HAProxy's question protocol (SPOP, doc/SPOE.txt) as bytes <-> values. Sans-IO: no socket, clock, file or log.

HELLO       the first frame each way: version, frame size, capabilities; also the health check
NOTIFY      a question: messages, each with named, typed arguments
ACK         its answer: actions, which set or unset HAProxy's variables; in any order
DISCONNECT  the last frame each way, with a status code
refusal     what broke the protocol, as a SpopError with that status code

    socket bytes -> AgentConnection.receive -> events -> the driver -> answers -> AgentConnection.ack -> socket bytes

    connection   the state machine of both directions; holds the one unfinished frame
    hello, disconnect, frames   one frame each, whole, both ways
    messages, actions, key_values   the three kinds of payload
    typed_data, varint   what payloads are made of
    limits, errors   what we put up with, and what we say when not

Spoken to HAProxy 2.6 and later. Not spoken: fragmentation (3.1 removed it, and in 2.6 one client's large header would
cut a connection that all share).
"""

from __future__ import annotations

from sumun.spop.actions import (
    Action,
    Scope,
    SetVar,
    UnsetVar,
    encode_actions,
    encode_text_variable,
    encode_variables,
)
from sumun.spop.connection import (
    AgentConnection,
    Disconnected,
    Event,
    HealthCheck,
    Hello,
    Reading,
    Refused,
    Writing,
)
from sumun.spop.disconnect import AgentDisconnect, HaproxyDisconnect
from sumun.spop.errors import OurFaultError, PeerFaultError, SpopError
from sumun.spop.frames import Ack, Notify
from sumun.spop.hello import ASYNC, PIPELINING, AgentHello, HaproxyHello
from sumun.spop.limits import Limits
from sumun.spop.messages import Arguments, Message
from sumun.spop.typed_data import Value

__all__ = [
    "ASYNC",
    "PIPELINING",
    "Ack",
    "Action",
    "AgentConnection",
    "AgentDisconnect",
    "AgentHello",
    "Arguments",
    "Disconnected",
    "Event",
    "HaproxyDisconnect",
    "HaproxyHello",
    "HealthCheck",
    "Hello",
    "Limits",
    "Message",
    "Notify",
    "OurFaultError",
    "PeerFaultError",
    "Reading",
    "Refused",
    "Scope",
    "SetVar",
    "SpopError",
    "UnsetVar",
    "Value",
    "Writing",
    "encode_actions",
    "encode_text_variable",
    "encode_variables",
]
