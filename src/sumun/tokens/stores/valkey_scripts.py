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
TOKEN = NAMESPACE + "t:"
"""String, by hex digest: the record."""
INDEX = NAMESPACE + "i:"
"""String, by token id: the hex digest."""
FEED = NAMESPACE + "feed"
"""Hash: `inc` the incarnation, `n` the number of the latest news."""
NEWS = NAMESPACE + "news"
"""Stream: id `n-0`, fields `k` kind and `y` key."""
READERS = NAMESPACE + "readers"
"""Hash: `node/process` -> for how many milliseconds its word holds. Kept: who was ever heard and said no goodbye."""
HEARD = NAMESPACE + "heard"
"""Hash: `node/process` -> `deadline_ms n incarnation`; `since` -> since when (ms) this server listens.

Only in the memory of the server that heard it (REPL_NONE: neither in the append-only file nor on a replica): a
heartbeat costs no disk, so that readers are heard on a full one. A server that begins anew has heard nobody, and
takes every reader for alive until its word of before must have run out.
"""
LISTENER = NAMESPACE + "listener"
"""String: the run id of the server that heard. Kept and replicated, so that one that was a replica in between, and has
its memory of before, sees that readers have spoken to another since then.
"""
MAX_NEWS = 100_000

COMMANDS = (
    *("get", "mget", "exists", "set", "del", "hget", "hset", "hdel", "hgetall", "hincrby"),
    *("zadd", "zrange", "zrem", "zremrangebyscore", "pexpireat"),
    *("xadd", "xrange", "xread", "eval", "evalsha", "info", "time"),
)
"""Every command that store and feed use, in scripts too (and AUTH, which everybody may): an ACL user needs no other."""

# begin(feed, news, fresh): the stored incarnation; made when there is none.
# tell(feed, news, fresh, kind, key): appends one news and returns its number.
NEWS_LUA = """
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
local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
local function incarnation(inc)
  return inc .. '.' .. run_id()
end
""".replace("MAX_NEWS", str(MAX_NEWS))

# clock(): the server's clock in milliseconds; it decides who is alive.
# listening(heard, listener, run, ms): since when this run of the server listens. What another has heard is forgotten.
_READERS_LUA = """
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function listening(heard, listener, run, ms)
  local since = redis.call('HGET', heard, 'since')
  local is_listener = redis.call('GET', listener) == run
  if since and is_listener then return tonumber(since) end
  if not is_listener then redis.call('SET', listener, run) end
  redis.set_repl(redis.REPL_NONE)
  redis.call('DEL', heard)
  redis.call('HSET', heard, 'since', string.format('%.0f', ms))
  redis.set_repl(redis.REPL_ALL)
  return ms
end
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the name under which the server remembers it. `keeps`: it writes what must stay."""

    text: str
    sha1: str
    keeps: bool

    @classmethod
    def of(cls, text: str, *, keeps: bool = False) -> Script:
        """The script of this text."""
        # SHA-1 is the name that EVALSHA wants; it protects nothing.
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), keeps)


# KEYS: token, index.  ARGV: record, digest, expiry (unix ms).
PUT = Script.of(
    """
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
return 1
""",
    keeps=True,
)

# KEYS: token, feed, news.  ARGV: fresh incarnation, prefix of index keys.
# The record begins `version token_id `; the index of that id goes with it.
REVOKE = Script.of(
    NEWS_LUA
    + """
local record = redis.call('GET', KEYS[1])
if not record then return false end
local id = string.match(record, '^%d+ (%S+) ')
if not id then return redis.error_reply('CORRUPT record') end
local n = tell(KEYS[2], KEYS[3], ARGV[1], 'token', id)
redis.call('DEL', KEYS[1], ARGV[2] .. id)
return n
""",
    keeps=True,
)

# KEYS: feed, news, tokens.  ARGV: fresh incarnation, prefix of index keys; for each token its id, the record as it was
# read, and as it shall be (empty: gone).
# {number of the last news or 0, the tokens that are not as they were read}: of two changes that meet, one begins anew.
REPLACE = Script.of(
    NEWS_LUA
    + """
local n = 0
local others = {}
for i = 3, #KEYS do
  local id, old, new = ARGV[3 * i - 6], ARGV[3 * i - 5], ARGV[3 * i - 4]
  if redis.call('GET', KEYS[i]) ~= old then
    others[#others + 1] = id
  else
    n = tell(KEYS[1], KEYS[2], ARGV[1], 'token', id)
    if new == '' then redis.call('DEL', KEYS[i], ARGV[2] .. id) else redis.call('SET', KEYS[i], new, 'KEEPTTL') end
  end
end
return {n, others}
""",
    keeps=True,
)

# KEYS: feed, news.  ARGV: fresh incarnation, then kind, key, kind, key, ...
PUBLISH = Script.of(
    NEWS_LUA
    + """
local n
for i = 2, #ARGV, 2 do n = tell(KEYS[1], KEYS[2], ARGV[1], ARGV[i], ARGV[i + 1]) end
return n
""",
    keeps=True,
)

# KEYS: feed, news.  ARGV: fresh incarnation.
HEAD = Script.of(
    NEWS_LUA
    + """
local inc = begin(KEYS[1], KEYS[2], ARGV[1])
return {incarnation(inc), redis.call('HGET', KEYS[1], 'n')}
"""
)

# KEYS: feed, news.  ARGV: fresh incarnation, the reader's incarnation, the reader's n, how many at most.
# A reader that has seen more than was ever told here proves that numbers were lost: from now on another incarnation.
READ = Script.of(
    NEWS_LUA
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

# KEYS: readers, heard, listener.  ARGV: node/process, milliseconds to live, n, incarnation.
CONFIRM = Script.of(
    NEWS_LUA
    + _READERS_LUA
    + """
local ms = clock()
listening(KEYS[2], KEYS[3], run_id(), ms)
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.set_repl(redis.REPL_NONE)
local deadline = string.format('%.0f', ms + tonumber(ARGV[2]))
redis.call('HSET', KEYS[2], ARGV[1], deadline .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
return 1
"""
)

# KEYS: readers, heard.  ARGV: node/process.
GOODBYE = Script.of(
    """
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
""",
    keeps=True,
)

# KEYS: readers, feed, news, heard, listener.  ARGV: fresh incarnation, n, `node/` or empty.
# A reader that this server has not heard yet may have spoken to the one before, just before that ended.
UNCONFIRMED = Script.of(
    NEWS_LUA
    + _READERS_LUA
    + """
local run = run_id()
local now = begin(KEYS[2], KEYS[3], ARGV[1]) .. '.' .. run
local ms = clock()
local since = listening(KEYS[4], KEYS[5], run, ms)
local readers = redis.call('HGETALL', KEYS[1])
local behind = {}
for i = 1, #readers, 2 do
  local name = readers[i]
  local deadline, n, inc = string.match(redis.call('HGET', KEYS[4], name) or '', '^(%d+) (%d+) (%S+)$')
  if not deadline then deadline = since + (tonumber(readers[i + 1]) or 0) end
  if tonumber(deadline) <= ms then
    redis.call('HDEL', KEYS[1], name)
    redis.call('HDEL', KEYS[4], name)
  elseif string.sub(name, 1, #ARGV[3]) == ARGV[3] and (inc ~= now or tonumber(n) < tonumber(ARGV[2])) then
    behind[#behind + 1] = name
  end
end
return behind
"""
)
