"""EphemeralStore on a Valkey or Redis server. Keys: `smn:e:<kind>:<hex digest>`. All expire by the server's clock."""

from __future__ import annotations

from sumun.tokens.ephemeral import Kind
from sumun.tokens.stores.valkey_link import ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import NAMESPACE, Script

_PREFIX = NAMESPACE + "e:"

# Scripts and not SET NX or GETDEL: a server's answer to a script has one shape, and what writes is refused on a full
# disk before it is sent (`ValkeyLink.run`).
# KEYS: the thing.  ARGV: value, milliseconds to live.
PUT_THING = Script.of("redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1", keeps=True)
ADD_THING = Script.of(
    """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""",
    keeps=True,
)
# KEYS: the thing.
TAKE_THING = Script.of(
    """
local value = redis.call('GET', KEYS[1])
if value then redis.call('DEL', KEYS[1]) end
return value
""",
    keeps=True,
)
# KEYS: the thing.  ARGV: old, new.
SWAP_THING = Script.of(
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
""",
    keeps=True,
)


class ValkeyEphemeral:
    """Things in Valkey or Redis. Keeps the EphemeralStore contract. One per process; lives on its event loop."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is this store's own: `close` closes it."""
        self._link = link

    async def put(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> None:
        """Remember it. Raises StoreUnavailableError."""
        await self._run(PUT_THING, kind, digest, value, lifetime_ms)

    async def add(self, kind: Kind, digest: bytes, value: bytes, lifetime_ms: int) -> bool:
        """Remember it unless one is there. Raises StoreUnavailableError."""
        return await self._run(ADD_THING, kind, digest, value, lifetime_ms)

    async def get(self, kind: Kind, digest: bytes) -> bytes | None:
        """What is there. Raises StoreUnavailableError."""
        return _value(await self._link.command("GET", _key(kind, digest)))

    async def take(self, kind: Kind, digest: bytes) -> bytes | None:
        """What is there, once. Raises StoreUnavailableError."""
        return _value(await self._link.run(TAKE_THING, [_key(kind, digest)], []))

    async def swap(self, kind: Kind, digest: bytes, old: bytes, new: bytes) -> bool:
        """Put `new` in the place of exactly `old`. Raises StoreUnavailableError."""
        return await self._run(SWAP_THING, kind, digest, old, new)

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()

    async def _run(self, script: Script, kind: Kind, digest: bytes, *words: bytes | int) -> bool:
        answer = await self._link.run(script, [_key(kind, digest)], words)
        if answer not in (0, 1):
            raise strange(kind)
        return answer == 1


def _key(kind: Kind, digest: bytes) -> str:
    return f"{_PREFIX}{kind}:{digest.hex()}"


def _value(answer: object) -> bytes | None:
    if answer is not None and not isinstance(answer, bytes):
        raise strange("a thing")
    return answer
