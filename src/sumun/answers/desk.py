"""Where questions are taken: asks the answer function, holds what is not answered yet, and looks at the clock.

One desk serves all connections of a listener. What it promises for each question, whatever the answer function does:

    it answers at once          that answer
    it gives a Later            that answer, if it comes within `deadline_seconds`; so with an awaitable
    too late                    NOTHING at the deadline; the work is cancelled
    it fails                    NOTHING, and a log line with the class of the error, never with its text
    too many wait already       NOTHING at once; the answer function is not asked
    it is no `ask` message      NOTHING

NOTHING is an ACK without actions. HAProxy then finds no variable of ours, and refuses with 503: it never lets through.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sumun.answers.later import Later
from sumun.errors import SumunError
from sumun.spop import Action, Message, Notify, Value

Answer: TypeAlias = Mapping[str, Value] | Sequence[Action] | bytes
"""Variables of the transaction by name; or actions; or actions that `encode_actions` or `encode_variables` prepared."""

ToCome: TypeAlias = Later[Any] | Awaitable[Answer]

AnswerFunction: TypeAlias = Callable[[Mapping[str, Value]], Answer | ToCome]
"""The arguments of one `ask` message -> its answer, now or later. It runs on the event loop: it must not block."""

Reply: TypeAlias = Callable[["Waiting", Answer], None]

NOTHING: Final = b""
ASK: Final = "ask"
ASKED: Final = frozenset({ASK, "ask-proving"})
"""The messages of docs/architecture.md, "The question": one of them, alone."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What a listener has seen since it began. `questions` counts all; the next four, those that got NOTHING."""

    questions: int = 0
    overloaded: int = 0
    late: int = 0
    failed: int = 0
    misasked: int = 0
    connections: int = 0
    refused_connections: int = 0
    health_checks: int = 0


class Waiting:
    """A question whose answer is on its way."""

    __slots__ = ("_desk", "_reply", "expires_at", "question", "work")

    def __init__(self, desk: Desk, question: Notify, answer: ToCome, reply: Reply) -> None:
        self._desk = desk
        self._reply: Reply | None = reply
        self.question = question
        self.expires_at = desk.loop.time() + desk.deadline_seconds
        self.work: Later[Any] | asyncio.Future[Answer]
        if isinstance(answer, Later):
            self.work = answer
            answer.then(self._hear)
        else:
            self.work = asyncio.ensure_future(answer, loop=desk.loop)
            self.work.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[Answer]) -> None:
        self._hear(asyncio.CancelledError() if task.cancelled() else task.exception() or task.result())

    def _hear(self, answer: Answer | BaseException) -> None:
        self._desk.ended(self)
        if isinstance(answer, BaseException):
            if not isinstance(answer, asyncio.CancelledError):
                self._desk.failed(answer)
            answer = NOTHING
        self._tell(answer)

    def _tell(self, answer: Answer) -> None:
        """Replies, unless that was done before."""
        reply, self._reply = self._reply, None
        if reply is not None:
            reply(self, answer)

    def expire(self) -> None:
        """The deadline has passed: nothing is the answer. The place is kept until the work has really stopped."""
        self._tell(NOTHING)
        self.work.cancel()

    def abandon(self) -> None:
        """Nobody is there to hear the answer."""
        self._reply = None
        self.work.cancel()


class Desk:
    """Takes questions for all connections of one listener. Belongs to one event loop."""

    def __init__(
        self, answer: AnswerFunction, loop: asyncio.AbstractEventLoop, *, most: int, deadline_seconds: float
    ) -> None:
        """`most` questions may wait at a time, each for `deadline_seconds`."""
        self.loop = loop
        self.deadline_seconds = deadline_seconds
        self.counts = Counts()
        self.seldom = Seldom(loop.time)
        self._answer = answer
        self._most = most
        self._held = 0
        # All wait equally long, so the oldest is the first to expire: one timer, on the first of them, serves all.
        # When the deadline is made shorter, those who came after wait for the older ones once.
        self._in_order: dict[Waiting, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, messages: tuple[Message, ...], *, room: bool) -> Answer | ToCome:
        """The answer to the question that `messages` are. Never raises.

        `room` is False when the connection has too many questions waiting.
        """
        self.counts.questions += 1
        if len(messages) != 1 or messages[0].name not in ASKED:
            self.counts.misasked += 1
            self.seldom.warn("misasked", "a question is not one message %r: not the SPOE file we wrote", ASK)
            return NOTHING
        if not room or self._held >= self._most:
            self.counts.overloaded += 1
            self.seldom.warn(
                "overloaded", "questions come faster than they are answered; %d wait", self._held
            )
            return NOTHING
        try:
            return self._answer(messages[0].args)
        except Exception as error:  # noqa: BLE001 - wrong in whatever way, HAProxy must still get its ACK
            self.failed(error)
            return NOTHING

    def wait(self, question: Notify, answer: ToCome, reply: Reply) -> Waiting:
        """Waits for `answer`, and calls `reply` exactly once with it, or with NOTHING at the deadline."""
        waiting = Waiting(self, question, answer, reply)
        self._held += 1
        self._in_order[waiting] = None
        if self._timer is None:
            self._timer = self.loop.call_at(waiting.expires_at, self._look_at_the_clock)
        return waiting

    def ended(self, waiting: Waiting) -> None:
        """The work for `waiting` is over: its place is free."""
        self._held -= 1
        self._in_order.pop(waiting, None)

    def failed(self, error: BaseException) -> None:
        """Counts and logs a failure of ours, without the text of a foreign error: it may quote a credential."""
        self.counts.failed += 1
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = f"{last[0].filename}:{last[0].lineno}" if last else "an unknown place"
        what = str(error) if isinstance(error, SumunError) else "its text is withheld"
        self.seldom.warn(
            "failed", "a question got no answer: %s at %s (%s)", type(error).__name__, place, what
        )

    def _look_at_the_clock(self) -> None:
        self._timer = None
        now = self.loop.time()
        for waiting in list(self._in_order):
            if waiting.expires_at > now:
                self._timer = self.loop.call_at(waiting.expires_at, self._look_at_the_clock)
                break
            del self._in_order[waiting]
            self.counts.late += 1
            self.seldom.warn("late", "a question was not answered within %g s", self.deadline_seconds)
            waiting.expire()

    def close(self) -> None:
        """Stops the clock."""
        if self._timer is not None:
            self._timer.cancel()


class Seldom:
    """Warnings that a peer or a load can cause: at most one a second of each kind, with the number held back."""

    def __init__(self, clock: Callable[[], float], every_seconds: float = 1.0) -> None:
        """`clock` gives seconds from any fixed moment."""
        self._clock = clock
        self._every_seconds = every_seconds
        self._last: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def warn(self, kind: str, sentence: str, *values: object) -> None:
        """Logs `sentence % values`, or counts it for the next line of its `kind`."""
        now = self._clock()
        if now - self._last.get(kind, -self._every_seconds) < self._every_seconds:
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return
        self._last[kind] = now
        log.warning("%s; %d more since the last such line", sentence % values, self._held_back.pop(kind, 0))
