"""What was issued under a session, a grant or a refresh family, on a Valkey or Redis server.

Keys: `smn:u:<id>` -> sorted set of token ids, each with the unix millisecond at which it is gone; `smn:ue:<id>` -> it
has ended. The set goes when its last token does. Putting looks for the end in the same script, so nothing slips
between an end and what is issued beside it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection

from sumun.tokens.format import is_claims_id
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import ENDED_FOR_MS, KEPT_AFTER_EXPIRY_MS, Swept
from sumun.tokens.stores.stored_record import CorruptRecordError, decode, encode
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, Word, strange
from sumun.tokens.stores.valkey_scripts import (
    FEED,
    INDEX,
    NAMESPACE,
    NEWS,
    NEWS_LUA,
    REPLACE,
    TOKEN,
    Script,
)

_UNDER = NAMESPACE + "u:"
_ENDED = NAMESPACE + "ue:"

# So many tokens in one script: others wait for milliseconds.
_AT_ONCE = 500

# KEYS: for each id its set, then for each its end, then what to store if anything: token, index.
# ARGV: token id, gone at (unix ms), how many ids; then record, digest.
# Each id's set drops what is gone by the server's clock, and lives as long as its last token.
PUT_UNDER = Script.of(
    """
local ids = tonumber(ARGV[3])
for i = ids + 1, 2 * ids do
  if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
