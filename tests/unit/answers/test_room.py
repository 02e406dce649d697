"""Places for connections."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sumun.answers.room import Room


class Someone:
    """A guest that remembers whether it was greeted."""

    def __init__(self) -> None:
        self.greeted = 0

    def greet(self) -> None:
        """Its turn has come."""
        self.greeted += 1


class Crowd(RuleBasedStateMachine):
    """People come, ask for a place, give up and leave in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.room: Room[Someone] = Room(places=2, waiting=2)
        self.silent: list[Someone] = []
        self.waiting: list[Someone] = []
        self.asking: list[Someone] = []

    @rule()
    def come(self) -> None:
        """Someone connects; the fifth is turned away."""
        someone = Someone()
        before = len(self.room.present)
        if self.room.enter(someone):
            assert before < 4
            self.silent.append(someone)
        else:
            assert before == 4
            self.room.leave(someone)

    @precondition(lambda self: self.silent)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """Someone says HELLO."""
        someone = data.draw(st.sampled_from(self.silent))
        self.silent.remove(someone)
        free = len(self.asking) < 2
        assert self.room.take_place(someone) == free
        (self.asking if free else self.waiting).append(someone)

    @precondition(lambda self: self.silent or self.waiting or self.asking)
    @rule(data=st.data(), gives_up_first=st.booleans())
    def leave(self, data: st.DataObject, gives_up_first: bool) -> None:
        """Someone goes; who waited longest gets the place, if one became free."""
        someone = data.draw(st.sampled_from(self.silent + self.waiting + self.asking))
        if gives_up_first:
            self.room.give_up_waiting(someone)
        self.room.leave(someone)
        for group in (self.silent, self.waiting, self.asking):
            if someone in group:
                group.remove(someone)
        if len(self.asking) < 2 and self.waiting:
            following = self.waiting.pop(0)
            assert following.greeted == 1
            self.asking.append(following)

    @invariant()
    def the_same_people(self) -> None:
        """The room knows who is there, and nobody else was greeted."""
        assert set(self.room.present) == {*self.silent, *self.waiting, *self.asking}
        assert all(someone.greeted == 0 for someone in self.silent + self.waiting)


TestRoom = Crowd.TestCase
TestRoom.settings = settings(max_examples=100, stateful_step_count=30)


def test_closing() -> None:
    """Nobody enters a room that closes."""
    room: Room[Someone] = Room(places=2, waiting=2)
    assert room.enter(Someone())
    room.is_closing = True
    assert not room.enter(Someone())


def test_who_gave_up_is_not_greeted() -> None:
    """Who gave up waiting but is still there is passed over."""
    room: Room[Someone] = Room(places=1, waiting=2)
    first, second, third = Someone(), Someone(), Someone()
    for someone in (first, second, third):
        assert room.enter(someone)
    assert [room.take_place(someone) for someone in (first, second, third)] == [True, False, False]
    room.give_up_waiting(second)
    room.leave(first)
    assert (second.greeted, third.greeted) == (0, 1)
