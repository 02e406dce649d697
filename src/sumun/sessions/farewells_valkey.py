"""Farewells on a Valkey or Redis server.

smn:bye    -> sorted set of `session user client`, each with the millisecond at which it is due
smn:byes   -> hash: the same -> how often it was tried
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sumun.sessions.farewells import FIRST_PAUSE_SECONDS, Farewell
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import NAMESPACE, Script

_DUE: Final = NAMESPACE + "bye"
_TRIES: Final = NAMESPACE + "byes"

_NOW: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
"""

# KEYS: due.  ARGV: `session user client`, ...
ADD = Script.of(
    _NOW
    + """
for i = 1, #ARGV do redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now), ARGV[i]) end
return 1
""",
    keeps=True,
)

# KEYS: due, tries.  ARGV: how many at most, milliseconds from the first try to the second.
# {`session user client`, tries, ...}
CLAIM = Script.of(
    _NOW
    + """
local found = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1, 'WITHSCORES')
local claimed = {}
for i = 1, #found, 2 do
  if tonumber(found[i + 1]) <= now then
    local tries = redis.call('HINCRBY', KEYS[2], found[i], 1)
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2]) * 3 ^ (tries - 1)), found[i])
    claimed[#claimed + 1] = found[i]
    claimed[#claimed + 1] = tries
  end
end
return claimed
""",
    keeps=True,
)

# KEYS: due, tries.  ARGV: `session user client`.
SAID = Script.of(
    """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
""",
    keeps=True,
)


class ValkeyFarewells:
    """Farewells in Valkey or Redis. Keeps the Farewells contract. One per process; lives on its event loop."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is its own: `close` closes it."""
        self._link = link

    async def add(self, session_id: str, user_id: str, client_ids: Sequence[str]) -> None:
        """These clients are to be told. Raises StoreUnavailableError."""
        members = [f"{session_id} {user_id} {client_id}" for client_id in client_ids]
        if members and await self._link.run(ADD, [_DUE], members) != 1:
            raise strange("ADD")

    async def due(self, most: int) -> list[Farewell]:
        """What is to be said now. Raises StoreUnavailableError."""
        # Most of the time there is nothing, and looking writes nothing.
        if await self._link.command("EXISTS", _DUE) == 0:
            return []
        answer = await self._link.run(CLAIM, [_DUE, _TRIES], [most, FIRST_PAUSE_SECONDS * 1000])
        if not isinstance(answer, list):
            raise strange("CLAIM")
        return [_farewell(*pair) for pair in zip(answer[::2], answer[1::2], strict=True)]

    async def done(self, farewell: Farewell) -> None:
        """It is said. Raises StoreUnavailableError."""
        member = f"{farewell.session_id} {farewell.user_id} {farewell.client_id}"
        if await self._link.run(SAID, [_DUE, _TRIES], [member]) != 1:
            raise strange("SAID")

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()


def _farewell(member: Answer, tries: Answer) -> Farewell:
    if not isinstance(member, bytes) or not isinstance(tries, int) or member.count(b" ") != 2:
        raise strange("CLAIM")
    session_id, user_id, client_id = member.decode().split(" ")
    return Farewell(session_id, user_id, client_id, tries)