end
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000)
for i = 1, ids do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  redis.call('ZADD', KEYS[i], ARGV[2], ARGV[1])
  local last = redis.call('ZRANGE', KEYS[i], -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', tonumber(last[2])))
end
if #ARGV > 3 then
  redis.call('SET', KEYS[2 * ids + 1], ARGV[4], 'PXAT', ARGV[2])
  redis.call('SET', KEYS[2 * ids + 2], ARGV[5], 'PXAT', ARGV[2])
end
return 1
""",
    keeps=True,
)

# KEYS: set, end, feed, news.  ARGV: fresh incarnation, for how long (ms) the end is remembered, prefixes of token and
# index keys, how many tokens to pass over, how many to look at.
# {number of the last news or 0, how many were looked at, tokens that are not kept here and when they are gone}: what is
# kept here goes, and leaves the set; the others stay in it until they have expired.
END_UNDER = Script.of(
    NEWS_LUA
    + """
redis.call('SET', KEYS[2], 1, 'PX', ARGV[2])
local first = tonumber(ARGV[5])
local members = redis.call('ZRANGE', KEYS[1], first, first + tonumber(ARGV[6]) - 1, 'WITHSCORES')
local n = 0
local claims = {}
for i = 1, #members, 2 do
  local id = members[i]
  local digest = redis.call('GET', ARGV[4] .. id)
  if digest then
    n = tell(KEYS[3], KEYS[4], ARGV[1], 'token', id)
    redis.call('DEL', ARGV[3] .. digest, ARGV[4] .. id)
    redis.call('ZREM', KEYS[1], id)
  else
    claims[#claims + 1] = id
    claims[#claims + 1] = members[i + 1]
  end
end
return {n, #members / 2, claims}
""",
    keeps=True,
)


class ValkeyUnder:
    """What stands under which id. Part of ValkeyStore, whose link it uses."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is the store's."""
        self._link = link

    async def put(self, digest: bytes, record: TokenRecord, stored: bytes, under: Collection[str]) -> bool:
        """Remember a token, stored as this, under these ids; False when one of them has ended."""
        keys = [*_sets_and_ends(under), TOKEN + digest.hex(), INDEX + record.token_id]
        gone_at_ms = record.expires_at_ms + KEPT_AFTER_EXPIRY_MS
        words: list[Word] = [record.token_id, gone_at_ms, len(under), stored, digest.hex()]
        return _is_put(await self._link.run(PUT_UNDER, keys, words))

    async def put_claims(self, token_id: str, expires_at_ms: int, under: Collection[str]) -> bool:
        """Remember a JWT under these ids; False when one of them has ended."""
        gone_at_ms = expires_at_ms + KEPT_AFTER_EXPIRY_MS
        words: list[Word] = [token_id, gone_at_ms, len(under)]
        return _is_put(await self._link.run(PUT_UNDER, _sets_and_ends(under), words))

    async def end(self, key: str) -> Swept:
        """Forget every token under this id, and take no more."""
        n = 0
        claims: list[tuple[str, int]] = []
        others = 0
        while True:
            keys = [_UNDER + key, _ENDED + key, FEED, NEWS]
            words: list[Word] = [_fresh(), ENDED_FOR_MS, TOKEN, INDEX, others, _AT_ONCE]
            match await self._link.run(END_UNDER, keys, words):
                case [int(last), int(seen), list(left)]:
                    n = max(n, last)
                    others += len(left) // 2
                    claims += _claims(left)
                    if seen < _AT_ONCE:
                        return Swept(n or None, tuple(claims))
                case _:
                    raise strange("END_UNDER")

    async def narrow(self, key: str, narrow: Callable[[TokenRecord], TokenRecord | None]) -> Swept:
        """Make every token under this id what `narrow` makes of it."""
        members = await self._link.command("ZRANGE", _UNDER + key, 0, -1, "WITHSCORES")
        if not isinstance(members, list):
            raise strange("ZRANGE")
        kept_here = [name for name in _names(members) if not is_claims_id(name)]
        n = 0
        for first in range(0, len(kept_here), _AT_ONCE):
            wanted = kept_here[first : first + _AT_ONCE]
            while wanted:
                last, wanted = await self._narrowed(wanted, narrow)
                n = max(n, last)
        return Swept(n or None, tuple(_claims(members)))

    async def _narrowed(
        self, token_ids: list[str], narrow: Callable[[TokenRecord], TokenRecord | None]
    ) -> tuple[int, list[str]]:
        """Number of the last news or 0, and the tokens that another changed meanwhile."""
        keys: list[str] = []
        words: list[str | bytes] = []
        for token_id, digest, stored in await self._stored(token_ids):
            wanted = _after(stored, narrow)
            if wanted != stored:
                keys.append(TOKEN + digest)
                words += [token_id, stored, wanted]
        if not keys:
            return 0, []
        match await self._link.run(REPLACE, [FEED, NEWS, *keys], [_fresh(), INDEX, *words]):
            case [int(n), list(others)]:
                return n, _names(others, step=1)
        raise strange("REPLACE")

    async def _stored(self, token_ids: list[str]) -> list[tuple[str, str, bytes]]:
        """Token id, hex digest and stored bytes of those that are there."""
        indexes = await self._link.command("MGET", *(INDEX + token_id for token_id in token_ids))
        if not isinstance(indexes, list) or len(indexes) != len(token_ids):
            raise strange("MGET")
        known = [
            (token_id, index.decode("latin-1"))
            for token_id, index in zip(token_ids, indexes, strict=True)
            if isinstance(index, bytes)
        ]
        if not known:
            return []
        stored = await self._link.command("MGET", *(TOKEN + digest for _, digest in known))
        if not isinstance(stored, list) or len(stored) != len(known):
            raise strange("MGET")
        return [(*one, found) for one, found in zip(known, stored, strict=True) if isinstance(found, bytes)]


def _sets_and_ends(under: Collection[str]) -> list[str]:
    return [*(_UNDER + key for key in under), *(_ENDED + key for key in under)]


def _after(stored: bytes, narrow: Callable[[TokenRecord], TokenRecord | None]) -> bytes:
    """The bytes that shall be there; empty: none."""
    try:
        record = decode(stored)
    except CorruptRecordError:
        return b""
    wanted = narrow(record)
    if wanted is None:
        return b""
    return stored if wanted == record else encode(wanted)


def _names(answers: list[Answer], step: int = 2) -> list[str]:
    return [name.decode("latin-1") for name in answers[::step] if isinstance(name, bytes)]


def _claims(members: list[Answer]) -> list[tuple[str, int]]:
    """The JWTs among (id, gone at), with their expiry."""
    return [
        (name, int(float(gone)) - KEPT_AFTER_EXPIRY_MS)
        for name, gone in zip(_names(members), members[1::2], strict=True)
        if is_claims_id(name) and isinstance(gone, bytes)
    ]


def _is_put(answer: Answer) -> bool:
    if answer not in (0, 1):
        raise strange("PUT_UNDER")
    return answer == 1


def _fresh() -> str:
    return secrets.token_hex(8)
