"""The one writer of what this node's HAProxy workers keep. Pure rules here; docs/freshness.md tells why they suffice.

Ledger    the rules: news, facts, answers of workers and clock readings in; commands to workers and "confirm n" out
Held      what one worker holds, as far as its answers prove it
Command   steps for one worker, in this order (`commands`); what must be read back when they are done
mark      the number of the latest change that concerns a subject, a token or a client
lease     the unix second until when a worker believes what it keeps; none: it asks about everything

streams   which open streams hang on which token (`streams`, pure), and who cuts them (`stream_cutter`; docs/streams.md)

    feed -- news --> Ledger -- commands --> workers' maps        answering processes -- facts --> Ledger
    feed <-- n ---- Ledger <-- answers --- workers               clocks -- readings --> Ledger

The promise: when the ledger says that `n` may be confirmed, no worker of this node believes anything that is older
than a change up to `n` that concerns it: each has the marks, or believes nothing at all. And a worker believes for
`serve_known_for` at most after the last moment at which this was proven, whatever becomes of the keeper.
"""

from __future__ import annotations

from sumun.keeper.commands import Command, Step, to_read_back
from sumun.keeper.held import Bounds
from sumun.keeper.ledger import Ledger, Lesson, Order, Reading, Stop

__all__ = ["Bounds", "Command", "Ledger", "Lesson", "Order", "Reading", "Step", "Stop", "to_read_back"]
