"""src/sumun/keeper/ledger.py and held.py as conversations. What they must never allow: tests/model."""

from __future__ import annotations

import pytest

from sumun.haproxy.kept import Fact, Verdict
from sumun.haproxy.known import FACTS, LEASE, MARKS, NEWEST, STATE, VERDICTS, WIDE
from sumun.keeper import Bounds, Command, Ledger, Order, Reading, Stop, to_read_back
from sumun.keeper.commands import (
    Add,
    Change,
    Forget,
    GiveLease,
    Keep,
    RaiseMarks,
    TakeLease,
    Turn,
    WriteMarks,
)
from sumun.keeper.marks import Marks, concerned_by
from sumun.recognition.memory import _both_sides
from sumun.tokens.feed import Change as NewsOf
from sumun.tokens.feed import ChangeKind, News, Position

WALL = 1_700_000_000.0
AT = Position("inc", 7)
ALICE, KEYS = NewsOf(ChangeKind.SUBJECT, "user:alice"), NewsOf(ChangeKind.KEYS)


def fact(key: str = "F1", as_of: int = 7, subject: str = "user:alice") -> Fact:
    return Fact(key, 4_000_000_000, as_of, "p", subject, "tid_1", "app", "alice", "Alice")


VERDICT = Verdict("p", 2, "1", "shop", "reader", "doc:read")
ROW = "4000000000|7|p|user:alice|tid_1|app|alice|Alice"


class Conversation:
    """A ledger, and workers that do at once what they are told; `said` is all they were told."""

    def __init__(self, **bounds: float) -> None:
        self.ledger = Ledger(serve_known_for_seconds=10, bounds=Bounds(**bounds), silent_seconds=2)
        self.steady = 100.0
        self.offset = WALL
        self.said: list[tuple[str, Command]] = []
        self.stopped: list[str] = []
        self.mute: set[str] = set()
        self.fails = False

    def now(self) -> Reading:
        return Reading(self.steady, self.steady + self.offset)

    def go_on(self) -> None:
        """Carry out every order, but those of workers that are mute."""
        while orders := self.ledger.orders(self.now()):
            self.stopped += [order.worker for order in orders if isinstance(order, Stop)]
            told = [order for order in orders if isinstance(order, Order)]
            self.said += [(order.worker, order.command) for order in told]
            for order in told:
                if order.worker in self.mute:
                    continue
                if self.fails:
                    self.ledger.failed(order.worker)
                else:
                    self.ledger.answered(order.worker, [value for *_, value in to_read_back(order.command)])
            if not told or self.fails or all(order.worker in self.mute for order in told):
                return

    def begin(self, position: Position = AT) -> None:
        """One worker, of generation 2; the feed stands at 7 and was told so."""
        self.ledger.workers({"w1": 2}, "w1")
        self.ledger.begun(position)
        self.go_on()
        self.round()

    def round(self, looked_at: float | None = None) -> None:
        """Two looks without news; the feed was told of both, and waited for the keeper during the second."""
        for _ in range(2):
            self.ledger.read([])
            self.ledger.told(self.steady if looked_at is None else looked_at, self.steady, self.steady)
        self.go_on()

    def hear(self, *changes: NewsOf, at: int = 8) -> None:
        self.ledger.read([News(at + i, change) for i, change in enumerate(changes)])
        self.go_on()

    def told(self) -> list[str]:
        """What was said since this was asked, by name."""
        names = [type(command).__name__ for _, command in self.said]
        self.said.clear()
        return names

    def confirmable(self) -> int | None:
        position = self.ledger.confirmable(self.now())
        return None if position is None else position.n


def test_a_worker_forgets_then_gets_the_marks_then_the_lease() -> None:
    """A worker that the keeper does not know loses its lease first, and gets one last."""
    it = Conversation()
    it.begin()
    assert [command for _, command in it.said] == [
        TakeLease(),
        Forget(),
        WriteMarks(7, 7, {kind: {} for kind in MARKS}),
        GiveLease(int(WALL) + 109),
    ]


