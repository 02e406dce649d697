"""The page that carries an answer back to an application by POST (OAuth 2.0 Form Post Response Mode 1.0).

Its small script, a file of our own, presses the button; without JavaScript the person does.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumun.pages.frame import Frame, Hidden
from sumun.pages.html import html


@dataclass(frozen=True, slots=True)
class PassingPage:
    """`action` is the checked redirect URI. Send it with `page_headers(form_targets=..., script=True)`."""

    frame: Frame
    application: str
    action: str
    hidden: tuple[Hidden, ...]


def render_passing(page: PassingPage) -> str:
    """The HTML."""
    return html("passing.html", page)
