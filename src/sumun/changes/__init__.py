"""Make a change and announce it: when the call returns, this node acts on it.

Changes    every change that an operator, a login or a client makes; each returns Applied or raises
Applied    the change's number in the feed, and which live processes have not confirmed it in time
Relay      carries what the directory's outbox holds to the feed, in order; also what a crash left behind
InLine     what was issued under a session, grant or refresh family follows what became of that

    directory: one SQL transaction (rows, denial, audit record, outbox entry)   tokens: one atomic step in the store
                     |                                                                 |
                  outbox --- Relay ---> feed: number n <--------------------------------
                                          |
                              every process of this node applies n and confirms; then the call returns

The SQL commit is the moment of truth: a change that is stored will be announced, by this call, by the relay of any
process that runs one, or after a restart. Announcing twice does no harm; not announcing cannot happen.
"""

from sumun.changes.applied import Applied
from sumun.changes.changes import Changes
from sumun.changes.errors import ChangeNotAnnouncedError, ChangeNotConfirmedError
from sumun.changes.relay import Relay

__all__ = ["Applied", "ChangeNotAnnouncedError", "ChangeNotConfirmedError", "Changes", "Relay"]
