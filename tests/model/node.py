"""A node: a wall clock, HAProxy's workers with the wires to them, two answering processes, a keeper."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sumun.haproxy.kept import Fact, Verdict
from sumun.haproxy.known import LEASE, STATE
from sumun.keeper import Command, Order
from sumun.keeper.commands import Change
from tests.model.haproxy_worker import NotThereError, Worker
from tests.model.history import BrokenPromiseError
from tests.model.keeper import Keeper
from tests.model.truth import RULES, Outcome, Token

if TYPE_CHECKING:
    from tests.model.deployment import Deployment

PROCESSES = 2
QUEUE = 6
"""Lessons that wait for the keeper; more are lost."""


@dataclass
class Parcel:
    """A command on its way; its keeper may be dead when it is carried out."""

    keeper: Keeper
    command: Command
    set_backs: int
    """How often the node's clock had been set back when it was sent."""


@dataclass
class Wire:
    """The way to one worker's socket: in order, one command at a time. `fails`: how the next command goes wrong."""

    worker: Worker
    parcels: deque[Parcel] = field(default_factory=deque)
    is_stuck: bool = False
    fails: str = ""
    done_steps: int = 0
    ghosts: list[Parcel] = field(default_factory=list)
    """Commands that may still be carried out although nobody waits for them. The driver's part: there are none."""


