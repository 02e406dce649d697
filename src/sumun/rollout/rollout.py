"""A reload: the new generation is brought to life beside the old one, or everything stays as it was.

    1 compile    YAML -> plan -> files, checked by us and by HAProxy     nothing has changed
    2 install    a folder under a new number                            nothing has changed
    3 learn      every part can answer for the new generation           a part that cannot: retire it again, stop here
    4 switch     the link `current`, then HAProxy                       refused: link back, retire it again
    5 adopt      clients, logins and tokens are the new plan's          now it counts
    6 retire     the old generation, when nobody asks under it any more

HAProxy asks under the new generation from its first request, so every part learns it before (3 before 4). A number is
never used twice, not even after a refusal.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from sumun.config import Plan
from sumun.errors import SumunError
from sumun.rollout.generation import Generation

log = logging.getLogger(__name__)


class UncertainError(SumunError):
    """HAProxy may ask under the new generation, the old one, or both: parts go on knowing both, nothing is adopted."""

    code = "reload_uncertain"


class Learns(Protocol):
    """A part, as the rollout sees it. Every method raises SumunError."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    async def learn(self, generation: int) -> None:
        """Be ready to answer for it."""
        ...

    async def adopt(self, generation: int) -> None:
        """It is in force."""
        ...

    async def retire(self, generation: int) -> None:
        """Nobody asks under it any more."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a reload did.

    new_worker  HAProxy started one; what was open stays with the one before. False: the one that serves goes on
    behind      parts that could not follow and have to be started again
    """

    generation: int
    routes: int
    new_worker: bool
    notes: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    def sentence(self) -> str:
        """For people."""
        said = "".join(f"\n{note}" for note in self.notes)
        how = (
            "served by a new HAProxy worker" if self.new_worker else "switched in the running HAProxy worker"
        )
        return f"Generation {self.generation} is in force: {self.routes} routes, {how}.{said}"


class Rollout:
    """The steps, in order. One at a time: the caller holds a lock."""

    def __init__(
        self,
        parts: Callable[[], list[Learns]],
        switch: Callable[[Generation], None],
        serve: Callable[[Generation, Generation], Awaitable[bool]],
    ) -> None:
        """`switch` moves the link `current`.

        `serve` (old, new) returns when HAProxy serves the new one, True by a new worker; or raises, UncertainError if
        it may ask under the new one all the same.
        """
        self._parts = parts
        self._switch = switch
        self._serve = serve

    async def bring_up(self, plan: Plan, new: Generation, old: Generation) -> Report:
        """Steps 3 to 5. Raises what steps 3 and 4 raise; then all is as it was before, but for UncertainError."""
        parts = self._parts()
        learned: list[Learns] = []
        try:
            for part in parts:
                learned.append(part)
                await part.learn(new.number)
            self._switch(new)
            try:
                new_worker = await self._serve(old, new)
            except BaseException:
                self._switch(old)
                raise
        except UncertainError:
            raise
        except BaseException:
            for part in learned:
                await part.retire(new.number)
            raise
        behind = [part.name for part in parts if not await _adopts(part, new.number)]
        notes = tuple(f"{note.where}: {note.text}" for note in plan.notes)
        return Report(new.number, len(plan.routes), new_worker, notes, tuple(behind))


async def _adopts(part: Learns, generation: int) -> bool:
    """False when it could not: the generation is in force all the same, so this part must begin anew."""
    try:
        await part.adopt(generation)
    except SumunError as error:
        log.error("part %s did not adopt generation %d: %s", part.name, generation, error)
        return False
    return True
