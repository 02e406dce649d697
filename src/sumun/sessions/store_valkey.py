"""SessionStore on a Valkey or Redis server.

    smn:s:<session id>        -> the session; expires when it is over
    smn:sc:<digest>           -> the id of the session of this cookie
    smn:sk:<session id>       -> ids of the clients that were told of it, for as long as it may last
    smn:su:<account name>     -> ids of this person's sessions, the oldest first; some may be over

All expire by the server's clock. What is more than one step is one script.
"""

from __future__ import annotations

import secrets
from typing import Final

from sumun.sessions.session import Session
from sumun.sessions.store import MOST_CLIENTS, MOST_OF_USER
from sumun.sessions.stored_session import CorruptSessionError, decode, encode
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import FEED, NAMESPACE, NEWS, NEWS_LUA, Script

_SESSION: Final = NAMESPACE + "s:"
_COOKIE: Final = NAMESPACE + "sc:"
_CLIENTS: Final = NAMESPACE + "sk:"
_USER: Final = NAMESPACE + "su:"
_LIST_MS: Final = 31 * 24 * 3_600_000  # longer than any session

# KEYS: session, cookie, user, feed, news.
# ARGV: fresh incarnation, id, session, when it is over if not used, when it ends, prefix of sessions,
# how many, milliseconds that the list lives.
BEGIN = Script.of(
    NEWS_LUA
    + """
local kept = {}
for id in string.gmatch(redis.call('GET', KEYS[3]) or '', '%S+') do
  if redis.call('EXISTS', ARGV[6] .. id) == 1 then kept[#kept + 1] = id end
end
while #kept >= tonumber(ARGV[7]) do
  local oldest = table.remove(kept, 1)
  tell(KEYS[4], KEYS[5], ARGV[1], 'token', oldest)
  redis.call('DEL', ARGV[6] .. oldest)
end
kept[#kept + 1] = ARGV[2]
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[5])
redis.call('SET', KEYS[3], table.concat(kept, ' '), 'PX', ARGV[8])
return 1
""",
    keeps=True,
)

# KEYS: session, old cookie, new cookie, feed, news.
# ARGV: fresh incarnation, id, session, when it is over if not used, when it ends.
RENEW = Script.of(
    NEWS_LUA
    + """
if redis.call('GET', KEYS[2]) ~= ARGV[2] or redis.call('EXISTS', KEYS[1]) == 0 then return false end
local n = tell(KEYS[4], KEYS[5], ARGV[1], 'token', ARGV[2])
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[3], ARGV[2], 'PXAT', ARGV[5])
redis.call('SET', KEYS[1], ARGV[3], 'PXAT', ARGV[4])
return n
""",
    keeps=True,
)

# KEYS: session, cookie.  ARGV: id.
JOIN = Script.of(
    """
local ends = string.match(redis.call('GET', KEYS[1]) or '', '^1 %d+ %d+ (%d+) ')
if not ends then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PXAT', ends)
return 1
""",
    keeps=True,
)

# KEYS: cookie.  ARGV: prefix of sessions.
SEE = Script.of(
    """
local id = redis.call('GET', KEYS[1])
return id and redis.call('GET', ARGV[1] .. id)
"""
)

# KEYS: session.  ARGV: now (unix ms).
TOUCH = Script.of(
    """
local last, idle, ends, rest = string.match(redis.call('GET', KEYS[1]) or '', '^1 (%d+) (%d+) (%d+) (.*)$')
local now = tonumber(ARGV[1])
if not last or now <= tonumber(last) or now >= tonumber(ends) then return 0 end
local over = string.format('%.0f', math.min(now + tonumber(idle), tonumber(ends)))
redis.call('SET', KEYS[1], '1 ' .. ARGV[1] .. ' ' .. idle .. ' ' .. ends .. ' ' .. rest, 'PXAT', over)
return 1
""",
    keeps=True,
)

# KEYS: user.  ARGV: prefix of sessions.
OF_USER = Script.of(
    """
local found = {}
for id in string.gmatch(redis.call('GET', KEYS[1]) or '', '%S+') do
  local session = redis.call('GET', ARGV[1] .. id)
  if session then found[#found + 1] = session end
end
return found
"""
)

# KEYS: session, clients.  ARGV: client id, how many.
SEEN_BY = Script.of(
    """
local ends = string.match(redis.call('GET', KEYS[1]) or '', '^1 %d+ %d+ (%d+) ')
if not ends then return 0 end
local known, count = {}, 0
for id in string.gmatch(redis.call('GET', KEYS[2]) or '', '%S+') do
  if id == ARGV[1] then return 0 end
  count = count + 1
  known[count] = id
end
if count >= tonumber(ARGV[2]) then return 0 end
known[count + 1] = ARGV[1]
redis.call('SET', KEYS[2], table.concat(known, ' '), 'PXAT', ends)
return 1
""",
    keeps=True,
)

