"""One connection from HAProxy, seen from our end, without a socket (SPOE.txt 3.2.3).

Both directions have a state of their own. What was read may run ahead of what was written: one read can hold a HELLO, a
question and a DISCONNECT, and the driver then works the events off in their order.

    reading         what arrives                             becomes
    HELLO_AWAITED   HAPROXY-HELLO                            Hello, or HealthCheck: OPEN
                    anything else                            Refused: ENDED
    OPEN            NOTIFY                                   Notify
                    HAPROXY-DISCONNECT                       Disconnected: ENDED
                    a frame type that does not exist         nothing: "may be silently skipped" (3.2.2)
                    a second HELLO, an agent's own frame     Refused: ENDED
                    a fragment: no FIN, ABORT, type UNSET    Refused with status 10: ENDED
    any             longer than max-frame-size, malformed    Refused: ENDED
    ENDED           anything                                 nothing; it is not even kept

    writing         what we send        becomes              allowed when
    SILENT          agent_hello()       SPEAKING             a HELLO was read
    SILENT          agent_hello()       CLOSED               that HELLO was a health check
    SPEAKING        ack()               SPEAKING             always, in any order
    not CLOSED      disconnect()        CLOSED, ENDED        always; the driver closes the socket after it

`receive` has three outcomes: events, no event yet ("more please"), or a typed refusal as the last event. It never
raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from sumun.spop.actions import Action, encode_actions
from sumun.spop.disconnect import (
    AgentDisconnect,
    HaproxyDisconnect,
    decode_haproxy_disconnect,
    encode_agent_disconnect,
)
from sumun.spop.errors import (
    FragmentationError,
    FrameTooBigError,
    InvalidFrameError,
    SpopError,
    UnencodableError,
    WrongStateError,
)
from sumun.spop.frames import LENGTH_BYTES, FrameType, Notify, decode_notify, encode_ack, frame_length
from sumun.spop.hello import (
    ASYNC,
    PIPELINING,
    AgentHello,
    HaproxyHello,
    decode_haproxy_hello,
    encode_agent_hello,
    negotiate,
)
from sumun.spop.limits import Limits
from sumun.spop.messages import MessageReader


@dataclass(frozen=True, slots=True)
class Hello:
    """HAProxy offered, and this is what we agree to. Send `agent_hello()`."""

    offer: HaproxyHello
    agreed: AgentHello


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`option spop-check` asks whether we are there. Send `agent_hello()`, then close the socket (3.2.5)."""

    agreed: AgentHello


