"""Standing: what the directory says of a subject right now."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.identity.permission import Permission
from sumun.identity.subject import Subject


@dataclass(frozen=True, slots=True)
class Standing:
    """A subject's rights and epochs, read in one consistent look.

    epoch         grows with every change that takes something away (role, permission, disabled, password); a claims
                  token carries the epoch of its mint and is refused below the subject's denied epoch
    login_epoch   grows when every earlier login must end (password changed, disabled, "log out everywhere"); an opaque
                  token carries it too
    No clock is involved, so no clock can bring a right back.
    """

    subject: Subject
    name: str
    roles: frozenset[str]
    permissions: frozenset[Permission]
    disabled: bool
    epoch: int
    login_epoch: int
