"""A request's credential becomes `access.Evidence`, from what this process knows and nothing older than it may know.

Recogniser   credential -> Missing, Invalid(why) or Proven(principal); asks the store and the truth for what it lacks
Memory       what this process knows: standings, clients, keys, denials; which changes it has applied (`n`), as *marks*
Ticket       how far the memory was when someone began to look elsewhere; what was found may be older than a mark
NewsReader   reads the feed, applies the news to the memory, confirms; extends the memory's trust while it can
Truth        what recognition asks of the directory; `node/` builds it

Direction of flow: feed -> NewsReader -> Memory; credential -> Recogniser -> (Memory | store | Truth) -> Evidence.

The rule that all of this keeps: once this process has confirmed a change, it proves nothing that contradicts it. So
every answer is checked against the marks in the same loop turn in which it is returned; a write that comes late is
refused; and a process that may have missed news knows nothing, which is an outage (503) and never a "no".
"""

from __future__ import annotations

from sumun.recognition.errors import OutOfTouchError
from sumun.recognition.memory import Memory, Ticket
from sumun.recognition.news_reader import NewsReader
from sumun.recognition.recogniser import Recogniser
from sumun.recognition.steady_clock import steady_seconds
from sumun.recognition.truth import Truth

__all__ = ["Memory", "NewsReader", "OutOfTouchError", "Recogniser", "Ticket", "Truth", "steady_seconds"]
