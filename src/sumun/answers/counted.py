"""Counts answers and times them, around whatever answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from time import perf_counter

from prometheus_client import Counter

from sumun.answers.translate import Variables
from sumun.telemetry.metrics import ANSWER_SECONDS, QUESTIONS

Answer = Callable[[Mapping[str, object]], Variables | Awaitable[Variables]]


def counted(answer: Answer) -> Answer:
    """The same answers, counted by outcome and timed."""

    def answer_and_count(args: Mapping[str, object]) -> Variables | Awaitable[Variables]:
        began = perf_counter()
        answered = answer(args)
        if isinstance(answered, dict):
            _count(answered, began)
            return answered
        return _when_answered(answered, began)

    return answer_and_count


async def _when_answered(answered: Awaitable[Variables], began: float) -> Variables:
    variables = await answered
    _count(variables, began)
    return variables


def _count(variables: Variables, began: float) -> None:
    ANSWER_SECONDS.observe(perf_counter() - began)
    _counter("allow" if "allow" in variables else str(variables.get("code", "nothing"))).inc()


@lru_cache(maxsize=64)
def _counter(outcome: str) -> Counter:
    """Bound once: finding a labelled child costs more than counting."""
    return QUESTIONS.labels(outcome)
