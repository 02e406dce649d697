"""One connection from HAProxy: an asyncio protocol around `spop.AgentConnection`.

socket -> data_received -> spop events -> desk -> answers -> frames -> one write for all of them -> socket

Answers that are there at once go out in one write at the end of the read; answers that come later are gathered for one
turn of the loop. Their order is that in which they are ready: ACKs may overtake each other (SPOE.txt 3.2.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from sumun.answers.desk import NOTHING, Answer, Desk, Waiting
from sumun.answers.later import Later
from sumun.answers.room import Room
from sumun.spop import (
    AgentConnection,
    AgentDisconnect,
    Disconnected,
    HealthCheck,
    Hello,
    Limits,
    Notify,
    Reading,
    Refused,
    SpopError,
    Writing,
    encode_variables,
)
from sumun.spop.connection import NORMAL_END
from sumun.spop.errors import HelloTimedOutError, OutOfResourcesError

_THERE: Final = (dict, bytes)
"""What most answers are that are there at once: to ask what else they might be costs more than to write them."""

DRAIN_SECONDS: Final = 0.01
"""From "finish" on: time for what HAProxy had already written to arrive and be answered."""


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """What one connection may cost.

    questions        that wait for an answer at a time. HAProxy 2.6 sends 20 before it waits (`max-waiting-frames`).
    hello_seconds    until the HELLO must be there, and, when all places are taken, until one must be free.
    stall_seconds    that a peer may leave our answers unread before it is cut.
    unread_bytes     of answers kept for a peer before we stop reading its questions.
    spop             the bounds of frames.
    """

    questions: int = 256
    hello_seconds: float = 2.0
    stall_seconds: float = 5.0
    unread_bytes: int = 256 * 1024
    spop: Limits = Limits()  # noqa: RUF009 - frozen


class Conversation(asyncio.Protocol):
    """Reads questions, has them answered at the desk, writes the answers."""

    _transport: asyncio.Transport  # from connection_made on, which asyncio calls first

    def __init__(self, desk: Desk, limits: ConversationLimits, room: Room[Conversation]) -> None:
        """Is in `room` while connected, if there is place. `gone` is done when the connection is closed."""
        self.gone = desk.loop.create_future()
        self._desk = desk
        self._limits = limits
        self._room = room
        self._connection = AgentConnection(limits.spop)
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: set[Waiting] = set()
        self._frames: list[bytes] = []
        self._flush_is_due = False
        self._leaving = False

    # --- called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._limits.unread_bytes)
        self._desk.counts.connections += 1
        self._set_timer(self._limits.hello_seconds, self._patience_is_over)
        if not self._room.enter(self):
            self._refuse(OutOfResourcesError("too many connections, or we are closing"))

    def data_received(self, data: bytes) -> None:
        """Bytes came: answers what they ask."""
        for event in self._connection.receive(data):
            if isinstance(event, Notify):
                self._ask(event)
            else:
                self._hear(event)
        self._flush()

    def pause_writing(self) -> None:
        """Our answers are not read fast enough: no more questions until they are."""
        self._transport.pause_reading()
        self._set_timer(self._limits.stall_seconds, self.cut)

    def resume_writing(self) -> None:
        """Our answers are read again."""
        if not self._transport.is_closing():
            self._stop_timer()
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever brought it about. What is still being worked on is abandoned."""
        self._stop_timer()
        self._room.leave(self)
        for waiting in self._waiting:
            waiting.abandon()
        self._waiting.clear()
        self.gone.set_result(None)

    # --- what was said

    def _ask(self, question: Notify) -> None:
        room = not self._leaving and len(self._waiting) < self._limits.questions
        answer = self._desk.ask(question.messages, room=room)
        if isinstance(answer, Later) or (type(answer) not in _THERE and isinstance(answer, Awaitable)):
            self._waiting.add(self._desk.wait(question, answer, self._answer_later))
        else:
            self._answer(question, cast("Answer", answer))

    def _answer_later(self, waiting: Waiting, answer: Answer) -> None:
        self._waiting.discard(waiting)
        self._answer(waiting.question, answer)
        if self._leaving and not self._waiting:
            self._say_goodbye(NORMAL_END)
        elif not self._flush_is_due:
            self._flush_is_due = True
            self._desk.loop.call_soon(self._flush)

    def _answer(self, question: Notify, answer: Answer) -> None:
        if self._connection.writing is not Writing.SPEAKING:
            return  # we said goodbye, and HAProxy forgot the question
        try:
            actions = (
                encode_variables(answer)
                if not isinstance(answer, bytes) and isinstance(answer, Mapping)
                else answer
            )
            frame = self._connection.ack(question, actions)
        except Exception as error:  # noqa: BLE001 - wrong in whatever way, HAProxy must still get its ACK
            self._desk.failed(error)
            frame = self._connection.ack(question, NOTHING)
        self._frames.append(frame)

    def _hear(self, event: Hello | HealthCheck | Disconnected | Refused) -> None:
        """Anything but a question."""
        if isinstance(event, Hello):
            if self._room.take_place(self):
                self.greet()
        elif isinstance(event, HealthCheck):
            self._desk.counts.health_checks += 1
            self._frames.append(self._connection.agent_hello())
            self._close()
        elif isinstance(event, Disconnected):
            self._say_goodbye(NORMAL_END)
        else:
            self._refuse(event.error)

    def greet(self) -> None:
        """Answers the HELLO: there is a place for this connection."""
        self._stop_timer()
        self._frames.append(self._connection.agent_hello())
        self._flush()

    # --- what we say last

    def finish(self) -> None:
        """Answer what is on its way, then part in good order."""
        self._desk.loop.call_later(DRAIN_SECONDS, self._leave)

    def _leave(self) -> None:
        self._leaving = True
        if not self._waiting:
            self._say_goodbye(NORMAL_END)

    def _patience_is_over(self) -> None:
        seconds = self._limits.hello_seconds
        if self._connection.reading is Reading.HELLO_AWAITED:
            self._refuse(HelloTimedOutError(f"no HAPROXY-HELLO within {seconds:g} s"))
        else:
            self._refuse(
                OutOfResourcesError(f"{self._room.places} connections ask, and none went in {seconds:g} s")
            )

    def _refuse(self, error: SpopError) -> None:
        self._desk.counts.refused_connections += 1
        self._desk.seldom.warn(
            "refused", "a connection is refused with status %d: %s", error.status_code, error
        )
        self._say_goodbye(AgentDisconnect.because_of(error))

    def _say_goodbye(self, frame: AgentDisconnect) -> None:
        if self._connection.writing is not Writing.CLOSED:
            self._room.give_up_waiting(self)
            self._frames.append(self._connection.disconnect(frame))
            self._close()

    def _close(self) -> None:
        """Writes all there is, and closes; a peer that does not read it is cut."""
        self._flush()
        self._transport.close()
        self._set_timer(self._limits.stall_seconds, self.cut)

    def cut(self) -> None:
        """Closes without writing what is left."""
        self._transport.abort()

    # --- the wire and the clock

    def _flush(self) -> None:
        self._flush_is_due = False
        frames, self._frames = self._frames, []
        if frames and not self._transport.is_closing():
            self._transport.write(b"".join(frames))

    def _set_timer(self, seconds: float, what: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self._desk.loop.call_later(seconds, what)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