# KEYS: session, feed, news.  ARGV: fresh incarnation, id.
END = Script.of(
    NEWS_LUA
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local n = tell(KEYS[2], KEYS[3], ARGV[1], 'token', ARGV[2])
redis.call('DEL', KEYS[1])
return n
""",
    keeps=True,
)


class ValkeySessions:
    """Sessions in Valkey or Redis. Keeps the SessionStore contract. One per process; lives on its event loop."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is this store's own: `close` closes it."""
        self._link = link

    async def begin(self, digest: bytes, session: Session) -> None:
        """Remember a new session with its first cookie. Raises StoreUnavailableError."""
        keys = [_SESSION + session.id, _cookie(digest), _USER + session.user_id, FEED, NEWS]
        words = [*_written(session), _SESSION, MOST_OF_USER, _LIST_MS]
        _flag(await self._link.run(BEGIN, keys, words), "BEGIN")

    async def renew(self, old: bytes, new: bytes, session: Session) -> int | None:
        """Let this be the session from now on, with another cookie. Raises StoreUnavailableError."""
        keys = [_SESSION + session.id, _cookie(old), _cookie(new), FEED, NEWS]
        return _number_or_none(await self._link.run(RENEW, keys, _written(session)), "RENEW")

    async def join(self, session_id: str, digest: bytes) -> bool:
        """Add a cookie; False when the session is over. Raises StoreUnavailableError."""
        keys = [_SESSION + session_id, _cookie(digest)]
        return _flag(await self._link.run(JOIN, keys, [session_id]), "JOIN") == 1

    async def see(self, digest: bytes) -> Session | None:
        """The session of this cookie. Raises StoreUnavailableError."""
        return _session_or_none(await self._link.run(SEE, [_cookie(digest)], [_SESSION]))

    async def touch(self, session_id: str, now_ms: int) -> None:
        """It is used now. Raises StoreUnavailableError."""
        _flag(await self._link.run(TOUCH, [_SESSION + session_id], [now_ms]), "TOUCH")

    async def get(self, session_id: str) -> Session | None:
        """The session of this id. Raises StoreUnavailableError."""
        return _session_or_none(await self._link.command("GET", _SESSION + session_id))

    async def of_user(self, user_id: str) -> list[Session]:
        """All sessions of a person, the newest first. Raises StoreUnavailableError."""
        answer = await self._link.run(OF_USER, [_USER + user_id], [_SESSION])
        if not isinstance(answer, list):
            raise strange("OF_USER")
        return [_session(one) for one in reversed(answer)]

    async def seen_by(self, session_id: str, client_id: str) -> None:
        """This client was told of the session. Raises StoreUnavailableError."""
        keys = [_SESSION + session_id, _CLIENTS + session_id]
        _flag(await self._link.run(SEEN_BY, keys, [client_id, MOST_CLIENTS]), "SEEN_BY")

    async def clients_of(self, session_id: str) -> tuple[str, ...]:
        """The clients that were told of the session. Raises StoreUnavailableError."""
        answer = await self._link.command("GET", _CLIENTS + session_id)
        if answer is not None and not isinstance(answer, bytes):
            raise strange("clients")
        return tuple((answer or b"").decode("ascii", "replace").split())

    async def end(self, session_id: str) -> int | None:
        """Forget it. Raises StoreUnavailableError."""
        keys = [_SESSION + session_id, FEED, NEWS]
        return _number_or_none(await self._link.run(END, keys, [_fresh(), session_id]), "END")

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()


def _cookie(digest: bytes) -> str:
    return _COOKIE + digest.hex()


def _fresh() -> str:
    return secrets.token_hex(8)


def _written(session: Session) -> list[str | bytes | int]:
    return [_fresh(), session.id, encode(session), session.over_at_ms, session.ends_at_ms]


def _session(answer: Answer) -> Session:
    if not isinstance(answer, bytes):
        raise strange("a session")
    try:
        return decode(answer)
    except CorruptSessionError as corrupt:
        raise StoreUnavailableError(str(corrupt)) from None


def _session_or_none(answer: Answer) -> Session | None:
    return None if answer is None else _session(answer)


def _flag(answer: Answer, what: str) -> int:
    if answer not in (0, 1) or not isinstance(answer, int):
        raise strange(what)
    return answer


def _number_or_none(answer: Answer, what: str) -> int | None:
    if answer is None or (isinstance(answer, int) and answer > 0):
        return answer
    raise strange(what)
