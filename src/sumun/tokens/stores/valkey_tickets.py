"""TicketStore on a Valkey or Redis server. Keys: `smn:w:<hex digest>` -> meaning, `smn:wc:<token id>` -> how many.

Both expire by the server's clock. Redeeming is one script, so of many nodes that ask for one ticket, one gets it.
"""

from __future__ import annotations

from sumun.tokens.stores.valkey_link import ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import NAMESPACE, Script
from sumun.tokens.tickets import MOST_AT_ONCE

_TICKET = NAMESPACE + "w:"
_COUNT = NAMESPACE + "wc:"

# KEYS: ticket, count.  ARGV: meaning, milliseconds to live, how many at most.
# The window of the count begins with the first ticket in it.
PUT_TICKET = Script.of(
    """
local n = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
if n > tonumber(ARGV[3]) then return 0 end
if n == 1 then redis.call('SET', KEYS[2], n, 'PX', ARGV[2]) else redis.call('SET', KEYS[2], n, 'KEEPTTL') end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""",
    keeps=True,
)

# KEYS: ticket.  GETDEL would do; an ACL user of a server that others run need not be given one more command.
REDEEM = Script.of(
    """
local meaning = redis.call('GET', KEYS[1])
if meaning then redis.call('DEL', KEYS[1]) end
return meaning
""",
    keeps=True,
)


class ValkeyTickets:
    """Live tickets in Valkey or Redis. Keeps the TicketStore contract. One per process; lives on its event loop."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is this store's own: `close` closes it."""
        self._link = link

    async def put(self, digest: bytes, meaning: bytes, token_id: str, lifetime_ms: int) -> bool:
        """Remember a new ticket; False when its token has got too many. Raises StoreUnavailableError."""
        keys = [_TICKET + digest.hex(), _COUNT + token_id]
        answer = await self._link.run(PUT_TICKET, keys, [meaning, lifetime_ms, MOST_AT_ONCE])
        if answer not in (0, 1):
            raise strange("PUT_TICKET")
        return answer == 1

    async def redeem(self, digest: bytes) -> bytes | None:
        """What the ticket stands for, once. Raises StoreUnavailableError."""
        answer = await self._link.run(REDEEM, [_TICKET + digest.hex()], [])
        if answer is not None and not isinstance(answer, bytes):
            raise strange("REDEEM")
        return answer

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()
