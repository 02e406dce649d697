"""Everything that may happen, as rules of a state machine. What must never happen is told by `node.judge`.

`Usual` is what is meant to happen, `Trouble` is one thing going wrong, `Plays` are troubles that meet: long stories that
rules drawn one by one would hardly ever tell.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.model.answering import Link
from tests.model.deployment import Bug, Deployment
from tests.model.node import Node, Wire
from tests.model.truth import RULES, SLOTS, Truth

one = st.integers(0, 1)
slots = st.sampled_from(SLOTS)
rules = st.sampled_from(sorted(RULES))
roles = st.integers(0, 3)
changes = st.sampled_from(Truth.CHANGES)
moments = st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0, 5.0])
jumps = st.sampled_from([-3600.0, -3.0, -0.5, 0.5, 3600.0])
gates = st.sampled_from(["store", "truth"])
failures = st.sampled_from(["before", "half", "after"])


class Machine(RuleBasedStateMachine):
    """The deployment, and what must hold after every rule and at the end."""

    bug: Bug | None = None

    def __init__(self) -> None:
        super().__init__()
        self.world = Deployment(type(self).bug)

    @invariant()
    def nothing_is_contradicted(self) -> None:
        self.world.check_everything()

    def teardown(self) -> None:
        if self.world.contradiction is None:
            self.world.finish()
            self.world.check_everything()

    def node(self, which: int) -> Node:
        return self.world.nodes[which]

    def wire(self, n: int, worker: int) -> Wire:
        workers = self.node(n).workers
        return self.node(n).wires[workers[worker % len(workers)].name]

    def links(self, n: int) -> list[Link]:
        node = self.node(n)
        if node.keeper is None:
            node.start_keeper()
        assert node.keeper is not None
        return [*(process.link for process in node.processes), node.keeper.link]

    def ask_anew(self, node: Node, process: int = 0) -> None:
        """Every token, whatever is known of it; and what is learned is not handed over."""
        node.are_lessons_held = True
        for token in self.world.truth.tokens.values():
            node.processes[process].ask(node.newest, token, "1")

    def change(self, what: str, which: int) -> None:
        self.world.truth.change(what, which)
        self.world.run()


class Usual(Machine):
    """Calls, changes, reloads, time."""

    @rule(n=one, worker=one, process=one, slot=slots, rule=rules)
    def ask(self, n: int, worker: int, process: int, slot: str, rule: str) -> None:
        """One call. The old worker is asked by a keep-alive client."""
        self.world.ask(self.node(n), worker, process, slot, rule)
        self.node(n).hand_over()

    @rule()
    def ask_everything(self) -> None:
        self.world.ask_everything()

    @rule(what=changes, which=roles)
    def something_changes(self, what: str, which: int) -> None:
        self.change(what, which)

    @rule(moment=moments)
    def wait(self, moment: float) -> None:
        self.world.wait(moment)

    @rule(n=one, unseen=st.booleans())
    def reload(self, n: int, unseen: bool) -> None:
        """Perhaps the keeper looks at HAProxy's processes only a moment later."""
        self.node(n).is_unseen = unseen
        self.node(n).reload()
        self.world.run()

    @rule(n=one, unseen=st.booleans())
    def switch(self, n: int, unseen: bool) -> None:
        """A reload that needs no new worker. Perhaps the keeper hears of it only a moment later."""
        self.node(n).is_unseen = unseen
        self.node(n).switch()
        self.node(n).adopt()
        self.world.run()


