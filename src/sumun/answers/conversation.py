"""One connection from HAProxy: an asyncio protocol around `spop.AgentConnection`.

socket -> data_received -> spop events -> desk -> answers -> frames -> one write for all of them -> socket

Answers that are there at once go out in one write at the end of the read; answers that come later are gathered for one
turn of the loop. Their order is that in which they are ready: ACKs may overtake each other (SPOE.txt 3.2.1).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from sumun.answers.desk import NOTHING, Answer, Desk, Waiting
from sumun.spop import (
    AgentConnection,
    AgentDisconnect,
    Disconnected,
    Event,
    Hello,
    Limits,
    Notify,
    Refused,
    SpopError,
    Writing,
    encode_variables,
)
from sumun.spop.connection import NORMAL_END
from sumun.spop.errors import HelloTimedOutError, OutOfResourcesError

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 0.01
"""From "finish" on: time for what HAProxy had already written to arrive and be answered."""


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """What one connection may cost.

    questions        that wait for an answer at a time. HAProxy 2.6 sends 20 before it waits (`max-waiting-frames`).
    hello_seconds    until the HELLO must be there.
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

    def __init__(self, desk: Desk, limits: ConversationLimits, present: set[Conversation], most: int) -> None:
        """Joins `present` while connected, unless `most` are there already."""
        self._desk = desk
        self._limits = limits
        self._present = present
        self._most = most
        self._connection = AgentConnection(limits.spop)
        self._transport: asyncio.Transport | None = None
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
        if len(self._present) >= self._most:
            self._refuse(OutOfResourcesError(f"{self._most} connections are open, and no more are served"))
            return
        self._desk.counts.connections += 1
        self._present.add(self)
        self._timer = self._desk.loop.call_later(self._limits.hello_seconds, self._hello_is_late)

    def data_received(self, data: bytes) -> None:
        """Bytes came: answers what they ask."""
        for event in self._connection.receive(data):
            if type(event) is Notify:
                self._ask(event)
            else:
                self._hear(event)
        self._flush()

    def pause_writing(self) -> None:
        """Our answers are not read fast enough: no more questions until they are."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._set_timer(self._limits.stall_seconds, self._cut_stalled)

    def resume_writing(self) -> None:
        """Our answers are read again."""
        self._stop_timer()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever brought it about. What is still being worked on is abandoned."""
        self._stop_timer()
        self._transport = None
        self._present.discard(self)
        for waiting in self._waiting:
            waiting.abandon()
        self._waiting.clear()

