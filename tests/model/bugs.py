"""Mistakes, planted one at a time. Each is a way to build this wrong that looks right."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from sumun.haproxy.known import NEWEST, STATE
from sumun.keeper.commands import Change, Keep, RaiseMarks, Turn, WriteMarks
from sumun.keeper.held import Held
from sumun.keeper.ledger import GiveLease, Ledger, Reading
from tests.model.answering import AnsweringProcess
from tests.model.deployment import Deployment
from tests.model.keeper import Keeper
from tests.model.node import Node
from tests.model.truth import is_allowed


class HeldAs(Ledger):
    """A ledger with another Held."""

    held_class: type[Held] = Held

    def workers(self, generations, newest):
        super().workers(generations, newest)
        for held in self._held.values():
            held.__class__ = self.held_class


def ledger_with(held: type[Held]) -> type[Ledger]:
    return type("Planted", (HeldAs,), {"held_class": held})


# -- who is told, and who is waited for ------------------------------------------------------------------------------


def a_worker_is_skipped(world: Deployment) -> None:
    """Only the newest worker is known to the keeper."""

    class Planted(Ledger):
        def workers(self, generations, newest):
            super().workers({newest: generations[newest]}, newest)

    world.ledger_class = Planted


def an_old_worker_keeps_its_lease(world: Deployment) -> None:
    """After a reload nobody takes the lease of the worker before, nor waits for its end."""

    class Planted(Ledger):
        def _next(self, worker, held, now):
            return None if held.retired else super()._next(worker, held, now)

        def _must_be_waited_for(self, held, now):
            return not held.retired and super()._must_be_waited_for(held, now)

    world.ledger_class = Planted


def confirmed_before_the_worker_has_it(world: Deployment) -> None:
    class Planted(Ledger):
        def confirmable(self, now):
            return self._position

    world.ledger_class = Planted


def who_is_silent_is_not_waited_for(world: Deployment) -> None:
    """It does not answer, so it must be dead."""

    class Planted(Ledger):
        def _must_be_waited_for(self, held, now):
            return super()._must_be_waited_for(held, now) and not self._is_silent(held, now)

    world.ledger_class = Planted


def a_worker_that_believes_is_not_stopped(world: Deployment) -> None:
    """The clock was set back behind a worker that was not waited for any more."""

    class Planted(Ledger):
        def _must_be_stopped(self, held, now):
            return False

    world.ledger_class = Planted


def who_sees_no_worker_takes_them_for_gone(world: Deployment) -> None:
    """A keeper that begins while HAProxy's master does not answer, and confirms: nobody is there who could be wrong."""

    class Planted(Node):
        def show_processes(self):
            super().show_processes()
            if self.is_unseen and self.keeper is not None and self.keeper.ledger._held is None:
                self.keeper.ledger.workers({}, None)

    world.node_class = Planted


def the_feed_waits_too_short(world: Deployment) -> None:
    """The feed takes a keeper for dead while workers believe on its word."""

    class Planted(Keeper):
        waited_for = 1.0

    world.keeper_class = Planted


def a_process_is_trusted_before_it_is_waited_for(world: Deployment) -> None:
    """It looked, something changed, the call returned, for the feed did not know it; then it was trusted."""

    class Planted(AnsweringProcess):
        def is_waited_for(self, now):
            return True

    world.process_class = Planted


def a_keeper_gives_leases_before_it_is_waited_for(world: Deployment) -> None:
    class Planted(Ledger):
        def told(self, looked_at, asked_at, answered_at):
            super().told(looked_at, asked_at, answered_at)
            self._proven_at = looked_at

    world.ledger_class = Planted


# -- marks -----------------------------------------------------------------------------------------------------------


def marks_are_always_added(world: Deployment) -> None:
    """The oldest of two rows is the one that is found; and nobody reads back."""

    class Always(Held):
        def next_about_marks(self, n, steady):
            command = super().next_about_marks(n, steady)
            if isinstance(command, RaiseMarks):
                both = {kind: {**command.changed[kind], **command.new[kind]} for kind in command.new}
                return RaiseMarks(command.newest, {kind: {} for kind in both}, both)
            return command

    class Planted(ledger_with(Always)):
        def answered(self, worker, found):
            held = self._held.get(worker)
            if held is not None and held.under_way is not None:
                held.answered()

    world.ledger_class = Planted
    world.looks_at_rows = False