class Node:
    """One node of the deployment."""

    def __init__(self, name: str, world: Deployment, offset: float) -> None:
        self.name = name
        self.world = world
        self.offset = offset
        self.set_backs = 0
        self.generation = 2
        self.started = 0
        self.workers: list[Worker] = []
        self.wires: dict[str, Wire] = {}
        self.is_unseen = False
        """The keeper has not looked at HAProxy's processes since they changed, nor heard what they serve."""
        self.told = self.generation
        """The generation that the keeper was told of last."""
        self.lessons: deque[tuple[str, int, tuple[Fact, Verdict]]] = deque(maxlen=QUEUE)
        self.are_lessons_held = False
        world.truth.history.begin(f"configuration of {name}", self.generation)
        self.start_haproxy()
        self.processes = [world.process_class(f"answer-{i}", self, self.generation) for i in range(PROCESSES)]
        self.keeper: Keeper | None = None
        self.unheard: list[tuple[Worker, Command | None]] = []
        """Answers that came while the keeper hung; None: the command failed."""
        self.start_keeper()

    def wall(self) -> float:
        return self.world.steady + self.offset

    # -- everybody at work -----------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Each process does one round."""
        for process in self.processes:
            process.round()
        if self.keeper is not None:
            self.keeper.round()
        self.hand_over()

    def hand_over(self) -> None:
        """The keeper gets what the answering processes learned."""
        if self.are_lessons_held or self.keeper is None or self.keeper.is_hung:
            return
        while self.lessons:
            incarnation, adopted, lesson = self.lessons.popleft()
            self.keeper.ledger.learned(incarnation, adopted, [lesson])
        self.keeper.drive()

    def restart_process(self, which: int) -> None:
        """An answering process ends, and another takes its name."""
        self.processes[which] = self.world.process_class(f"answer-{which}", self, self.generation)

    # -- HAProxy ---------------------------------------------------------------------------------------------------

    @property
    def newest(self) -> Worker:
        return self.workers[-1]

    def start_haproxy(self) -> None:
        """All workers are gone; one of the generation in force begins."""
        self.workers, self.wires = [], {}
        self.start_worker()

    def start_worker(self) -> None:
        self.started += 1
        worker = Worker(f"{self.name}{self.started}", self.generation)
        worker.set_backs = self.set_backs
        self.workers.append(worker)
        self.wires[worker.name] = Wire(worker)

    def kill(self, name: str) -> None:
        """A worker is gone. If it was the newest, HAProxy's master ends all of them, and is started again."""
        if name == self.newest.name:
            self.start_haproxy()
        else:
            self.workers = [worker for worker in self.workers if worker.name != name]
            self.wires.pop(name, None)
        self.is_unseen = False

    def reload(self) -> None:
        """A new generation: a new worker, and the old one stays for its keep-alive clients and streams."""
        self.begin_generation()
        if len(self.workers) > 2:
            self.kill(self.workers[0].name)
        self.start_worker()
        self.adopt()

    def switch(self) -> None:
        """A new generation in the same worker: the rows of its routes are switched, which nobody knows yet."""
        self.begin_generation()
        self.newest.generation = self.generation

    def begin_generation(self) -> None:
        self.generation += 1
        version = self.world.truth.history.add(f"configuration of {self.name}", self.generation)
        self.world.reloads.append((self, version))

    def adopt(self, which: int | None = None) -> None:
        """The clients of the new generation count in this process, or in all."""
        for process in self.processes if which is None else [self.processes[which]]:
            process.adopt(self.generation)

    def show_processes(self) -> None:
        """The keeper looks which workers there are."""
        if self.keeper is not None and not self.is_unseen:
            generations = {worker.name: worker.generation for worker in self.workers}
            self.keeper.ledger.workers(generations, self.newest.name)
            self.told = self.generation

    def has_adopted(self) -> bool:
        """Everybody has: the reload returns."""
        keeper, adopted = self.keeper, {self.told, *(process.adopted for process in self.processes)}
        return (
            adopted == {self.generation}
            and keeper is not None
            and keeper.ledger.is_trusted_only(self.newest.name)
        )

    def set_clock(self, seconds: float) -> None:
        """The wall clock is set; the keeper hears of it at once (timerfd_create(2): TFD_TIMER_CANCEL_ON_SET)."""
        self.offset += seconds
        self.set_backs += seconds < 0
        if self.keeper is not None:
            self.keeper.drive()

    # -- the keeper ------------------------------------------------------------------------------------------------

    def start_keeper(self, *, is_unseen: bool = False) -> None:
        """A keeper that knows nothing of what another of its name did. It may not see yet which workers there are."""
        self.is_unseen = is_unseen
        self.unheard.clear()
        self.keeper = self.world.keeper_class("keeper", self, self.world.new_ledger())

    def wake_keeper(self) -> None:
        """It was stopped for a while, and hears now what came meanwhile."""
        if self.keeper is not None and self.keeper.is_hung:
            self.keeper.is_hung = False
            while self.unheard:
                self._told(self.keeper, *self.unheard.pop(0))
            self.keeper.drive()

    def send(self, keeper: Keeper, order: Order) -> None:
        wire = self.wires.get(order.worker)
        if wire is not None:
            wire.parcels.append(Parcel(keeper, order.command, self.set_backs))

    def carry_out(self) -> bool:
        """Every worker that can carries out what is on its wire."""
        carried = False
        for wire in list(self.wires.values()):
            while wire.parcels and not wire.is_stuck:
                self.carry_out_one(wire)
                carried = True
        return carried

    def carry_out_one(self, wire: Wire, most: int = 10**6) -> None:
        """The first command on the wire, or its next `most` steps."""
        parcel, worker = wire.parcels[0], wire.worker
        steps = parcel.command.steps
        end = {"before": 0, "half": (len(steps) + 1) // 2}.get(wire.fails, len(steps))
        failed = wire.fails != ""
        while wire.done_steps < end and most > 0:
            step = steps[wire.done_steps]
            try:
                worker.do(step)
            except NotThereError:
                failed, end = True, 0
                break
            if isinstance(step, Change) and (step.map, step.key) == (STATE, LEASE):
                worker.set_backs = parcel.set_backs
            wire.done_steps += 1
            most -= 1
            self.check(worker)
        if wire.done_steps >= end:
            wire.parcels.popleft()
            wire.done_steps, wire.fails = 0, ""
            self.world.seen["failed" if failed else type(parcel.command).__name__] += 1
            self._answer(parcel, worker, None if failed else parcel.command)

    def come_late(self, wire: Wire) -> None:
        """What nobody waits for any more is carried out."""
        while wire.ghosts:
            parcel = wire.ghosts.pop(0)
            with suppress(NotThereError):
                for step in parcel.command.steps:
                    wire.worker.do(step)

    def _answer(self, parcel: Parcel, worker: Worker, command: Command | None) -> None:
        if parcel.keeper is not self.keeper:
            return
        if self.keeper.is_hung:
            self.unheard.append((worker, command))
        else:
            self._told(self.keeper, worker, command)

    def _told(self, keeper: Keeper, worker: Worker, command: Command | None) -> None:
        if command is None:
            keeper.failed(worker)
        else:
            keeper.answered(worker, command)

    # -- what is promised ------------------------------------------------------------------------------------------

    def check(self, worker: Worker) -> None:
        """Ask this worker everything that it might know."""
        if not worker.believes(self.wall()):
            return
        for token in self.world.truth.tokens.values():
            for rule in RULES:
                known = worker.known(token.key, rule, self.wall())
                if known is not None:
                    self.judge(worker, token, rule, (known.profile, known.verdict))

    def judge(
        self, worker: Worker, token: Token, rule: str, outcome: Outcome, generation: int | None = None
    ) -> None:
        """An answer was given, by this worker or through it, to a request that this generation routed."""
        world = self.world
        world.last_answer = outcome
        if self.is_excused(worker):
            return
        bound = world.bound + (world.silent if self.was_set_back(worker) else 0)
        routed_by = worker.generation if generation is None else generation
        right = world.truth.admissible(token, rule, routed_by, self.name, world.steady, bound)
        if outcome not in right:
            world.contradiction = BrokenPromiseError(
                f"{worker.name} said {outcome} of {token.name} by {rule} at {world.steady}; right is {right}"
            )
            raise world.contradiction

    def was_set_back(self, worker: Worker) -> bool:
        """It has a lease of before the wall clock was set back."""
        return worker.set_backs < self.set_backs and worker.believes(self.wall())

    def is_excused(self, worker: Worker) -> bool:
        """The one hole: the clock was set back, and no keeper has been there to notice."""
        keeper = self.keeper
        return self.was_set_back(worker) and (
            keeper is None or keeper.is_hung or worker.name not in keeper.heard_of
        )