@dataclass(frozen=True, slots=True)
class Disconnected:
    """HAProxy wants to close. Send `disconnect()`, then close the socket."""

    frame: HaproxyDisconnect


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer broke the protocol. Send `disconnect(AgentDisconnect.because_of(error))`, then close the socket."""

    error: SpopError


Event: TypeAlias = Notify | Hello | HealthCheck | Disconnected | Refused


class Reading(Enum):
    """How far the peer got."""

    HELLO_AWAITED = "hello awaited"
    OPEN = "open"
    ENDED = "ended"


class Writing(Enum):
    """How far we got."""

    SILENT = "silent"
    SPEAKING = "speaking"
    CLOSED = "closed"


CAPABILITIES: Final = frozenset({PIPELINING, ASYNC})
"""What we can do. Of these, AGENT-HELLO names only what HAProxy offered."""

NORMAL_END: Final = AgentDisconnect(0, "normal")

_NOTIFY: Final = int(FrameType.NOTIFY)


class AgentConnection:
    """The agent's end of one SPOP connection: bytes in, events out; answers in, bytes out.

    Holds at most one unfinished frame, so never more than `limits.max_frame_size` + 4 bytes.
    """

    def __init__(self, limits: Limits | None = None, capabilities: frozenset[str] = CAPABILITIES) -> None:
        """`capabilities` are those we announce when HAProxy offers them."""
        limits = limits or Limits()
        self.reading = Reading.HELLO_AWAITED
        self.writing = Writing.SILENT
        self._capabilities = capabilities
        self._max_frame_size = limits.max_frame_size
        self._reader = MessageReader(limits)
        self._agreed: AgentHello | None = None
        self._is_health_check = False
        self._unfinished = bytearray()
        self._needed = LENGTH_BYTES  # bytes that must be there before it is worth looking at them again

    def receive(self, data: bytes) -> list[Event]:
        """What the peer says with `data` and what it sent before. Takes any cut of the stream; never raises."""
        if self._unfinished:
            self._unfinished += data
            if len(self._unfinished) < self._needed:
                return []
            data = bytes(self._unfinished)
            self._unfinished.clear()
        events: list[Event] = []
        if self.reading is Reading.ENDED:
            return events
        try:
            rest = self._read_frames(data, events)
        except SpopError as error:
            self.reading = Reading.ENDED
            events.append(Refused(error))
        else:
            self._unfinished += data[rest:]
        return events

    def _read_frames(self, data: bytes, events: list[Event]) -> int:
        """Appends what the whole frames in `data` say; the position of the first unfinished one. Raises SpopError."""
        position, size = 0, len(data)
        max_frame_size = self._max_frame_size
        while position + LENGTH_BYTES <= size:
            (length,) = frame_length(data, position)
            if length > max_frame_size:
                raise FrameTooBigError(f"a frame of {length} bytes; max-frame-size is {max_frame_size}")
            start = position + LENGTH_BYTES
            end = start + length
            if end > size:
                self._needed = LENGTH_BYTES + length
                return position
            if length and data[start] == _NOTIFY and self.reading is Reading.OPEN:
                events.append(decode_notify(data, start, end, self._reader))
            else:
                self._read_other_frame(data, start, end, events)
                if self.reading is Reading.ENDED:
                    return size
                max_frame_size = self._max_frame_size
            position = end
        self._needed = LENGTH_BYTES
        return position

    def _read_other_frame(self, data: bytes, start: int, end: int, events: list[Event]) -> None:
        """Any frame but a NOTIFY in its place. Raises SpopError."""
        if start == end:
            raise InvalidFrameError("a frame of 0 bytes has not even a type")
        frame_type = data[start]
        if self.reading is Reading.HELLO_AWAITED:
            if frame_type != FrameType.HAPROXY_HELLO:
                raise InvalidFrameError(f"the first frame must be HAPROXY-HELLO; its type is {frame_type}")
            events.append(self._read_hello(decode_haproxy_hello(data, start, end)))
        elif frame_type == FrameType.HAPROXY_DISCONNECT:
            events.append(Disconnected(decode_haproxy_disconnect(data, start, end)))
            self.reading = Reading.ENDED
        elif frame_type == FrameType.UNSET:
            raise FragmentationError("a frame of type UNSET is a fragment, which we never said we take")
        elif frame_type in _MISPLACED:
            raise InvalidFrameError(f"a frame of type {frame_type} has no place after the HELLO")

    def _read_hello(self, offer: HaproxyHello) -> Event:
        self._agreed = agreed = negotiate(offer, self._max_frame_size, self._capabilities)
        self._max_frame_size = agreed.max_frame_size
        self._is_health_check = offer.healthcheck
        self.reading = Reading.OPEN
        if offer.healthcheck:
            self.reading = Reading.ENDED
            return HealthCheck(agreed)
        return Hello(offer, agreed)

    def agent_hello(self) -> bytes:
        """The AGENT-HELLO. Raises WrongStateError before a HELLO was read, and the second time."""
        if self._agreed is None or self.writing is not Writing.SILENT:
            raise WrongStateError(f"AGENT-HELLO answers one HAPROXY-HELLO; we are {self.writing.value}")
        self.writing = Writing.CLOSED if self._is_health_check else Writing.SPEAKING
        return encode_agent_hello(self._agreed)

    def ack(self, question: Notify, actions: Iterable[Action] | bytes = b"") -> bytes:
        """The ACK of `question` with `actions`, or with bytes that `encode_actions` made of them before.

        No actions at all is a valid answer: HAProxy then sees no variable of ours, and denies. Raises WrongStateError
        when we may not speak, UnencodableError for actions HAProxy could not take or a frame over max-frame-size.
        """
        if self.writing is not Writing.SPEAKING:
            raise WrongStateError(f"an ACK may not be sent now: we are {self.writing.value}")
        encoded = actions if isinstance(actions, bytes) else encode_actions(actions)
        frame = encode_ack(question.reference, encoded)
        size = len(frame) - LENGTH_BYTES
        if size > self._max_frame_size:
            raise UnencodableError(f"an ACK of {size} bytes; max-frame-size is {self._max_frame_size}")
        return frame

    def disconnect(self, frame: AgentDisconnect = NORMAL_END) -> bytes:
        """The AGENT-DISCONNECT. Nothing is read or sent after it. Raises WrongStateError the second time."""
        if self.writing is Writing.CLOSED:
            raise WrongStateError("nothing may be sent after the last frame")
        self.writing = Writing.CLOSED
        self.reading = Reading.ENDED
        return encode_agent_disconnect(frame)


_MISPLACED: Final = frozenset(FrameType) - {FrameType.UNSET, FrameType.HAPROXY_DISCONNECT, FrameType.NOTIFY}
