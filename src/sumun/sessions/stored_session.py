"""The stored bytes of a Session: `1 LAST_SEEN IDLE ENDS {json}`, all times in milliseconds.

The numbers stand in front, so that a script can move the last use without reading JSON; a newer shape is told by its
number.
"""

from __future__ import annotations

import msgspec

from sumun.sessions.session import Session

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Session).decode


class CorruptSessionError(ValueError):
    """The bytes under a session's key are none that this version reads. It says nothing of the session."""


def encode(session: Session) -> bytes:
    """The bytes to store."""
    head = b"1 %d %d %d " % (session.last_seen_ms, session.idle_ms, session.ends_at_ms)
    return head + _encode(session)


def decode(data: bytes) -> Session:
    """The session. Raises CorruptSessionError, whose text holds nothing of the session."""
    try:
        version, last_seen, _, _, body = data.split(b" ", 4)
        if version != b"1":
            raise CorruptSessionError("a session has a version that this sumun does not read")
        return msgspec.structs.replace(_decode(body), last_seen_ms=int(last_seen))
    except CorruptSessionError:
        raise
    except ValueError:  # msgspec's errors are ValueErrors
        raise CorruptSessionError("a session in the store cannot be read") from None