class Trouble(Machine):
    """One thing goes wrong, or right again."""

    @rule(n=one, who=st.integers(0, 2), is_deaf=st.booleans())
    def cut(self, n: int, who: int, is_deaf: bool) -> None:
        """The way to the feed is cut for a process, or answers of the feed get lost."""
        link = self.links(n)[who]
        link.is_deaf, link.is_cut = is_deaf, not is_deaf

    @rule(n=one)
    def mend(self, n: int) -> None:
        for link in self.links(n):
            link.is_cut = link.is_deaf = False
        self.world.run()

    @rule(n=one, process=one)
    def hang_process(self, n: int, process: int) -> None:
        """It looks at the feed once more, and says nothing about it before it wakes."""
        self.node(n).processes[process].hang()

    @rule(n=one, process=one)
    def wake_process(self, n: int, process: int) -> None:
        self.node(n).processes[process].wake()

    @rule(n=one, process=one, gate=gates)
    def hold_back(self, n: int, process: int, gate: str) -> None:
        """What this process is told comes in late."""
        self.node(n).processes[process].shut.add(gate)

    @rule(n=one, process=one)
    def let_in(self, n: int, process: int) -> None:
        self.node(n).processes[process].let_in()
        self.node(n).hand_over()

    @rule(n=one, process=one)
    def crash_process(self, n: int, process: int) -> None:
        self.node(n).restart_process(process)
        self.world.run()

    @rule(n=one)
    def crash_keeper(self, n: int) -> None:
        """Its last commands may still be on their way."""
        self.node(n).keeper = None

    @rule(n=one, is_unseen=st.booleans())
    def start_keeper(self, n: int, is_unseen: bool) -> None:
        self.node(n).start_keeper(is_unseen=is_unseen)
        self.world.run()

    @rule(n=one)
    def hang_keeper(self, n: int) -> None:
        keeper = self.node(n).keeper
        if keeper is not None:
            keeper.is_hung = True

    @rule(n=one)
    def wake_keeper(self, n: int) -> None:
        self.node(n).wake_keeper()

    @rule(n=one, worker=one)
    def crash_worker(self, n: int, worker: int) -> None:
        workers = self.node(n).workers
        self.node(n).kill(workers[worker % len(workers)].name)
        self.world.run()

    @rule(n=one, worker=one)
    def stick(self, n: int, worker: int) -> None:
        """The worker does not carry anything out, and serves."""
        self.wire(n, worker).is_stuck = True

    @rule(n=one, worker=one, steps=st.integers(1, 3))
    def carry_out_some(self, n: int, worker: int, steps: int) -> None:
        wire = self.wire(n, worker)
        if wire.parcels:
            self.node(n).carry_out_one(wire, steps)
            self.world.run()

    @rule(n=one, worker=one)
    def unstick(self, n: int, worker: int) -> None:
        self.wire(n, worker).is_stuck = False
        self.world.run()

    @rule(n=one, worker=one, how=failures)
    def fail(self, n: int, worker: int, how: str) -> None:
        """The next command is not done, or half of it, or all of it and nobody hears."""
        self.wire(n, worker).fails = how

    @rule(n=one)
    def hold_lessons(self, n: int) -> None:
        self.node(n).are_lessons_held = True

    @rule(n=one, what=st.sampled_from(["as they are", "twice", "backwards", "lost"]))
    def hand_lessons_over(self, n: int, what: str) -> None:
        node = self.node(n)
        node.are_lessons_held = False
        if what == "twice":
            node.lessons.extend(list(node.lessons))
        elif what == "backwards":
            node.lessons.reverse()
        elif what == "lost":
            node.lessons.clear()
        node.hand_over()

    @rule(n=one, seconds=jumps)
    def set_clock(self, n: int, seconds: float) -> None:
        self.node(n).set_clock(seconds)
        self.world.run()

    @rule(down=st.booleans())
    def publishers(self, down: bool) -> None:
        """They crash between the commit and the feed; another comes later."""
        self.world.publishers_are_down = down
        self.world.run()

    @rule(back=st.integers(-2, 40), readers_too=st.booleans())
    def fail_over(self, back: int, readers_too: bool) -> None:
        """Another feed takes over: with lower numbers, or higher ones; it may know nobody."""
        self.world.feed.fail_over(max(0, self.world.feed.n - back), readers_too=readers_too)
        self.world.run()

    @rule()
    def trim(self) -> None:
        self.world.feed.trim()
        self.world.run()


