"""The Lua that makes a change and its news one atomic step. Pure text and its SHA-1; KEYS name every key it touches.

The feed's counter and incarnation live in one hash, so they live and die together. When the hash is gone (a flushed or
replaced server), the next script begins a new incarnation and drops what the old stream said. Readers are told the
incarnation together with the server's run id: a server that restarted, or another one after a failover, may have lost
the latest news however durable it was meant to be, so to a reader it is always another incarnation.

`redis.call` and not `server.call`: Redis and Valkey both know it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

NAMESPACE = "smn:"
FEED = NAMESPACE + "feed"
"""Hash: `inc` the incarnation, `n` the number of the latest news."""
NEWS = NAMESPACE + "news"
"""Stream: id `n-0`, fields `k` kind and `y` key."""
READERS = NAMESPACE + "readers"
"""Hash: `node/process` -> `deadline_ms n incarnation`."""
MAX_NEWS = 100_000

COMMANDS = (
    *("get", "mget", "exists", "set", "del", "hget", "hset", "hdel", "hgetall", "hincrby"),
    *("xadd", "xrange", "xread", "eval", "evalsha", "info", "time"),
)
"""Every command that store and feed use, in scripts too (and AUTH, which everybody may): an ACL user needs no other."""

# begin(feed, news, fresh): the stored incarnation; made when there is none.
# tell(feed, news, fresh, kind, key): appends one news and returns its number.
_NEWS_LUA = """
local function begin(feed, news, fresh)
  local inc = redis.call('HGET', feed, 'inc')
  if not inc then
    inc = fresh
    redis.call('DEL', news)
    redis.call('HSET', feed, 'inc', inc, 'n', 0)
  end
  return inc
end
local function tell(feed, news, fresh, kind, key)
  begin(feed, news, fresh)
  local n = redis.call('HINCRBY', feed, 'n', 1)
  redis.call('XADD', news, 'MAXLEN', '~', 'MAX_NEWS', string.format('%.0f-0', n), 'k', kind, 'y', key)
  return n
end
local function incarnation(inc)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  return inc .. '.' .. run
end
""".replace("MAX_NEWS", str(MAX_NEWS))


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the name under which the server remembers it."""

    text: str
    sha1: str

    @classmethod
    def of(cls, text: str) -> Script:
        """The script of this text."""
        # SHA-1 is the name that EVALSHA wants; it protects nothing.
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# KEYS: token, index.  ARGV: record, digest, expiry (unix ms).
PUT = Script.of("""
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
return 1
""")

# KEYS: token, feed, news.  ARGV: fresh incarnation, prefix of index keys.
# The record begins `version token_id `; the index of that id goes with it.
REVOKE = Script.of(
    _NEWS_LUA
    + """
local record = redis.call('GET', KEYS[1])
if not record then return false end
local id = string.match(record, '^%d+ (%S+) ')
if not id then return redis.error_reply('CORRUPT record') end
local n = tell(KEYS[2], KEYS[3], ARGV[1], 'token', id)
redis.call('DEL', KEYS[1], ARGV[2] .. id)
return n
"""
)

# KEYS: token, feed, news.  ARGV: fresh incarnation, the record with its new rights, token id.
# Only the rights of a record ever change, and an edit sets them all: of two edits that meet, the later one stays.
EDIT = Script.of(
    _NEWS_LUA
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local n = tell(KEYS[2], KEYS[3], ARGV[1], 'token', ARGV[3])
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return n
"""
)

# KEYS: feed, news.  ARGV: fresh incarnation, then kind, key, kind, key, ...
PUBLISH = Script.of(
    _NEWS_LUA
    + """
local n
for i = 2, #ARGV, 2 do n = tell(KEYS[1], KEYS[2], ARGV[1], ARGV[i], ARGV[i + 1]) end
return n
"""
)

# KEYS: feed, news.  ARGV: fresh incarnation.
HEAD = Script.of(
    _NEWS_LUA
    + """
local inc = begin(KEYS[1], KEYS[2], ARGV[1])
return {incarnation(inc), redis.call('HGET', KEYS[1], 'n')}
"""
)

# KEYS: feed, news.  ARGV: fresh incarnation, the reader's incarnation, the reader's n, how many at most.
# A reader that has seen more than was ever told here proves that numbers were lost: from now on another incarnation.
READ = Script.of(
    _NEWS_LUA
    + """
local inc = begin(KEYS[1], KEYS[2], ARGV[1])
local n = tonumber(redis.call('HGET', KEYS[1], 'n'))
if incarnation(inc) ~= ARGV[2] then return 'anew' end
if tonumber(ARGV[3]) > n then
  redis.call('HSET', KEYS[1], 'inc', ARGV[1])
  return 'anew'
end
local after = string.format('%.0f-0', tonumber(ARGV[3]) + 1)
return {tostring(n), redis.call('XRANGE', KEYS[2], after, '+', 'COUNT', ARGV[4])}
"""
)

# KEYS: readers.  ARGV: node/process, milliseconds to live, n, incarnation.  The server's clock decides who is alive.
CONFIRM = Script.of("""
if tonumber(ARGV[2]) <= 0 then return redis.call('HDEL', KEYS[1], ARGV[1]) end
local time = redis.call('TIME')
local deadline = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', deadline) .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
return 1
""")

# KEYS: readers, feed, news.  ARGV: fresh incarnation, n, `node/` or empty.
UNCONFIRMED = Script.of(
    _NEWS_LUA
    + """
local now = incarnation(begin(KEYS[2], KEYS[3], ARGV[1]))
local time = redis.call('TIME')
local ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local said = redis.call('HGETALL', KEYS[1])
local behind = {}
for i = 1, #said, 2 do
  local deadline, n, inc = string.match(said[i + 1], '^(%d+) (%d+) (%S+)$')
  if not deadline or tonumber(deadline) <= ms then
    redis.call('HDEL', KEYS[1], said[i])
  elseif string.sub(said[i], 1, #ARGV[3]) == ARGV[3] and (inc ~= now or tonumber(n) < tonumber(ARGV[2])) then
    behind[#behind + 1] = said[i]
  end
end
return behind
"""
)
