"""The model of docs/freshness.md: nothing stale is answered, whatever happens, and what is planted is found.

`make soak` goes on with other examples each time; SUMUN_MODEL_EXAMPLES and SUMUN_MODEL_STEPS say how many and how long.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from sumun.keeper import Command
from tests.model.bugs import BUGS
from tests.model.deployment import Bug
from tests.model.history import BrokenPromiseError
from tests.model.machine import Hunt, Machine, NeverStale

CALM = settings(database=None, print_blob=False, suppress_health_check=list(HealthCheck))
SOAK_EXAMPLES = int(os.environ.get("SUMUN_MODEL_EXAMPLES", "5000"))
SOAK_STEPS = int(os.environ.get("SUMUN_MODEL_STEPS", "80"))


def watched(machine: type[Machine], seen: Counter[str]) -> type[Machine]:
    """The same machine; what happened in it is counted."""

    class Watched(machine):
        def teardown(self) -> None:
            super().teardown()
            seen.update(self.world.seen)

    return Watched


@pytest.mark.parametrize(("machine", "examples", "steps"), [(NeverStale, 250, 50), (Hunt, 150, 12)])
def test_never_stale(machine: type[Machine], examples: int, steps: int) -> None:
    """Nothing contradicts a change that returned or is older than the bound; and in the end all is known again."""
    seen: Counter[str] = Counter()
    calm = settings(CALM, max_examples=examples, stateful_step_count=steps)
    run_state_machine_as_test(seed(1)(watched(machine, seen)), settings=calm)
    assert seen["known"] > examples
    assert seen["returned"] > examples
    happens = {"asked", "reloaded", *(command.__name__ for command in get_args(Command))}
    if machine is NeverStale:
        happens |= {"failed", "Stop"}
    assert happens <= seen.keys(), f"never happened: {happens - seen.keys()}"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_planted_mistakes_are_found(bug: Bug) -> None:
    """A model that cannot fail proves nothing: each of these mistakes is caught."""
    planted = type("Planted", (Hunt,), {"bug": staticmethod(bug)})
    hunting = settings(CALM, max_examples=5000, stateful_step_count=12, phases=(Phase.generate,))
    with pytest.raises(BrokenPromiseError):
        run_state_machine_as_test(seed(1)(planted), settings=hunting)


@pytest.mark.soak
def test_never_stale_for_long() -> None:
    """The same with examples that nobody chose, for as long as it is told."""
    calm = settings(CALM, max_examples=SOAK_EXAMPLES, stateful_step_count=SOAK_STEPS, print_blob=True)
    run_state_machine_as_test(NeverStale, settings=calm)
