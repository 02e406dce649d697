"""SessionStore on a Valkey or Redis server.

    smn:s:<session id>        -> the session; expires when it is over
    smn:sc:<digest>           -> the id of the session of this cookie
    smn:sk:<session id>       -> ids of the clients that were told of it, until it is ended, or as long as it may last
    smn:su:<account name>     -> ids of this person's sessions, the oldest first; some may be over

All expire by the server's clock. What is more than one step is one script.
"""

from __future__ import annotations

import logging
import secrets
from typing import Final

from sumun.sessions.errors import UnreadableSessionError
from sumun.sessions.session import Session
from sumun.sessions.store import MOST_CLIENTS, MOST_OF_USER
from sumun.sessions.stored_session import CorruptSessionError, decode, encode
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import FEED, NAMESPACE, NEWS, NEWS_LUA, Script

log = logging.getLogger(__name__)

_SESSION: Final = NAMESPACE + "s:"
_COOKIE: Final = NAMESPACE + "sc:"
_CLIENTS: Final = NAMESPACE + "sk:"
_USER: Final = NAMESPACE + "su:"
_LIST_MS: Final = 31 * 24 * 3_600_000  # longer than any session

# KEYS: session, cookie, user.
# ARGV: id, session, when it is over if not used, when it ends, prefix of sessions, how many, milliseconds that the
# list lives.
# {}, or the ids that have to end before: those may not just go, for something was issued in them.
BEGIN = Script.of(
    """
local kept = {}
for id in string.gmatch(redis.call('GET', KEYS[3]) or '', '%S+') do
  if redis.call('EXISTS', ARGV[5] .. id) == 1 then kept[#kept + 1] = id end
end
local too_many = {}
for i = 1, #kept + 1 - tonumber(ARGV[6]) do too_many[i] = kept[i] end
if #too_many > 0 then return too_many end
kept[#kept + 1] = ARGV[1]
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PXAT', ARGV[4])
redis.call('SET', KEYS[3], table.concat(kept, ' '), 'PX', ARGV[7])
return {}
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

# KEYS: cookie.  ARGV: prefix of sessions.  {id, session}, or nothing.
SEE = Script.of(
    """
local id = redis.call('GET', KEYS[1])
local session = id and redis.call('GET', ARGV[1] .. id)
return session and {id, session}
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

# KEYS: user.  ARGV: prefix of sessions.  {id, session, ...}
OF_USER = Script.of(
    """
local found = {}
for id in string.gmatch(redis.call('GET', KEYS[1]) or '', '%S+') do
  local session = redis.call('GET', ARGV[1] .. id)
  if session then
    found[#found + 1] = id
    found[#found + 1] = session
  end
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

# KEYS: session, feed, news, clients.  ARGV: fresh incarnation, id.
END = Script.of(
    NEWS_LUA
    + """
redis.call('DEL', KEYS[4])
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

    async def begin(self, digest: bytes, session: Session) -> tuple[str, ...]:
        """Remember a new session with its first cookie, or say what has to end before. Raises StoreUnavailableError."""
        keys = [_SESSION + session.id, _cookie(digest), _USER + session.user_id]
        words = [*_written(session), _SESSION, MOST_OF_USER, _LIST_MS]
        return _ids(await self._link.run(BEGIN, keys, words), "BEGIN")

    async def renew(self, old: bytes, new: bytes, session: Session) -> int | None:
        """Let this be the session from now on, with another cookie. Raises StoreUnavailableError."""
        keys = [_SESSION + session.id, _cookie(old), _cookie(new), FEED, NEWS]
        return _number_or_none(await self._link.run(RENEW, keys, [_fresh(), *_written(session)]), "RENEW")

    async def join(self, session_id: str, digest: bytes) -> bool:
        """Add a cookie; False when the session is over. Raises StoreUnavailableError."""
        keys = [_SESSION + session_id, _cookie(digest)]
        return _flag(await self._link.run(JOIN, keys, [session_id]), "JOIN") == 1

    async def see(self, digest: bytes) -> Session | None:
        """The session of this cookie. Raises StoreUnavailableError."""
        match await self._link.run(SEE, [_cookie(digest)], [_SESSION]):
            case None:
                return None
            case [bytes(session_id), session]:
                return _session(session_id.decode("latin-1"), session)
        raise strange("SEE")

    async def touch(self, session_id: str, now_ms: int) -> None:
        """It is used now. Raises StoreUnavailableError."""
        _flag(await self._link.run(TOUCH, [_SESSION + session_id], [now_ms]), "TOUCH")

    async def get(self, session_id: str) -> Session | None:
        """The session of this id. Raises StoreUnavailableError."""
        answer = await self._link.command("GET", _SESSION + session_id)
        return None if answer is None else _session(session_id, answer)

    async def of_user(self, user_id: str) -> list[Session]:
        """All sessions of a person that can be read, the newest first. Raises StoreUnavailableError."""
        sessions: list[Session] = []
        for session_id, stored in await self._of_user(user_id):
            try:
                sessions.append(_session(session_id, stored))
            except UnreadableSessionError as unreadable:
                log.error("a session is not shown to its person: %s", unreadable)
        return sessions

    async def ids_of_user(self, user_id: str) -> tuple[str, ...]:
        """The ids of all sessions of a person, the newest first. Raises StoreUnavailableError."""
        return tuple(session_id for session_id, _ in await self._of_user(user_id))

    async def _of_user(self, user_id: str) -> list[tuple[str, Answer]]:
        """Id and what is stored, the newest first."""
        answer = await self._link.run(OF_USER, [_USER + user_id], [_SESSION])
        if not isinstance(answer, list) or len(answer) % 2:
            raise strange("OF_USER")
        return list(zip(_ids(answer[::2], "OF_USER"), answer[1::2], strict=True))[::-1]

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
        """Forget it, readable or not. Raises StoreUnavailableError."""
        keys = [_SESSION + session_id, FEED, NEWS, _CLIENTS + session_id]
        return _number_or_none(await self._link.run(END, keys, [_fresh(), session_id]), "END")

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()


def _cookie(digest: bytes) -> str:
    return _COOKIE + digest.hex()


def _fresh() -> str:
    return secrets.token_hex(8)


def _written(session: Session) -> list[str | bytes | int]:
    return [session.id, encode(session), session.over_at_ms, session.ends_at_ms]


def _session(session_id: str, answer: Answer) -> Session:
    if not isinstance(answer, bytes):
        raise strange("a session")
    try:
        return decode(answer)
    except CorruptSessionError as corrupt:
        raise UnreadableSessionError(session_id, str(corrupt)) from None


def _ids(answer: Answer, what: str) -> tuple[str, ...]:
    if not isinstance(answer, list):
        raise strange(what)
    ids = tuple(one.decode("latin-1") for one in answer if isinstance(one, bytes))
    if len(ids) != len(answer):
        raise strange(what)
    return ids


def _flag(answer: Answer, what: str) -> int:
    if answer not in (0, 1) or not isinstance(answer, int):
        raise strange(what)
    return answer


def _number_or_none(answer: Answer, what: str) -> int | None:
    if answer is None or (isinstance(answer, int) and answer > 0):
        return answer
    raise strange(what)
