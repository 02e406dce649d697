"""The whole deployment in virtual time: one truth, one store, one feed, two nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sumun.haproxy.known import FACTS, MARKS, STATE
from sumun.keeper import Bounds, Ledger
from tests.model.answering import BOUND_SECONDS, WAITED_FOR_SECONDS, AnsweringProcess
from tests.model.feed import Feed
from tests.model.haproxy_worker import Worker
from tests.model.history import BrokenPromiseError, Version
from tests.model.keeper import Keeper
from tests.model.node import Node
from tests.model.truth import RULES, SLOTS, Outcome, Truth, done

SILENT_SECONDS = 1.0
BOUNDS = Bounds(facts=4, verdicts=8, marks=6, masked=2, waiting=4, turn_seconds=2.0)
HEARTBEAT_SECONDS = 0.5
MOST_UNSETTLED = 8
MOST_ASKED = 8
"""A stale row may hide two renewals (`Bounds.masked`) in each of two maps."""

Bug = Callable[["Deployment"], None]


class Deployment:
    """Everything there is. `steady` is the steady clock of all machines and of the store."""

    bound = BOUND_SECONDS
    silent = SILENT_SECONDS

    def __init__(self, bug: Bug | None = None) -> None:
        self.steady = 1000.0
        self.seen: Counter[str] = Counter()
        """What happened how often: a model in which nothing happens proves nothing."""
        self.contradiction: AssertionError | None = None
        self.looks_at_rows = True
        self.ledger_class: type[Ledger] = Ledger
        self.keeper_class: type[Keeper] = Keeper
        self.process_class: type[AnsweringProcess] = AnsweringProcess
        self.node_class: type[Node] = Node
        self.feed = Feed(lambda: self.steady, WAITED_FOR_SECONDS)
        self.truth = Truth(self.feed, lambda: self.steady)
        self.reloads: list[tuple[Node, Version]] = []
        self.last_answer: Outcome | str = None
        if bug is not None:
            bug(self)
        self.nodes: list[Node] = []
        self.publishers_are_down = False
        for name, offset in (("A", 1_700_000_000.0), ("B", 1_700_000_000.4)):
            self.nodes.append(self.node_class(name, self, offset))
        self.run()
        self.ask_everything()

    def new_ledger(self) -> Ledger:
        return self.ledger_class(
            serve_known_for_seconds=self.bound, bounds=BOUNDS, silent_seconds=self.silent
        )

    # -- time ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let everybody do what there is to do now."""
        self.truth.publishers(are_down=self.publishers_are_down)
        for node in self.nodes:
            node.beat()
        self.see_what_is_confirmed()

    def wait(self, seconds: float) -> None:
        """Time passes; everybody has a heartbeat."""
        end = self.steady + seconds
        while self.steady < end:
            self.steady = min(end, self.steady + HEARTBEAT_SECONDS)
            for node in self.nodes:
                node.is_unseen = False
            self.run()
            self.check_everything()

    # -- questions -------------------------------------------------------------------------------------------------

    def ask(self, node: Node, worker: int, process: int, slot: str, rule: str) -> bool:
        """One call; True when the worker let it through without asking."""
        token = self.truth.tokens[slot]
        its = node.workers[worker % len(node.workers)]
        known = its.known(token.key, rule, node.wall())
        if known is not None:
            self.seen["known"] += 1
            node.judge(its, token, rule, (known.profile, known.verdict))
            return True
        self.seen["asked"] += 1
        node.processes[process].ask(its, token, rule)
        return False

    def ask_everything(self) -> None:
        """Every token comes by every route at every node's newest worker, and what is learned is handed over."""
        for node in self.nodes:
            for slot in SLOTS:
                for rule in RULES:
                    self.ask(node, -1, 0, slot, rule)
                node.hand_over()

    # -- what is promised ------------------------------------------------------------------------------------------

    def see_what_is_confirmed(self) -> None:
        """A changing call polls, on every node; when nobody there is behind, it returns."""
        truth = self.truth
        for version in truth.unsettled:
            for node in self.nodes:
                if node.name in version.confirmed_on:
                    continue
                if not done(self.feed.unconfirmed(node.name, version.n)):
                    version.confirmed_on.add(node.name)
                    self.seen["returned"] += 1
                    for worker in node.workers:
                        node.check(worker)
        truth.unsettled = [v for v in truth.unsettled if len(v.confirmed_on) < len(self.nodes)][
            -MOST_UNSETTLED:
        ]
        for node, version in self.reloads:
            if node.has_adopted():
                version.confirmed_on.add(node.name)
                self.seen["reloaded"] += 1
        self.reloads = [(node, version) for node, version in self.reloads if not version.confirmed_on]

    def check_everything(self) -> None:
        for node in self.nodes:
            for worker in node.workers:
                node.check(worker)
                self.check_rows(worker)

    def check_rows(self, worker: Worker) -> None:
        """A map holds a key once, and no more facts than it may."""
        if not self.looks_at_rows:
            return
        for name in (*FACTS, STATE, *MARKS.values()):
            twice = [key for key, rows in worker.maps[name].items() if len(rows) > 1]
            if twice:
                raise BrokenPromiseError(f"{worker.name} holds {twice} twice in {name}")
        if any(len(worker.maps[name]) > BOUNDS.facts // 2 for name in FACTS):
            raise BrokenPromiseError(f"{worker.name} holds more facts than it may")

    # -- the end ---------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Everything works again."""
        self.publishers_are_down = False
        for node in self.nodes:
            for wire in node.wires.values():
                wire.is_stuck, wire.fails = False, ""
            for process in node.processes:
                process.link.is_cut = process.link.is_deaf = False
                process.wake()
                process.let_in()
            node.are_lessons_held = False
            if node.keeper is None:
                node.start_keeper()
            node.wake_keeper()
            assert node.keeper is not None
            node.keeper.link.is_cut = node.keeper.link.is_deaf = False

    def finish(self) -> None:
        """Everything works again; then every answer is right, and is soon given without asking."""
        self.heal()
        self.wait(2 * self.bound + 1)
        for node in self.nodes:
            for slot in SLOTS:
                for rule in RULES:
                    self._is_known_soon(node, slot, rule)

    def _is_known_soon(self, node: Node, slot: str, rule: str) -> None:
        token = self.truth.tokens[slot]
        right = self.truth.outcome(token, rule, node.generation, node.name)
        for _ in range(MOST_ASKED):
            known = node.newest.known(token.key, rule, node.wall())
            self.last_answer = "none at all"
            self.ask(node, -1, 1, slot, rule)
            if self.last_answer != right:
                raise BrokenPromiseError(
                    f"the answer for {token.name} is {self.last_answer}, {right} is right"
                )
            if right is None or known is not None:
                return
            node.hand_over()
        raise BrokenPromiseError(f"{token.name} by {rule} is never known to {node.newest.name}")