class MarksOnly(RaiseMarks):
    @property
    def steps(self):
        return super().steps[1:]


class NewestOnly(Keep):
    @property
    def steps(self):
        return (Change(STATE, NEWEST, self.map),)


def newest_is_raised_after_the_mark(world: Deployment) -> None:
    """The mark is there and counts, the shortcut past it is still open."""

    class Late(Held):
        late = None

        def next_about_marks(self, n, steady):
            if self.late is not None:
                newest, self.late = self.late, None
                return NewestOnly(str(newest), ())
            command = super().next_about_marks(n, steady)
            if isinstance(command, RaiseMarks):
                self.late = command.newest
                return MarksOnly(command.newest, command.changed, command.new)
            return command

    world.ledger_class = ledger_with(Late)


def marks_are_dropped_and_wide_is_not_raised(world: Deployment) -> None:
    """A fact that is older than the marks that were dropped comes late, and nothing speaks against it."""

    class Dropping(Held):
        def next_about_facts(self, n, steady):
            wide = None if self._marks is None else self._marks.wide
            command = super().next_about_facts(n, steady)
            if isinstance(command, Turn):
                self._marks.wide = wide
                return replace(command, wide=wide)
            return command

    world.ledger_class = ledger_with(Dropping)


def a_keeper_begins_with_what_it_did_not_see(world: Deployment) -> None:
    """It knows no mark of before it began, and lets facts of before count."""

    class Believing(Held):
        def next_about_marks(self, n, steady):
            command = super().next_about_marks(n, steady)
            if isinstance(command, WriteMarks):
                self._marks.wide = 0
                return replace(command, wide=0)
            return command

    world.ledger_class = ledger_with(Believing)


# -- leases ----------------------------------------------------------------------------------------------------------


def the_lease_comes_before_the_marks(world: Deployment) -> None:
    class Planted(Ledger):
        def _next(self, worker, held, now):
            early = None if held.must_lose_lease or worker != self._newest else self._lease(held, now)
            return early or super()._next(worker, held, now)

    world.ledger_class = Planted


def the_lease_needs_no_proof(world: Deployment) -> None:
    """It is extended while the keeper lives, whether or not it hears anything."""

    class Planted(Ledger):
        def _lease(self, held, now):
            if self._proven_at is not None:
                self._proven_at = now.steady
            return super()._lease(held, now)

    world.ledger_class = Planted


def the_lease_is_rounded_up(world: Deployment) -> None:
    class Planted(Ledger):
        def _was_set_back(self, held, now):
            return False

        def _lease(self, held, now):
            if self._proven_at is None:
                return None
            over_by = self._proven_at + self._serve_known_for_seconds
            until = ceil(now.wall + (over_by - now.steady))
            if until <= max(held.lease, now.wall):
                return None
            held.lease, held.over_by = until, over_by
            return GiveLease(until)

    world.ledger_class = Planted


def nobody_looks_whether_the_clock_was_set_back(world: Deployment) -> None:
    """A lease of before is open for as long again, and is never taken."""

    class Planted(Ledger):
        def _was_set_back(self, held, now):
            return False

        def _must_be_stopped(self, held, now):
            return False

        def _must_be_waited_for(self, held, now):
            return super()._must_be_waited_for(held, Reading(now.steady, float("inf")))

    world.ledger_class = Planted


def news_is_lost_and_nothing_forgotten(world: Deployment) -> None:
    """The feed is followed from where it stands now."""

    class Planted(Ledger):
        def lost(self):
            self._position = None

        def begun(self, position):
            super().begun(position)
            held = self._at_newest()
            if held is not None and held._marks is not None:
                held.n = held._marks.newest = position.n

    world.ledger_class = Planted


# -- facts -----------------------------------------------------------------------------------------------------------


def a_fact_is_added_again(world: Deployment) -> None:
    """Its key is in the young map already: the row that is there stays the one that is found."""

    class Again(Held):
        def _is_wanted(self, fact, marks):
            return marks.allows(fact)

    world.ledger_class = ledger_with(Again)


def a_late_write_counts(world: Deployment) -> None:
    """How far the process was is looked at when everything has come in, not before it asks."""

    class Planted(AnsweringProcess):
        def used(self, ticket):
            return self.memory.ticket()

    world.process_class = Planted


def facts_of_another_incarnation_count(world: Deployment) -> None:
    class Planted(Ledger):
        def learned(self, incarnation, adopted, lessons):
            if self._position is not None:
                super().learned(self._position.incarnation, adopted, lessons)

    world.ledger_class = Planted


