"""The login page.

The form is sent by POST to `action` with `username`, `password`, the hidden fields, and what was pressed: `decision` is
`login` or `cancel`, or `way` names another way to log in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.pages.frame import Frame, Hidden
from sumun.pages.html import html


class LoginTrouble(StrEnum):
    """Why the page is shown again. One sentence for every failure: nobody learns which accounts exist."""

    NONE = ""
    REJECTED = "rejected"
    THROTTLED = "throttled"  # with `wait_seconds`
    UNAVAILABLE = "unavailable"  # it could not be checked; nothing was wrong
    FORGED = "forged"  # the form did not come from our page, or its page was open for too long


@dataclass(frozen=True, slots=True)
class LoginWay:
    """Another way to log in: a button. `label` in the page's language."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class LoginPage:
    """`application`: on whose behalf; empty: for the gateway's own pages.

    `username` stands in its field already (login_hint, or what was typed). `fixed`: it cannot be changed, for the
    person is logged in and is to prove it again (max_age, prompt=login, a change of the password).
    `cancels`: there is somewhere to go back to.
    """

    frame: Frame
    action: str
    hidden: tuple[Hidden, ...]
    application: str = ""
    username: str = ""
    fixed: bool = False
    trouble: LoginTrouble = LoginTrouble.NONE
    wait_seconds: int = 0
    ways: tuple[LoginWay, ...] = ()
    cancels: bool = True


def render_login(page: LoginPage) -> str:
    """The HTML."""
    return html("login.html", page)