def test_nothing_is_confirmed_before_every_worker_was_asked() -> None:
    """A keeper that knows no workers, or has no answer of one, cannot say anything."""
    it = Conversation()
    it.ledger.begun(AT)
    assert it.confirmable() is None
    it.mute = {"w1"}
    it.ledger.workers({"w1": 2}, "w1")
    it.go_on()
    assert it.confirmable() is None
    it.ledger.workers({}, None)
    assert it.confirmable() == 7


def test_a_lease_ends_in_time_by_whole_seconds() -> None:
    """It counts from the beginning of the round that proved it, and is rounded down."""
    it = Conversation()
    it.begin()
    it.told()
    it.steady = 103.95
    it.round(103.0)
    # 1,700,000,113 would be the end; a tenth of a second of it is margin.
    assert it.said == [("w1", GiveLease(int(WALL) + 112))]


def test_a_round_proves_nothing_while_the_feed_does_not_wait() -> None:
    """The first confirmation makes the feed wait; what was looked at before it may be out of date already."""
    it = Conversation()
    it.ledger.workers({"w1": 2}, "w1")
    it.ledger.begun(AT)
    it.go_on()
    it.ledger.told(100.0, 100.0, 100.1)
    it.go_on()
    assert it.told() == ["TakeLease", "Forget", "WriteMarks"]
    it.ledger.read([])
    it.ledger.told(100.2, 100.2, 110.0)  # too late: the feed may have given up waiting
    it.go_on()
    assert it.told() == []
    it.ledger.read([])
    it.ledger.told(110.1, 110.1, 110.15)
    it.steady = 110.15
    it.go_on()
    assert it.told() == ["GiveLease"]


def test_no_proof_no_lease() -> None:
    """A worker has every mark, and no round has reached the feed: it believes nothing."""
    it = Conversation()
    it.ledger.workers({"w1": 2}, "w1")
    it.ledger.begun(AT)
    it.go_on()
    assert it.told() == ["TakeLease", "Forget", "WriteMarks"]


def test_a_change_closes_the_shortcut_before_it_writes_the_mark() -> None:
    """`newest` first; a new mark is added, one that is there is changed; and the number counts when it is read back."""
    it = Conversation()
    it.begin()
    it.said.clear()
    it.mute = {"w1"}
    it.hear(ALICE)
    ((_, command),) = it.said
    assert command.steps == (Change(STATE, NEWEST, "8"), Add(MARKS["subject"], (("user:alice", "8"),)))
    assert to_read_back(command) == ((STATE, NEWEST, "8"), (MARKS["subject"], "user:alice", "8"))
    assert it.confirmable() == 7
    it.ledger.answered("w1", ["8", "8"])
    assert it.confirmable() == 8
    it.said.clear()
    it.hear(ALICE, at=9)
    assert it.said[0][1].steps == (Change(STATE, NEWEST, "9"), Change(MARKS["subject"], "user:alice", "9"))


def test_what_is_read_back_wrong_does_not_count() -> None:
    """An older row that is found in the place of the mark: the lease is taken and the marks are written anew."""
    it = Conversation()
    it.begin()
    it.mute = {"w1"}
    it.hear(ALICE)
    it.told()
    it.mute = set()
    it.ledger.answered("w1", ["8", "3"])
    assert it.confirmable() == 7
    it.go_on()
    assert it.told() == ["TakeLease", "WriteMarks", "GiveLease"]
    assert it.confirmable() == 8


def test_a_change_of_everything_takes_the_lease_at_once() -> None:
    """No fact is newer; the number is confirmed when the lease is gone, before the maps are empty."""
    it = Conversation()
    it.begin()
    it.told()
    it.mute = {"w1"}
    it.hear(KEYS)
    assert it.told() == ["TakeLease"]
    assert it.confirmable() == 7
    it.ledger.answered("w1", ["0"])
    assert it.confirmable() == 8


def test_an_old_worker_loses_its_lease_and_forgets() -> None:
    """After a reload the old worker asks about everything; the new one is trusted only when that is done."""
    it = Conversation()
    it.begin()
    it.told()
    it.ledger.workers({"w1": 2, "w2": 3}, "w2")
    assert not it.ledger.is_trusted_only("w2")
    it.go_on()
    assert [command for worker, command in it.said if worker == "w1"] == [TakeLease(), Forget()]
    assert it.ledger.is_trusted_only("w2")
    assert not it.ledger.is_trusted_only("w1")


