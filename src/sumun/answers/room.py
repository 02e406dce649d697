"""How many connections ask at a time, and who waits for a place.

HAProxy 2.6 opens up to one connection for each concurrent question. It takes a refusal badly: it connects again at
once, thousands of times a second, and a health check that is refused makes it hold this agent for down. So who comes
when all places are taken is not refused but left without AGENT-HELLO until a place is free or its patience is over; and
health checks take no place at all. Only beyond `places` and `waiting` together somebody is turned away.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Guest(Protocol):
    """A conversation, seen from the room."""

    def greet(self) -> None:
        """Called when a place was found for one that had to wait."""
        ...


G = TypeVar("G", bound=Guest)


class Room(Generic[G]):
    """The connections of one listener. Every one that `enter`s has to `leave`."""

    def __init__(self, places: int, waiting: int) -> None:
        """`places` connections may ask; `waiting` more may wait for that, or ask only after our health."""
        self.places = places
        self.waiting = waiting
        self.is_closing = False
        self.present: dict[G, None] = {}
        self._asking: set[G] = set()
        self._held: dict[G, None] = {}  # the longest waiting first

    def enter(self, guest: G) -> bool:
        """Counts one who connected; False when there are too many even to wait, or we close."""
        self.present[guest] = None
        return not self.is_closing and len(self.present) <= self.places + self.waiting

    def take_place(self, guest: G) -> bool:
        """True when it may ask now; else it is greeted when its turn has come."""
        if len(self._asking) < self.places:
            self._asking.add(guest)
            return True
        self._held[guest] = None
        return False

    def give_up_waiting(self, guest: G) -> None:
        """It is not to be greeted any more, though it is still there."""
        self._held.pop(guest, None)

    def leave(self, guest: G) -> None:
        """Forgets one who is gone, and gives its place to the next."""
        self.present.pop(guest, None)
        self._held.pop(guest, None)
        self._asking.discard(guest)
        if self._held and len(self._asking) < self.places:
            following = next(iter(self._held))
            del self._held[following]
            self._asking.add(following)
            following.greet()