class Plays(Machine):
    """Troubles that meet."""

    @rule(n=one, process=one, gate=gates, slot=slots, what=changes, which=roles)
    def what_is_told_is_overtaken(
        self, n: int, process: int, gate: str, slot: str, what: str, which: int
    ) -> None:
        """What a process was told is true, comes in after a change, and its fact is handed over."""
        node = self.node(n)
        node.processes[process].shut.add(gate)
        node.processes[process].ask(node.newest, self.world.truth.tokens[slot], "1")
        self.change(what, which)
        node.processes[process].let_in()
        node.hand_over()

    @rule(n=one, what=changes, which=roles, moment=moments, seconds=jumps)
    def a_node_is_cut_off(self, n: int, what: str, which: int, moment: float, seconds: float) -> None:
        """And something changes elsewhere, and its clock is set."""
        self.world.ask_everything()
        for link in self.links(n):
            link.is_cut = True
        self.change(what, which)
        self.node(n).set_clock(seconds)
        self.world.wait(moment)

    @rule(n=one, process=one, what=changes, which=roles)
    def a_process_begins_slowly(self, n: int, process: int, what: str, which: int) -> None:
        """Something changes between its look at the feed and its first word there."""
        node = self.node(n)
        node.processes[process].is_hung = True
        self.world.wait(5)
        node.restart_process(process)
        node.processes[process].hang()
        self.change(what, which)
        node.processes[process].wake()
        for token in self.world.truth.tokens.values():
            node.processes[process].ask(node.newest, token, "1")

    @rule(n=one, what=changes, which=roles)
    def a_keeper_begins_slowly(self, n: int, what: str, which: int) -> None:
        """The same; and what was true before the change is handed over to it."""
        node = self.node(n)
        node.keeper = None
        self.world.wait(5)
        self.ask_anew(node)
        node.start_keeper(is_unseen=True)
        node.keeper.round()
        node.keeper.is_hung = True
        self.change(what, which)
        node.is_unseen = False
        node.wake_keeper()
        node.are_lessons_held = False
        node.hand_over()

    @rule(n=one, worker=one, what=changes, which=roles, then=changes, moment=moments, seconds=jumps)
    def a_worker_does_not_hear(
        self, n: int, worker: int, what: str, which: int, then: str, moment: float, seconds: float
    ) -> None:
        """It serves and carries nothing out; its clock is set; then it hears everything at once."""
        wire = self.wire(n, worker)
        self.world.ask_everything()
        wire.is_stuck = True
        self.change(what, which)
        self.world.wait(moment)
        self.node(n).set_clock(seconds)
        self.world.run()
        wire.is_stuck = False
        self.world.run()
        self.world.ask_everything()
        self.change(then, which)
        self.node(n).come_late(wire)

    @rule(n=one, worker=one, steps=st.integers(0, 3), what=changes, which=roles, then=changes)
    def a_keeper_dies_at_work(
        self, n: int, worker: int, steps: int, what: str, which: int, then: str
    ) -> None:
        """Its last command is done in part, or is still to come."""
        wire = self.wire(n, worker)
        wire.is_stuck = True
        self.change(what, which)
        if wire.parcels and steps:
            self.node(n).carry_out_one(wire, steps)
        self.node(n).start_keeper()
        wire.is_stuck = False
        self.world.run()
        self.world.ask_everything()
        self.change(then, which)
        self.node(n).come_late(wire)

    @rule(n=one, what=changes, which=roles, moment=moments, is_unseen=st.booleans())
    def a_keeper_is_away(self, n: int, what: str, which: int, moment: float, is_unseen: bool) -> None:
        """And something changes; when another begins, it may not see HAProxy's processes yet."""
        self.world.ask_everything()
        self.ask_anew(self.node(n))
        self.node(n).keeper = None
        self.change(what, which)
        self.world.wait(moment)
        self.node(n).start_keeper(is_unseen=is_unseen)
        self.world.run()
        self.node(n).are_lessons_held = False
        self.node(n).hand_over()

    @rule(
        n=one,
        process=one,
        trouble=st.sampled_from(["none", "reload", "fail over"]),
        what=changes,
        which=roles,
        moment=moments,
    )
    def lessons_come_late(
        self, n: int, process: int, trouble: str, what: str, which: int, moment: float
    ) -> None:
        """What a process found lies about while everything changes."""
        node = self.node(n)
        self.ask_anew(node, process)
        if trouble == "reload":
            node.reload()
        elif trouble == "fail over":
            self.world.feed.fail_over(0, readers_too=False)
        self.change(what, which)
        self.world.wait(moment)
        node.are_lessons_held = False
        node.hand_over()

    @rule(n=one, back=st.integers(-2, 40), readers_too=st.booleans(), what=changes, which=roles)
    def the_feed_fails_over_unheard(
        self, n: int, back: int, readers_too: bool, what: str, which: int
    ) -> None:
        """A node does not know yet that another feed has taken over; something changes there."""
        self.world.ask_everything()
        for link in self.links(n):
            link.is_cut = True
        self.world.feed.fail_over(max(0, self.world.feed.n - back), readers_too=readers_too)
        self.change(what, which)
        for link in self.links(n):
            link.is_cut = False
        self.world.run()

    @rule(n=one, process=one, gate=gates, held=st.booleans(), what=changes, which=roles)
    def routes_are_switched_slowly(
        self, n: int, process: int, gate: str, held: bool, what: str, which: int
    ) -> None:
        """Between the worker, each process and the keeper calls come, and something changes; one answer is late."""
        node = self.node(n)
        self.world.ask_everything()
        node.is_unseen = True
        if held:
            node.processes[process].shut.add(gate)
            self.ask_anew(node, process)
        for step in (node.switch, lambda: node.adopt(process), lambda: node.adopt(1 - process)):
            step()
            self.world.ask_everything()
        self.change(what, which)
        node.processes[process].let_in()
        node.is_unseen = False
        self.world.run()
        node.are_lessons_held = False
        node.hand_over()
        self.world.ask_everything()

    @rule(what=changes, which=roles)
    def publishers_crash(self, what: str, which: int) -> None:
        """Something is committed; what became of it in the feed is left to the next one."""
        self.world.publishers_are_down = True
        self.change(what, which)
        self.world.publishers_are_down = False
        self.world.run()


class NeverStale(Usual, Trouble, Plays):
    """Everything."""


class Hunt(Usual, Plays):
    """What a planted mistake is hunted with."""
