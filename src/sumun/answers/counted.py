"""Counts answers and times them, around whatever answers.

The shared files of the metrics cost three system calls a time. So after a count, those of the next moment are gathered
here and handed over together. A process that is killed takes the last of them with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from sumun.access.shadow import DETAIL
from sumun.answers.later import Later
from sumun.answers.translate import Told
from sumun.telemetry.metrics import ANSWER_SECONDS, QUESTIONS, SHADOW, observe_many

Answer = Callable[[Mapping[str, object]], Told | Later[Told] | Awaitable[Told]]

GATHERED_FOR_SECONDS = 0.2

MOST_SHADOWS = 100
"""Routes with an outcome of their shadow rule that are counted apart: the metrics' file has room for so many."""
OTHER_ROUTES = "-"


def counted(answer: Answer) -> Answer:
    """The same answers, counted by outcome and timed. To be asked on an event loop."""
    tally = _Tally()

    def answer_and_count(args: Mapping[str, object]) -> Told | Later[Told] | Awaitable[Told]:
        began = perf_counter()
        answered = answer(args)
        if isinstance(answered, Later):
            answered.then(
                lambda told: None if isinstance(told, BaseException) else tally.count(told, args, began)
            )
            return answered
        if isinstance(answered, dict | bytes):
            tally.count(answered, args, began)
            return answered
        return _when_answered(answered, args, began, tally)

    return answer_and_count


class _Tally:
    """What was counted and not handed over yet."""

    def __init__(self) -> None:
        self._outcomes: dict[str, int] = {}
        self._shadows: dict[tuple[str, str], int] = {}
        self._labels: set[tuple[str, str]] = set()
        self._seconds: list[float] = []
        self._gathering = False

    def count(self, told: Told, question: Mapping[str, object], began: float) -> None:
        """One answer to the question that was read at `began`."""
        self._seconds.append(perf_counter() - began)
        outcome = "allow"
        if not isinstance(told, bytes):
            outcome = "allow" if "allow" in told else str(told.get("code", "nothing"))
            if "shadow" in told:
                self._count_shadow(str(question.get("route")), str(told["shadow"]).partition(DETAIL)[0])
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1
        if not self._gathering:
            self._hand_over()

    def _count_shadow(self, route: str, outcome: str) -> None:
        if (route, outcome) not in self._labels:
            if len(self._labels) >= MOST_SHADOWS:
                route = OTHER_ROUTES
            self._labels.add((route, outcome))
        key = route, outcome
        self._shadows[key] = self._shadows.get(key, 0) + 1

    def _hand_over(self) -> None:
        """Hand over what there is, and gather for a while; nothing there: the next count is handed over at once."""
        self._gathering = bool(self._seconds)
        if not self._gathering:
            return
        asyncio.get_running_loop().call_later(GATHERED_FOR_SECONDS, self._hand_over)
        outcomes, self._outcomes = self._outcomes, {}
        shadows, self._shadows = self._shadows, {}
        seconds, self._seconds = self._seconds, []
        for outcome, count in outcomes.items():
            QUESTIONS.labels(outcome).inc(count)
        for (route, outcome), count in shadows.items():
            SHADOW.labels(route, outcome).inc(count)
        observe_many(ANSWER_SECONDS, seconds)


async def _when_answered(
    answered: Awaitable[Told], question: Mapping[str, object], began: float, tally: _Tally
) -> Told:
    told = await answered
    tally.count(told, question, began)
    return told
