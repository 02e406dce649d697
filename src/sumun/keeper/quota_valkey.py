"""QuotaBook in the token store's server, so that all nodes share it and a restart loses nothing.

    smn:quota:<client>   JSON: `day`, `used` on it, `seen`: worker -> {its count, the day when it was last told}

The day is that of the server's own clock. A worker that was not told of for a week is gone; so is a client's key.
"""

from __future__ import annotations

from collections.abc import Sequence

from sumun.keeper.quota_book import Count
from sumun.keeper.quotas import Used
from sumun.tokens.stores.valkey_link import ValkeyLink, Word, strange
from sumun.tokens.stores.valkey_scripts import NAMESPACE, Script

_PREFIX = f"{NAMESPACE}quota:"

# KEYS: client. ARGV: worker, count, count before; and so on. Returns what is used, and the day.
_ADD = Script.of(
    """
local DAYS = 7
local day = math.floor(tonumber(redis.call('TIME')[1]) / 86400)
local text = redis.call('GET', KEYS[1])
local book = text and cjson.decode(text) or {day = day, used = 0, seen = {}}
local changed = false
if book.day < day then
  for worker, seen in pairs(book.seen) do
    if seen[2] < day - DAYS then book.seen[worker] = nil end
  end
  book.day, book.used, changed = day, 0, true
end
for i = 1, #ARGV, 3 do
  local worker, count = ARGV[i], tonumber(ARGV[i + 1])
  local seen = book.seen[worker] or {tonumber(ARGV[i + 2]), -1}
  if seen[1] ~= count or seen[2] ~= book.day then
    book.used = book.used + (count < seen[1] and count or count - seen[1])
    book.seen[worker], changed = {count, book.day}, true
  end
end
if changed then
  redis.call('SET', KEYS[1], cjson.encode(book), 'PX', string.format('%.0f', DAYS * 86400000))
end
return {book.used, book.day}
""",
    keeps=True,
)


class ValkeyQuotaBook:
    """Keeps the contract of `quota_book.QuotaBook`. `link` is this object's own: `close` closes it."""

    def __init__(self, link: ValkeyLink) -> None:
        """The link's deadline bounds every call."""
        self._link = link

    async def add(self, client: str, counts: Sequence[Count]) -> Used:
        """See the contract."""
        words: list[Word] = []
        for count in counts:
            words += [count.worker, count.calls, count.before]
        answer = await self._link.run(_ADD, [f"{_PREFIX}{client}"], words)
        match answer:
            case [int(calls), int(day)]:
                return Used(calls, day)
        raise strange("a quota")

    async def close(self) -> None:
        """See the contract."""
        await self._link.close()
