"""Counts answers and times them, around whatever answers.

The shared files of the metrics cost three system calls a time. So after a count, those of the next moment are gathered
here and handed over together. A process that is killed takes the last of them with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from sumun.answers.translate import Variables
from sumun.telemetry.metrics import ANSWER_SECONDS, QUESTIONS, observe_many

Answer = Callable[[Mapping[str, object]], Variables | Awaitable[Variables]]

GATHERED_FOR_SECONDS = 0.2


def counted(answer: Answer) -> Answer:
    """The same answers, counted by outcome and timed. To be asked on an event loop."""
    tally = _Tally()

    def answer_and_count(args: Mapping[str, object]) -> Variables | Awaitable[Variables]:
        began = perf_counter()
        answered = answer(args)
        if isinstance(answered, dict):
            tally.count(answered, began)
            return answered
        return _when_answered(answered, began, tally)

    return answer_and_count


class _Tally:
    """What was counted and not handed over yet."""

    def __init__(self) -> None:
        self._outcomes: dict[str, int] = {}
        self._seconds: list[float] = []
        self._gathering = False

    def count(self, variables: Variables, began: float) -> None:
        """One answer to the question that was read at `began`."""
        self._seconds.append(perf_counter() - began)
        outcome = "allow" if "allow" in variables else str(variables.get("code", "nothing"))
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1
        if not self._gathering:
            self._hand_over()

    def _hand_over(self) -> None:
        """Hand over what there is, and gather for a while; nothing there: the next count is handed over at once."""
        self._gathering = bool(self._seconds)
        if not self._gathering:
            return
        asyncio.get_running_loop().call_later(GATHERED_FOR_SECONDS, self._hand_over)
        outcomes, self._outcomes = self._outcomes, {}
        seconds, self._seconds = self._seconds, []
        for outcome, count in outcomes.items():
            QUESTIONS.labels(outcome).inc(count)
        observe_many(ANSWER_SECONDS, seconds)


async def _when_answered(answered: Awaitable[Variables], began: float, tally: _Tally) -> Variables:
    variables = await answered
    tally.count(variables, began)
    return variables
