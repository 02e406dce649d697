"""src/sumun/recognition/memory.py and marks.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.identity import ANYTHING, Standing, Subject
from sumun.recognition import Memory, OutOfTouchError
from sumun.recognition.marks import Marks
from sumun.tokens.denials import Denial, DenialKind
from sumun.tokens.feed import Change, ChangeKind, News
from sumun.tokens.judge import ClientState
from sumun.tokens.signing_keys import NO_KEYS

ALICE, BATCH = Subject.user("alice"), Subject.client("batch")
OF_ALICE = Change(ChangeKind.SUBJECT, "user:alice")


def standing_of(subject: Subject) -> Standing:
    """Any standing."""
    return Standing(subject, "x", frozenset(), frozenset(), disabled=False, epoch=0, login_epoch=0)


@pytest.fixture
def memory() -> Memory:
    """A memory that began at 10 and is trusted until 100."""
    memory = Memory()
    memory.begin(10, NO_KEYS, [])
    memory.trust_until(100)
    return memory


def kept(memory: Memory, subject: Subject) -> bool:
    """Look something up and keep it, undisturbed."""
    return memory.keep_standing(memory.ticket(), subject, standing_of(subject))


def test_starts_untrusted() -> None:
    """Before anything was loaded nobody is told anything."""
    with pytest.raises(OutOfTouchError):
        Memory().require_trust(0)


def test_trust_ends_on_the_moment(memory: Memory) -> None:
    """A lease that runs until 100 is over at 100."""
    memory.require_trust(99.999)
    with pytest.raises(OutOfTouchError):
        memory.require_trust(100)


def test_forgetting_ends_trust(memory: Memory) -> None:
    """A memory that may have missed news is not trusted, and knows nothing."""
    kept(memory, ALICE)
    memory.forget()
    assert memory.standing(ALICE) is None
    assert not memory.is_trusted(0)
    with pytest.raises(OutOfTouchError):
        _ = memory.keys
    memory.begin(11, NO_KEYS, [])
    assert memory.keys is NO_KEYS
    assert not memory.is_trusted(0)


def test_keeps_what_was_looked_up(memory: Memory) -> None:
    """An entry says as of which change it is true; "there is none" is knowledge too."""
    memory.apply([News(11, OF_ALICE)], None, [])
    assert kept(memory, ALICE)
    assert memory.keep_standing(memory.ticket(), BATCH, None)
    alice, batch = memory.standing(ALICE), memory.standing(BATCH)
    assert alice is not None
    assert (alice.value, alice.as_of) == (standing_of(ALICE), 11)
    assert batch is not None
    assert batch.value is None


def test_a_late_write_is_refused(memory: Memory) -> None:
    """What was asked before the news and arrives after it is not kept; about others it is."""
    ticket = memory.ticket()
    memory.apply([News(11, OF_ALICE)], None, [])
    assert not memory.keep_standing(ticket, ALICE, standing_of(ALICE))
    assert memory.standing(ALICE) is None
    assert memory.keep_standing(ticket, BATCH, standing_of(BATCH))


@pytest.mark.parametrize("forget", [True, False])
def test_a_write_from_another_era_is_refused(memory: Memory, forget: bool) -> None:
    """Nothing asked for before everything was forgotten comes in after, even with an equal number."""
    tickets = [memory.ticket()]
    if forget:
        memory.forget()
        tickets.append(memory.ticket())
    memory.begin(10, NO_KEYS, [])
    for ticket in tickets:
        assert not memory.keep_standing(ticket, ALICE, standing_of(ALICE))


def test_news_about_everything(memory: Memory) -> None:
    """It drops all and refuses every late write."""
    ticket = memory.ticket()
    kept(memory, ALICE)
    memory.keep_client(memory.ticket(), "app", ClientState("app", frozenset({ANYTHING})))
    memory.apply([News(11, Change(ChangeKind.EVERYTHING))], NO_KEYS, [])
    assert memory.standing(ALICE) is None
    assert memory.client("app") is None
    assert not memory.keep_standing(ticket, ALICE, standing_of(ALICE))


@pytest.mark.parametrize(
    "change", [Change(ChangeKind.CLIENT, "batch"), Change(ChangeKind.SUBJECT, "client:batch")]
)
def test_a_client_has_two_sides(memory: Memory, change: Change) -> None:
    """News about the client is news about the subject that it is, and the reverse."""
    ticket = memory.ticket()
    kept(memory, BATCH)
    memory.keep_client(memory.ticket(), "batch", ClientState("batch", frozenset()))
    memory.apply([News(11, change)], None, [])
    assert memory.standing(BATCH) is None
    assert memory.client("batch") is None
    assert not memory.keep_standing(ticket, BATCH, standing_of(BATCH))
    assert not memory.keep_client(ticket, "batch", None)


def test_news_about_strange_keys(memory: Memory) -> None:
    """A key that names nothing we know does no harm."""
    for key in ("", "nonsense", "robot:x", "user:", "client:"):
        memory.apply([News(11, Change(ChangeKind.SUBJECT, key))], None, [])


def test_denials_only_grow_with_news(memory: Memory) -> None:
    """News adds denials; only time and forgetting take them away."""
    memory.apply([News(11, OF_ALICE)], None, [Denial(DenialKind.SUBJECT, "user:alice", 3, 50_000)])
    memory.apply([News(12, OF_ALICE)], None, [])
    assert len(memory.denials) == 1
    memory.tidy(49.9)
    assert len(memory.denials) == 1
    memory.tidy(50)
    assert len(memory.denials) == 0


def test_is_bounded() -> None:
    """The entry used longest ago makes room."""
    memory = Memory(max_subjects=2)
    memory.begin(0, NO_KEYS, [])
    one, two, three = (Subject.user(name) for name in ("one", "two", "three"))
    kept(memory, one)
    kept(memory, two)
    memory.standing(one)
    kept(memory, three)
    assert [memory.standing(subject) is not None for subject in (one, two, three)] == [True, False, True]


names = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.lists(names, max_size=30), st.integers(0, 30), st.sets(names), st.integers(1, 5))
def test_marks_never_say_unchanged_wrongly(news: list[str], since: int, about: set[str], most: int) -> None:
    """However few marks are kept: "no news since" is never said when there was some."""
    marks = Marks(most)
    for n, name in enumerate(news, start=1):
        marks.set(Change(ChangeKind.SUBJECT, name), n)
    changed = any(n > since and name in about for n, name in enumerate(news, start=1))
    said = marks.none_after(since, [Change(ChangeKind.SUBJECT, name) for name in about])
    assert not (said and changed)
    if most == 5:
        assert said is not changed
