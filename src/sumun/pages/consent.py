"""The consent page: which application may do what. Each permission is granted or refused by itself.

The form is sent by POST to `action` with the hidden fields, `decision` (`allow` what is ticked, `all`, `refuse`, or
`other`: log in as somebody else) and, for each ticked permission, `grant:SCOPE` = `yes`.

What was granted before is ticked; nothing else is. A box that somebody else ticked is no consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumun.pages.frame import Frame, Hidden, Person
from sumun.pages.html import html
from sumun.pages.scopes import AskedPermission

_BOX = "grant:"


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """`goes_to`: where the person is sent afterwards, a host such as `shop.example`, an application's own scheme such
    as `com.example.app:`, or empty.

    `unknown`: the application registered itself, nobody here vouches for its name. `device_code`: what the person's
    device shows (RFC 8628 3.3), to be compared with it. `nothing_ticked`: shown again, for nothing was ticked.
    """

    frame: Frame
    action: str
    hidden: tuple[Hidden, ...]
    application: str
    person: Person
    permissions: tuple[AskedPermission, ...]
    goes_to: str = ""
    unknown: bool = False
    device_code: str = ""
    nothing_ticked: bool = False

    @property
    def choices(self) -> tuple[AskedPermission, ...]:
        """What can be granted or refused."""
        return tuple(asked for asked in self.permissions if not asked.always)

    @property
    def fixed(self) -> tuple[AskedPermission, ...]:
        """What comes with every login."""
        return tuple(asked for asked in self.permissions if asked.always)


def render_consent(page: ConsentPage) -> str:
    """The HTML."""
    return html("consent.html", page, box=_BOX)


def ticked(form: Mapping[str, str]) -> frozenset[str]:
    """The scopes whose boxes are ticked in a form that was sent: the browser's word, still to be checked."""
    return frozenset(name.removeprefix(_BOX) for name in form if name.startswith(_BOX))
