"""A circuit that opens after repeated outages: logins fail fast instead of each waiting for the same dead server.

Closed: everybody asks. After `OUTAGES_TO_OPEN` outages in a row it is open for `OPEN_SECONDS`: nobody asks. Then one
may ask at a time, and only its answer closes the circuit. Pure: time is an argument.
"""

from __future__ import annotations

# One lost packet or one restart is no pattern; three are. Two seconds: a restart is over, and nobody waits long for it.
OUTAGES_TO_OPEN = 3
OPEN_SECONDS = 2.0


class Circuit:
    """The state of one server as its callers saw it."""

    def __init__(self) -> None:
        """Closed."""
        self._outages = 0
        self._open_until = 0.0

    def may_ask(self, now: float) -> bool:
        """May the server be asked at `now` (monotonic seconds)? Asking is to be followed by `answered` or `silent`."""
        if self._outages < OUTAGES_TO_OPEN:
            return True
        if now < self._open_until:
            return False
        self._open_until = now + OPEN_SECONDS  # this caller tries; the others wait for what it finds
        return True

    def answered(self) -> None:
        """The server judged."""
        self._outages = 0

    def silent(self, now: float) -> None:
        """It did not, or talked nonsense."""
        self._outages += 1
        self._open_until = now + OPEN_SECONDS
