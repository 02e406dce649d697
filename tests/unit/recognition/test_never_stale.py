"""No Proven after the change was confirmed: the real memory, reader and recogniser against everything that may happen.

Changes, questions, answers that come late, news that is lost, a feed that begins anew, processes that crash, a cut
link, a directory that is down, a clock that jumps. `world.py` catches a contradiction at the moment it is told; the end
checks that with everything healed each process answers again and truly, so saying nothing at all is no way to pass.

Below, bugs are planted one at a time, and each must be found.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from sumun.recognition.memory import Entry, Ticket
from sumun.tokens.feed import Position
from tests.unit.recognition.world import Process, World

processes = st.integers(0, 1)
names = st.sampled_from(["opaque-0", "opaque-1", "jwt-0", "jwt-1"])
changes = st.sampled_from(World.CHANGES)
gates = st.sampled_from(["store", "truth", "news"])
moments = st.sampled_from([0.0, 0.001, 0.02, 0.3, 1.0, 3.0])


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The reader says thousands of times what is expected here."""
    caplog.set_level(logging.CRITICAL, "sumun.recognition")


class NeverStale(RuleBasedStateMachine):
    """What may happen."""

    sabotage: Callable[[Process], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.world = World(type(self).sabotage)

    @rule(process=processes, name=names)
    def ask(self, process: int, name: str) -> None:
        self.world.ask(process, name)

    @rule(process=processes, name=names, moment=moments)
    def ask_and_wait(self, process: int, name: str, moment: float) -> None:
        self.world.ask(process, name)
        self.world.loop.pass_time(moment)

    @rule(moment=moments)
    def wait(self, moment: float) -> None:
        self.world.loop.pass_time(moment)

    @rule(gate=gates)
    def hold_answers_back(self, gate: str) -> None:
        self.world.gates[gate].shut = True

    @rule(gate=gates, index=st.integers(0, 5))
    def deliver_one(self, gate: str, index: int) -> None:
        self.world.gates[gate].let_go(index)

    @rule(gate=gates)
    def deliver_all(self, gate: str) -> None:
        self.world.gates[gate].open()

    @rule(gate=gates)
    def something_is_down(self, gate: str) -> None:
        self.world.gates[gate].down = True

    @rule(change=changes)
    def change(self, change: str) -> None:
        self.world.change(change)

    @rule(process=processes, name=names, gate=gates, change=changes, lost=st.booleans(), moment=moments)
    def a_question_is_overtaken(
        self, process: int, name: str, gate: str, change: str, lost: bool, moment: float
    ) -> None:
        """Its answer was true when it was given, and is delivered after the change was applied, or its news lost."""
        self.world.heal()
        self.world.loop.pass_time(1)
        self.world.change("roles")  # so that the standing is not known
        self.world.loop.pass_time(0.02)
        self.world.gates[gate].shut = True
        self.world.ask(process, name)
        self.world.loop.pass_time(0.001)
        self.world.change(change)
        if lost:
            self.world.feed.lose_before(self.world.feed._n + 1)
        self.world.loop.pass_time(moment)
        self.world.gates[gate].open()
        self.world.loop.pass_time(0.001)
        self.world.ask(process, name)

    @rule(process=processes, name=names, change=changes)
    def a_start_meets_a_change(self, process: int, name: str, change: str) -> None:
        """A process is new, and something changes while it loads what it must know."""
        self.world.gates["news"].shut = True
        self.world.crash(process)
        self.world.loop.pass_time(0.001)
        self.world.change(change)
        self.world.loop.pass_time(0.001)
        self.world.gates["news"].open()
        self.world.loop.pass_time(0.1)
        self.world.ask(process, name)
        self.world.loop.pass_time(0.001)

    @rule(process=processes, name=names, change=changes, moment=moments)
    def a_change_meets_trouble(self, process: int, name: str, change: str, moment: float) -> None:
        """The reader waits for the directory, or is cut off, while everybody goes on asking."""
        self.world.gates["news"].shut = True
        self.world.change(change)
        self.world.loop.pass_time(0.02)
        self.world.ask(process, name)
        self.world.loop.pass_time(0.02)
        self.world.processes[process].wire.cut = True
        self.world.loop.pass_time(moment)
        self.world.gates["news"].open()
        self.world.ask(process, name)

    @rule()
    def news_is_lost(self) -> None:
        self.world.feed.lose_before(self.world.feed._n + 1)

    @rule(again_from=st.integers(0, 3))
    def feed_begins_anew(self, again_from: int) -> None:
        self.world.feed.begin_anew(again_from)

    @rule(process=processes)
    def link_is_cut(self, process: int) -> None:
        self.world.processes[process].wire.cut = True

    @rule(process=processes)
    def link_is_mended(self, process: int) -> None:
        self.world.processes[process].wire.cut = False

    @rule(process=processes)
    def crash(self, process: int) -> None:
        self.world.crash(process)

    @rule(seconds=st.sampled_from([-3600.0, 3600.0]))
    def wall_clock_jumps(self, seconds: float) -> None:
        self.world.wall_ahead += seconds

    @invariant()
    def nothing_is_contradicted(self) -> None:
        if self.world.contradiction is not None:
            raise self.world.contradiction

    def teardown(self) -> None:
        if self.world.contradiction is None:
            self.world.finish()
            self.nothing_is_contradicted()
        else:
            self.world.loop.finish()


CALM = settings(
    max_examples=60,
    stateful_step_count=50,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_never_stale() -> None:
    """Whatever happens, nothing is proven against a confirmed change; afterwards everything is answered again."""
    run_state_machine_as_test(NeverStale, settings=CALM)


# -- planted bugs ----------------------------------------------------------------------------------------------------


def late_writes_are_kept(process: Process) -> None:
    memory = process.memory

    def keep(where: Any, ticket: Ticket, about: object, key: object, found: object) -> bool:
        where.put(key, Entry(found, ticket.n))
        return True

    memory._keep = keep


def answers_are_not_checked_again(process: Process) -> None:
    process.memory.unchanged_since = lambda ticket, about: ticket.era == process.memory._era


def tickets_outlive_what_was_forgotten(process: Process) -> None:
    memory, start_over = process.memory, process.memory._start_over

    def same_era(n: int) -> None:
        era = memory._era
        start_over(n)
        memory._era = era

    memory._start_over = same_era


def ticket_is_taken_after_the_look(process: Process) -> None:
    recogniser = process.recogniser

    async def standing(subject: Any) -> Any:
        known = recogniser._memory.standing(subject)
        if known is not None:
            return recogniser._memory.ticket(), known.value
        found = await recogniser._directory.standing(subject)
        ticket = recogniser._memory.ticket()
        recogniser._memory.keep_standing(ticket, subject, found)
        return ticket, found

    recogniser._standing = standing


def denials_are_not_loaded_at_the_beginning(process: Process) -> None:
    begin = process.memory.begin
    process.memory.begin = lambda n, keys, denials: begin(n, keys, [])


def denials_are_not_loaded_with_the_news(process: Process) -> None:
    apply = process.memory.apply
    process.memory.apply = lambda news, keys, denials: apply(news, keys, [])


def keys_are_not_loaded_with_the_news(process: Process) -> None:
    apply = process.memory.apply
    process.memory.apply = lambda news, keys, denials: apply(news, None, denials)


def verified_claims_survive_their_key(process: Process) -> None:
    process.memory._claims.clear = lambda: None


def confirmed_before_applied(process: Process) -> None:
    reader, learn = process.reader, process.reader._learn

    async def early(news: Any) -> None:
        await reader._feed.confirm("n", process.name, Position(reader._position.incarnation, news[-1].n), 60)
        await learn(news)

    reader._learn = early


def lost_news_is_skipped(process: Process) -> None:
    reader, begin = process.reader, process.reader._begin

    async def go_on() -> None:
        if reader._began_once:
            reader._position = await reader._feed.head()
        else:
            await begin()
            reader._began_once = True

    reader._began_once = False
    reader._begin = go_on
    reader._lose = lambda: setattr(reader, "_position", None)


def head_is_read_after_the_truth(process: Process) -> None:
    reader = process.reader

    async def begin() -> None:
        reader._memory.forget()
        keys, denials = await reader._truth.keys(), await reader._truth.live_denials(None)
        reader._position = await reader._feed.head()
        reader._memory.begin(reader._position.n, keys, denials)

    reader._begin = begin


def trust_never_ends(process: Process) -> None:
    trust = process.memory.trust_until
    process.memory.trust_until = lambda until: trust(until + 1e9)


def trusted_without_confirming(process: Process) -> None:
    reader = process.reader

    async def only_trust(began: float) -> None:
        reader._memory.trust_until(began + reader._serve_known_for_seconds)

    reader._confirm = only_trust


def feed_waits_too_short(process: Process) -> None:
    wire = process.reader._feed
    confirm = wire.confirm
    wire.confirm = lambda node, name, position, alive_for: confirm(node, name, position, alive_for / 4)


BUGS = [
    late_writes_are_kept,
    answers_are_not_checked_again,
    tickets_outlive_what_was_forgotten,
    ticket_is_taken_after_the_look,
    denials_are_not_loaded_at_the_beginning,
    denials_are_not_loaded_with_the_news,
    keys_are_not_loaded_with_the_news,
    verified_claims_survive_their_key,
    confirmed_before_applied,
    lost_news_is_skipped,
    head_is_read_after_the_truth,
    trust_never_ends,
    trusted_without_confirming,
    feed_waits_too_short,
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_planted_bugs_are_found(bug: Callable[[Process], None]) -> None:
    """A model that cannot fail proves nothing: each of these mistakes is caught."""
    machine = type("Sabotaged", (NeverStale,), {"sabotage": staticmethod(bug)})
    hunting = settings(CALM, max_examples=1500, phases=(Phase.generate,), print_blob=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=hunting)