def test_a_worker_whose_routes_were_switched_begins_anew() -> None:
    """Another configuration's clients count: what was found under the one before goes, and comes no more."""
    it = Conversation()
    it.begin()
    it.ledger.learned("inc", 2, [(fact(), VERDICT)])
    it.go_on()
    assert it.told()[-2:] == ["Keep", "Keep"]
    it.ledger.workers({"w1": 3}, "w1")
    it.ledger.learned("inc", 2, [(fact(), VERDICT)])
    it.go_on()
    assert it.told() == ["TakeLease", "Forget", "WriteMarks", "GiveLease"]
    it.ledger.learned("inc", 3, [(fact(), VERDICT)])
    it.go_on()
    assert [command for _, command in it.said] == [Keep(FACTS[0], (("F1", ROW),))]


def test_a_silent_worker_is_waited_for_until_its_lease_is_over() -> None:
    """By the wall clock and by the steady one; and it gets no new lease meanwhile."""
    it = Conversation()
    it.begin()
    it.mute = {"w1"}
    it.hear(ALICE)
    it.steady = 109.9
    assert it.confirmable() == 7
    it.offset += 3600
    assert it.confirmable() == 7
    it.steady = 110.0
    it.go_on()
    assert it.confirmable() == 8
    assert it.stopped == []


def test_a_clock_that_was_set_back_costs_the_lease() -> None:
    """It would be open for longer than it was given for. What the worker keeps stays: it is numbers."""
    it = Conversation()
    it.begin()
    it.told()
    it.offset -= 3600
    it.go_on()
    assert it.said == [("w1", TakeLease()), ("w1", GiveLease(int(WALL) + 109 - 3600))]


def test_a_silent_worker_is_stopped_when_its_clock_was_set_back() -> None:
    """It was not waited for any more, and believes again: nothing else is a proof."""
    it = Conversation()
    it.begin()
    it.mute = {"w1"}
    it.hear(ALICE)
    it.steady = 111.0
    it.go_on()
    assert (it.confirmable(), it.stopped) == (8, [])
    it.offset -= 3600
    it.go_on()
    assert (it.confirmable(), it.stopped) == (7, ["w1"])


def test_a_stranger_that_does_not_answer_is_stopped() -> None:
    """Nobody knows until when a worker believes that an earlier keeper gave a lease."""
    it = Conversation()
    it.mute = {"w1"}
    it.ledger.workers({"w1": 2}, "w1")
    it.go_on()
    it.steady += 1.9
    it.go_on()
    assert it.stopped == []
    it.steady += 0.1
    it.go_on()
    assert it.stopped == ["w1"]


def test_lost_news_takes_everything_back() -> None:
    """Lease, facts and marks; and what is under way then does not count."""
    it = Conversation()
    it.begin()
    it.mute = {"w1"}
    it.hear(ALICE)
    it.told()
    it.ledger.lost()
    assert it.confirmable() is None
    it.mute = set()
    it.ledger.answered("w1", ["8", "8"])
    it.go_on()
    assert it.told() == ["TakeLease", "Forget"]
    assert it.ledger.is_trusted_nowhere()
    it.ledger.begun(Position("other", 3))
    it.go_on()
    assert it.confirmable() == 3


def test_facts_are_written_once() -> None:
    """A verdict, a fact; the same again is written nowhere, for the older row would be the one that is found."""
    it = Conversation()
    it.begin()
    it.said.clear()
    for _ in range(2):
        it.ledger.learned("inc", 2, [(fact(), VERDICT)])
        it.go_on()
    assert it.said == [
        ("w1", Keep(VERDICTS, ((VERDICT.key, "known.shop|reader|doc:read"),))),
        ("w1", Keep(FACTS[0], (("F1", ROW),))),
    ]


