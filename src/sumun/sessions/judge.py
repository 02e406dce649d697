"""What a session proves right now. Pure: what is known goes in, Evidence comes out."""

from __future__ import annotations

from typing import Final

from sumun.access import Evidence, Invalid, InvalidBecause, Proven, TokenKind
from sumun.access.handover import SESSION_CLIENT
from sumun.config.plan import KEPT_OF_IDLE
from sumun.identity import ANYTHING, Principal, Standing
from sumun.sessions.session import Session


def judge_session(session: Session, standing: Standing | None, now: float, as_of: int = 0) -> Evidence:
    """What a session proves at `now` (unix seconds).

    None for the standing means that there is no such person (any more), for certain. `as_of` is the number of the
    latest change that all of it contains.
    """
    if now * 1000 >= session.over_at_ms:
        return Invalid(InvalidBecause.SESSION_OVER)
    if standing is None or standing.disabled:
        return Invalid(InvalidBecause.SUBJECT_DISABLED)
    if session.who.login_epoch < standing.login_epoch:
        return Invalid(InvalidBecause.SESSION_OVER)
    principal = Principal(
        subject=session.subject,
        name=standing.name,
        roles=standing.roles,
        permissions=standing.permissions,
        scopes=_EVERYTHING,
        client_id=SESSION_CLIENT,
        token_id=session.id,
    )
    return Proven(
        principal,
        TokenKind.SESSION,
        session.ends_at_ms / 1000,
        as_of,
        kept_until=min(session.over_at_ms / 1000, now + session.idle_ms / 1000 / KEPT_OF_IDLE),
    )


_EVERYTHING: Final = frozenset({ANYTHING})
