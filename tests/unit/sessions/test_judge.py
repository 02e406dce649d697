"""What a session proves."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sumun.access import Invalid, InvalidBecause, Proven, TokenKind
from sumun.identity import Permission, Standing, Subject
from sumun.sessions import Authentication, Session
from sumun.sessions.judge import judge_session

NOW = 1_700_000_000.0
SESSION = Session(
    "sid_a",
    Authentication("alice", int(NOW) - 100, 3),
    0,
    int(NOW * 1000),
    1_800_000,
    int(NOW * 1000) + 36_000_000,
)
ALICE = Standing(
    Subject.user("alice"),
    "Alice",
    frozenset({"user"}),
    frozenset({Permission("a", "b")}),
    disabled=False,
    epoch=9,
    login_epoch=3,
)


def test_proves_its_person() -> None:
    """A session stands for its person with all that they hold, until its absolute end."""
    found = judge_session(SESSION, ALICE, NOW, 7)
    assert isinstance(found, Proven)
    assert (found.kind, found.as_of, found.expires_at) == (TokenKind.SESSION, 7, NOW + 36_000)
    assert (str(found.principal.subject), found.principal.token_id) == ("user:alice", "sid_a")
    assert found.principal.active_roles() == {"user"}


def test_is_asked_again_in_time() -> None:
    """What is kept of it ends within a quarter of the idle limit, and never after the session."""
    found = judge_session(SESSION, ALICE, NOW)
    assert isinstance(found, Proven)
    assert found.kept_until == NOW + 450
    late = judge_session(SESSION, ALICE, NOW + 1700)
    assert isinstance(late, Proven)
    assert late.kept_until == NOW + 1800


@pytest.mark.parametrize(
    ("session", "standing", "now", "because"),
    [
        (SESSION, ALICE, NOW + 1800, InvalidBecause.SESSION_OVER),
        (replace(SESSION, idle_ms=10**9), ALICE, NOW + 36_000, InvalidBecause.SESSION_OVER),
        (SESSION, None, NOW, InvalidBecause.SUBJECT_DISABLED),
    ],
)
def test_proves_nothing(
    session: Session, standing: Standing | None, now: float, because: InvalidBecause
) -> None:
    """Idle for too long, too old, or of nobody."""
    assert judge_session(session, standing, now) == Invalid(because)


def test_ends_with_the_logins_of_its_person() -> None:
    """A password that was changed, and a person who was disabled, end every session of before."""
    assert judge_session(SESSION, _standing(login_epoch=4), NOW) == Invalid(InvalidBecause.SESSION_OVER)
    assert judge_session(SESSION, _standing(disabled=True), NOW) == Invalid(InvalidBecause.SUBJECT_DISABLED)


def _standing(*, login_epoch: int = 3, disabled: bool = False) -> Standing:
    return Standing(
        ALICE.subject, "Alice", frozenset(), frozenset(), disabled=disabled, epoch=9, login_epoch=login_epoch
    )
