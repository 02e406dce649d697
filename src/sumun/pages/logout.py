"""The pages of a logout (OpenID Connect RP-Initiated Logout 1.0): the question, and the end."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.pages.frame import Frame, Hidden, Person
from sumun.pages.html import html


@dataclass(frozen=True, slots=True)
class ConfirmLogoutPage:
    """Sent by POST to `action` with `decision`: `logout` or `stay`. `application`: who asks; empty: the person."""

    frame: Frame
    action: str
    hidden: tuple[Hidden, ...]
    person: Person
    application: str = ""


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """The session is over. `goes_to`: a checked URL of the application to go on to, or empty."""

    frame: Frame
    application: str = ""
    goes_to: str = ""


def render_confirm_logout(page: ConfirmLogoutPage) -> str:
    """The HTML."""
    return html("confirm_logout.html", page)


def render_signed_out(page: SignedOutPage) -> str:
    """The HTML."""
    return html("signed_out.html", page)
