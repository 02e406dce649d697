"""Session: what the gateway remembers of a browser that somebody logged in with."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from sumun.identity import Subject

LONGEST_USER_AGENT: Final = 200
"""Characters that are kept: enough for a person to know the browser again."""

LONGEST_SOURCE: Final = 64

_SESSION_ID: Final = re.compile(r"sid_[0-9A-Za-z]{22}")


def is_session_id(text: str) -> bool:
    """Whether this may be the id of a session. It says nothing of there being one."""
    return _SESSION_ID.fullmatch(text) is not None


class Authentication(Struct, frozen=True):
    """How and when somebody proved who they are.

    at            unix seconds (OpenID Connect Core 2, `auth_time`)
    methods       how (`amr`, RFC 8176): `("pwd",)`
    context       how strongly (`acr`); empty when nobody says
    login_epoch   the person's, read before the proof: a newer one (password changed, disabled) ends the session
    """

    user_id: str
    at: int
    login_epoch: int
    methods: tuple[str, ...] = ()
    context: str = ""


class Session(Struct, frozen=True):
    """One session. Times are unix milliseconds.

    ends_at_ms    the absolute limit: it is over then, used or not
    idle_ms       it is over when nobody used it for so long
    last_seen_ms  the latest use that was written down; uses that follow closely are not
    user_agent, source   of the login, for the person's own eyes
    """

    id: str
    who: Authentication
    created_at_ms: int
    last_seen_ms: int
    idle_ms: int
    ends_at_ms: int
    user_agent: str = ""
    source: str = ""

    @property
    def user_id(self) -> str:
        """The account."""
        return self.who.user_id

    @property
    def subject(self) -> Subject:
        """The person."""
        return Subject.user(self.who.user_id)

    @property
    def over_at_ms(self) -> int:
        """When it is over if nobody uses it any more."""
        return min(self.last_seen_ms + self.idle_ms, self.ends_at_ms)
