"""Answers are counted: none is forgotten, whether it came at once or later."""

from __future__ import annotations

import asyncio

import pytest

from sumun.answers import counted as counted_module
from sumun.answers.counted import counted
from sumun.telemetry.metrics import ANSWER_SECONDS, QUESTIONS, SHADOW


def seen() -> dict[tuple[str, str], float]:
    """Every sample of both metrics."""
    return {
        (sample.name, sample.labels.get("outcome", sample.labels.get("le", ""))): sample.value
        for metric in (QUESTIONS, ANSWER_SECONDS)
        for family in metric.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_each_answer_is_counted_by_outcome_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two allows, one of them later, a refusal and a nothing: four timed questions, by outcome; the first at once, all soon after."""
    monkeypatch.setattr(counted_module, "GATHERED_FOR_SECONDS", 0.01)
    before = seen()

    async def later():
        await asyncio.sleep(0)
        return {"allow": True}

    answers = {"now": {"allow": True}, "no": {"status": 401, "code": "invalid_token"}, "none": {}}

    async def ask_all() -> None:
        ask = counted(lambda args: later() if args["q"] == "later" else answers[args["q"]])
        assert ask({"q": "now"}) == answers["now"]
        assert (
            seen()["sumun_questions_total", "allow"] == before.get(("sumun_questions_total", "allow"), 0) + 1
        )
        for question in ("no", "none"):
            assert ask({"q": question}) == answers[question]
        assert await ask({"q": "later"}) == {"allow": True}
        await asyncio.sleep(0.1)

    asyncio.run(ask_all())
    grown = {name: value - before.get(name, 0) for name, value in seen().items()}
    assert grown["sumun_questions_total", "allow"] == 2
    assert grown["sumun_questions_total", "invalid_token"] == 1
    assert grown["sumun_questions_total", "nothing"] == 1
    assert grown["sumun_answer_seconds_bucket", "+Inf"] == 4


def test_shadow_rules_are_counted_by_route_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call that a shadow rule would turn counts; routes beyond what the file holds count together."""
    monkeypatch.setattr(counted_module, "GATHERED_FOR_SECONDS", 0.01)
    monkeypatch.setattr(counted_module, "MOST_SHADOWS", 2)

    async def ask_all() -> None:
        ask = counted(lambda args: {"allow": True, **({"shadow": args["s"]} if "s" in args else {})})
        for route, says in (("a", "allow"), ("a", "x/y"), ("a", "x/z"), ("b", "x"), ("c", "x"), ("d", "")):
            ask({"route": route, **({"s": says} if says else {})})
        await asyncio.sleep(0.1)

    asyncio.run(ask_all())
    (family,) = SHADOW.collect()
    counts = {
        (sample.labels["route"], sample.labels["outcome"]): sample.value
        for sample in family.samples
        if sample.name == "sumun_shadow_total"
    }
    assert counts == {("a", "allow"): 1, ("a", "x"): 2, ("-", "x"): 2}
