"""The steps of a reload: their order, and what a failure leaves."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from sumun.errors import SumunError
from sumun.rollout.rollout import Report, Rollout, UncertainError

OLD, NEW = SimpleNamespace(number=1), SimpleNamespace(number=2)
PLAN = SimpleNamespace(routes=(1, 2, 3), notes=())


class Part:
    """A part that writes down what it is told, and fails where it is said to."""

    def __init__(self, name: str, said: list[str], fails: str = "") -> None:
        self.name, self._said, self._fails = name, said, fails

    async def _told(self, word: str, generation: int) -> None:
        self._said.append(f"{self.name} {word} {generation}")
        if word == self._fails:
            raise SumunError(f"{self.name} cannot {word}")

    async def learn(self, generation: int) -> None:
        await self._told("learn", generation)

    async def adopt(self, generation: int) -> None:
        await self._told("adopt", generation)

    async def retire(self, generation: int) -> None:
        await self._told("retire", generation)


def bring_up(said: list[str], *, fails: str = "", haproxy: SumunError | None = None) -> Report:
    """Bring NEW up beside OLD with two parts, the second of which fails at `fails`."""

    async def serve(old: SimpleNamespace, new: SimpleNamespace) -> bool:
        said.append(f"serve {old.number} {new.number}")
        if haproxy is not None:
            raise haproxy
        return True

    rollout = Rollout(
        lambda: [Part("a", said), Part("b", said, fails)],
        lambda generation: said.append(f"link {generation.number}"),
        serve,
    )
    return asyncio.run(rollout.bring_up(PLAN, NEW, OLD))


def test_every_part_learns_before_haproxy_reloads_and_adopts_after() -> None:
    """HAProxy asks under the new generation from the first request that it serves by it."""
    said: list[str] = []
    report = bring_up(said)
    assert said == ["a learn 2", "b learn 2", "link 2", "serve 1 2", "a adopt 2", "b adopt 2"]
    assert (report.generation, report.routes, report.behind) == (2, 3, ())


def test_a_part_that_cannot_learn_stops_it() -> None:
    """Nothing was switched, and who learned is told to forget."""
    said: list[str] = []
    with pytest.raises(SumunError, match="b cannot learn"):
        bring_up(said, fails="learn")
    assert said == ["a learn 2", "b learn 2", "a retire 2", "b retire 2"]


def test_a_refused_reload_puts_the_link_back() -> None:
    """The old generation is current again, and nobody answers for the new one."""
    said: list[str] = []
    with pytest.raises(SumunError, match="HAProxy says no"):
        bring_up(said, haproxy=SumunError("HAProxy says no"))
    assert said[2:] == ["link 2", "serve 1 2", "link 1", "a retire 2", "b retire 2"]


def test_when_nobody_knows_what_haproxy_asks_under_both_are_answered() -> None:
    """The old generation is current again and in force, and whoever asks under the new one has an answer too."""
    said: list[str] = []
    with pytest.raises(UncertainError):
        bring_up(said, haproxy=UncertainError("it does not answer"))
    assert said == ["a learn 2", "b learn 2", "link 2", "serve 1 2", "link 1"]


def test_a_part_that_cannot_adopt_is_named_and_the_generation_is_in_force() -> None:
    """HAProxy serves it already: there is no way back, so the part is to begin anew."""
    said: list[str] = []
    assert bring_up(said, fails="adopt").behind == ("b",)
    assert "a adopt 2" in said
