"""A change that a person asked for counts when every process of this node refuses what was taken away."""

from __future__ import annotations

from typing import ClassVar

from sumun.changes import Applied
from sumun.errors import OutageError


class NotRefusedYetError(OutageError):
    """It is taken away, and a process has not confirmed it: it may still be let in. Ask again."""

    code: ClassVar[str] = "change_not_confirmed"


def demand_refused_here(applied: Applied) -> None:
    """Raises NotRefusedYetError."""
    if applied.unconfirmed:
        raise NotRefusedYetError(f"not confirmed by {applied.behind()}")
