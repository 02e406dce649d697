"""Where live tokens are kept, and how the news of changes travels.

Two contracts (`tokens/store.py` TokenStore, `tokens/feed.py` Feed), two implementations each:

memory         in this process: for tests and for a program of one process; nothing survives it
valkey         a Valkey or Redis server; `valkey_feed` is the same server's stream
valkey_link    one way to talk to it: a deadline for every command, back-off, and every trouble one error
valkey_scripts the Lua that makes a change and its news one atomic step
stored_record  the stored bytes of a TokenRecord and their version

Only `node/assemble/stores.py` names a concrete store; everybody else sees the contracts.
Direction of flow: mint -> store -> (batching) -> judge; a change -> store + feed -> every process's memory.
"""

from __future__ import annotations
