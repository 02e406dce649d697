"""A program's standing from this process's memory, so that issuing to programs waits for no database.

    remembered (and the memory follows the news)? -> that      else -> the directory, and remember it

Why a memory is enough here: whatever takes something away raises an epoch, and a token carries the epochs of the
standing it was made from. So a token made from a memory that is a moment behind is one that is refused, never one that
keeps what was taken. (For people the look after the proof goes to the directory itself: what is found is compared with
what the password was proved against, and a memory that is behind would refuse a good login.)
"""

from __future__ import annotations

from collections.abc import Callable

from sumun.identity import Standing, Subject
from sumun.oauth.clients import ReadStanding
from sumun.recognition.memory import Memory


class RememberedStandings:
    """Standings of this process. `of` is a `clients.ReadStanding`, but for the word "after"."""

    def __init__(self, memory: Memory, read: ReadStanding, steady: Callable[[], float]) -> None:
        """`memory` is followed by a NewsReader; `read` asks the directory; `steady`: seconds that never jump."""
        self._memory = memory
        self._read = read
        self._steady = steady

    async def of(self, subject: Subject) -> Standing | None:
        """What is true of the subject as far as this process has followed the news. Raises OutageError."""
        if self._memory.is_trusted(self._steady()):
            known = self._memory.standing(subject)
            if known is not None:
                return known.value
        ticket = self._memory.ticket()
        found = await self._read(subject)
        self._memory.keep_standing(ticket, subject, found)
        return found