def facts_are_labelled_when_they_are_sent(world: Deployment) -> None:
    """A reload between finding and sending: what the old configuration gave goes in as the new one's."""

    class Planted(Node):
        def hand_over(self):
            process = self.processes[0]
            label = (process.memory.incarnation, process.adopted)
            self.lessons.extend([(*label, lesson) for *_, lesson in list(self.lessons)])
            super().hand_over()

    world.node_class = Planted


def a_switched_worker_forgets_nothing(world: Deployment) -> None:
    """Its verdicts are of the old generation anyway; and its facts, which the old one's clients gave?"""

    class Planted(Held):
        def serves(self, generation):
            self.generation = generation

    world.ledger_class = ledger_with(Planted)


def a_late_answer_is_the_old_generations_alone(world: Deployment) -> None:
    """Asked before a reload and answered after it."""

    class Planted(AnsweringProcess):
        def is_allowed(self, rule, evidence, generation):
            return super().is_allowed(rule, evidence, generation) or is_allowed(
                rule, evidence, generation, generation
            )

    world.process_class = Planted


# -- between the parts -----------------------------------------------------------------------------------------------


def the_outbox_is_lost(world: Deployment) -> None:
    """Committed, and then told to the feed: a crash in between, and nobody ever hears of it."""
    truth = world.truth

    def publishers(*, are_down: bool) -> None:
        if are_down:
            truth.outbox.clear()
        type(truth).publishers(truth, are_down=are_down)

    truth.publishers = publishers


def a_command_is_given_up_and_comes_later(world: Deployment) -> None:
    """No answer in time, so another connection: what was written there is carried out first, and then the old one."""

    class Planted(Node):
        def carry_out(self):
            for wire in self.wires.values():
                if wire.is_stuck and wire.parcels and wire.parcels[0].keeper is self.keeper:
                    wire.ghosts.append(wire.parcels.popleft())
                    wire.is_stuck, wire.done_steps = False, 0
                    self.keeper.failed(wire.worker)
            return super().carry_out()

    world.node_class = Planted


def a_dead_keepers_command_comes_later(world: Deployment) -> None:
    """The new keeper has written and read back, and then comes what the one before it wrote last."""

    class Planted(Node):
        def send(self, keeper, order):
            wire = self.wires[order.worker]
            while wire.parcels and wire.parcels[0].keeper is not keeper:
                wire.ghosts.append(wire.parcels.popleft())
                wire.done_steps = 0
            super().send(keeper, order)

    world.node_class = Planted


def a_feed_forgets_its_readers(world: Deployment) -> None:
    """It lost who reads together with its numbers, and says that nobody is behind."""
    world.feed.longest_life = 0.0


def a_session_that_ends_tells_of_one_token(world: Deployment) -> None:
    """Its tokens are gone from the store, and HAProxy hears of the first only."""
    feed = world.truth.feed

    class Planted:
        def append(self, changes):
            return feed.append(changes[:1])

    world.truth.store._feed = Planted()


BUGS = [
    *(a_process_is_trusted_before_it_is_waited_for, a_keeper_gives_leases_before_it_is_waited_for),
    *(a_worker_is_skipped, an_old_worker_keeps_its_lease, confirmed_before_the_worker_has_it),
    *(
        who_sees_no_worker_takes_them_for_gone,
        who_is_silent_is_not_waited_for,
        a_worker_that_believes_is_not_stopped,
        the_feed_waits_too_short,
    ),
    *(marks_are_always_added, newest_is_raised_after_the_mark, marks_are_dropped_and_wide_is_not_raised),
    *(a_keeper_begins_with_what_it_did_not_see, the_lease_comes_before_the_marks, the_lease_needs_no_proof),
    *(
        the_lease_is_rounded_up,
        nobody_looks_whether_the_clock_was_set_back,
        news_is_lost_and_nothing_forgotten,
    ),
    *(a_fact_is_added_again, a_late_write_counts, facts_of_another_incarnation_count),
    *(facts_are_labelled_when_they_are_sent, the_outbox_is_lost, a_command_is_given_up_and_comes_later),
    *(a_dead_keepers_command_comes_later, a_feed_forgets_its_readers),
    *(
        a_switched_worker_forgets_nothing,
        a_late_answer_is_the_old_generations_alone,
        a_session_that_ends_tells_of_one_token,
    ),
]
