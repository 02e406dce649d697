"""What a person sees who came with a browser and may not have the page: theirs to read, where a program reads JSON.

HAProxy shows these pages, so nothing in them is looked up: what is known of the person and the request is left open
(`Left`), and HAProxy fills it in.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumun.pages.frame import Frame
from sumun.pages.html import html


@dataclass(frozen=True, slots=True)
class RefusedPage:
    """`person` is what people call them; `other` a path of ours to log in as somebody else and come back here."""

    frame: Frame
    request_id: str
    person: str
    other: str


def render_refused(page: RefusedPage) -> str:
    """The HTML."""
    return html("refused.html", page)
