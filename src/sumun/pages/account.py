"""The pages of `/account`: what a person has given to whom, where they are logged in, and their password.

Every form is sent by POST and answered by a redirect to `/account?done=NOTICE`:

    /account/applications   `application` and, pressed, `withdraw` = one scope, or `withdraw_all` = `yes`
    /account/logins         pressed: `end` = a client's id
    /account/sessions       pressed: `end` = a session's id, or `others` = `yes`
    /account/password       `current`, `new`, `again`
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.pages.agent import described
from sumun.pages.frame import Frame, Hidden, Person
from sumun.pages.html import html
from sumun.pages.scopes import AskedPermission
from sumun.pages.times import ago, iso


class Notice(StrEnum):
    """What was just done; said once at the top, and announced."""

    WITHDRAWN = "withdrawn"
    NARROWED = "narrowed"
    LOGIN_ENDED = "login_ended"
    SESSION_ENDED = "session_ended"
    OTHERS_ENDED = "others_ended"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_CHANGING = (
        "password_changing"  # changed; a process has not confirmed yet that it refuses the others
    )


@dataclass(frozen=True, slots=True)
class GrantedApplication:
    """What one application was given. `since`: unix seconds of the first time."""

    grant_id: str
    name: str
    permissions: tuple[AskedPermission, ...]
    since: float


@dataclass(frozen=True, slots=True)
class LoggedInApplication:
    """One of the operator's own applications that stays logged in, with all its logins. Times in unix seconds."""

    client_id: str
    name: str
    logins: int
    started: float
    last_used: float


@dataclass(frozen=True, slots=True)
class SeenSession:
    """One browser where the person is logged in. Times in unix seconds; `agent` as the browser calls itself."""

    session_id: str
    current: bool
    agent: str
    source: str
    started: float
    last_seen: float

    @property
    def browser(self) -> tuple[str, str]:
        """(browser, system), such as Firefox and Linux; each may be empty."""
        return described(self.agent)


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`now`: unix seconds. `password_here`: the password is kept here, so it can be changed here."""

    frame: Frame
    hidden: tuple[Hidden, ...]
    person: Person
    applications: tuple[GrantedApplication, ...]
    logins: tuple[LoggedInApplication, ...]
    sessions: tuple[SeenSession, ...]
    now: float
    password_here: bool = True
    notice: Notice | None = None


class PasswordTrouble(StrEnum):
    """Why the password was not changed."""

    NONE = ""
    WRONG = "wrong"  # the current one
    SHORT = "short"  # the new one; `shortest`
    UNUSABLE = "unusable"  # the new one is too long, or holds what nobody can type
    SAME = "same"  # the new one is the current one
    DIFFERENT = "different"  # the new one was not repeated
    THROTTLED = "throttled"  # with `wait_seconds`


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """The change of a password. `shortest`: characters that a new one needs."""

    frame: Frame
    hidden: tuple[Hidden, ...]
    person: Person
    shortest: int
    trouble: PasswordTrouble = PasswordTrouble.NONE
    wait_seconds: int = 0


def render_account(page: AccountPage) -> str:
    """The HTML."""
    return html("account.html", page, ago=ago, iso=iso)


def render_password(page: PasswordPage) -> str:
    """The HTML."""
    return html("password.html", page)