@pytest.mark.parametrize(
    ("incarnation", "adopted", "as_of", "heard"),
    [("other", 2, 7, ()), ("inc", 1, 7, ()), ("inc", 2, 6, ()), ("inc", 2, 7, (ALICE,))],
    ids=["incarnation", "configuration", "before-the-keeper-began", "marked"],
)
def test_facts_that_do_not_count(
    incarnation: str, adopted: int, as_of: int, heard: tuple[NewsOf, ...]
) -> None:
    """Of another incarnation or configuration, older than all marks that are known, older than a mark of its own."""
    it = Conversation()
    it.begin()
    it.hear(*heard)
    it.said.clear()
    it.ledger.learned(incarnation, adopted, [(fact(as_of=as_of), VERDICT)])
    it.go_on()
    assert not any(command.map in FACTS for _, command in it.said if isinstance(command, Keep))


def test_a_lost_batch_is_not_written_again() -> None:
    """The map may hold some of its keys; nothing else is in doubt."""
    it = Conversation()
    it.begin()
    it.ledger.learned("inc", 2, [(fact(), VERDICT)])
    it.go_on()
    it.said.clear()
    it.fails = True
    it.ledger.learned("inc", 2, [(fact("F2"), VERDICT)])
    it.go_on()
    it.fails = False
    it.ledger.learned("inc", 2, [(fact("F2"), VERDICT)])
    it.go_on()
    assert it.told() == ["Keep"]


def test_a_turn_empties_the_old_map_and_drops_old_marks() -> None:
    """Young is full: the other map is emptied and becomes the young one; `wide` rises before marks go."""
    it = Conversation(facts=2)
    it.begin()
    it.hear(ALICE)
    it.ledger.learned("inc", 2, [(fact(as_of=8), VERDICT)])
    it.go_on()
    assert it.said[-1] == (
        "w1",
        Turn(FACTS[1], False, 7, {"subject": {"user:alice": 8}, "token": {}, "client": {}}),
    )
    it.said.clear()
    it.ledger.learned("inc", 2, [(fact("F2", as_of=8), VERDICT)])
    it.go_on()
    assert it.said[0][1].map == FACTS[1]
    turn = it.said[-1][1]
    assert turn == Turn(FACTS[0], False, 8, {kind: {} for kind in MARKS})
    assert [step.map for step in turn.steps] == [FACTS[0], STATE, *MARKS.values()]
    assert turn.steps[1] == Change(STATE, WIDE, "8")


def test_stale_rows_that_cost_questions_bring_a_turn() -> None:
    """A renewal cannot be written into the map that holds the stale row; so many of them and the maps turn early."""
    it = Conversation(masked=2)
    it.begin()
    it.ledger.learned("inc", 2, [(fact(), VERDICT)])
    it.go_on()
    it.hear(ALICE)
    it.told()
    for _ in range(2):
        it.ledger.learned("inc", 2, [(fact(as_of=8), VERDICT)])
        it.go_on()
    it.go_on()
    assert it.told() == ["Turn"]
    it.ledger.learned("inc", 2, [(fact(as_of=8), VERDICT)])
    it.go_on()
    assert it.told() == ["Keep"]


def test_the_shortest_commands() -> None:
    """The lease is one row of the state."""
    assert TakeLease().steps == (Change(STATE, LEASE, "0"),)
    assert GiveLease(5).steps == (Change(STATE, LEASE, "5"),)
    assert RaiseMarks(3, {}, {}).steps == (Change(STATE, NEWEST, "3"),)


@pytest.mark.parametrize("kind", ChangeKind)
@pytest.mark.parametrize("key", ["user:alice", "client:batch", "batch", "tid_1"])
def test_marks_and_memories_agree(kind: ChangeKind, key: str) -> None:
    """What a change concerns is the same for a worker's marks as for an answering process's memory."""
    marked = {f"{one}/{name}" for one, name in concerned_by(NewsOf(kind, key))}
    forgotten = {f"{one.kind.value}/{one.key}" for one in _both_sides(NewsOf(kind, key))}
    if kind in (ChangeKind.KEYS, ChangeKind.EVERYTHING):
        assert marked == set()
        marks = Marks(newest=1, wide=1)
        marks.apply([News(2, NewsOf(kind, key))])
        assert marks.wide == 2
    else:
        assert marked == forgotten
