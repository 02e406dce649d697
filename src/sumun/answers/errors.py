"""Errors of answering."""

from __future__ import annotations

from sumun.errors import OutageError


class NotRepeatableError(OutageError):
    """A stream that could not be judged again is not let begin."""

    code = "not_repeatable"


class KeeperAwayError(OutageError):
    """A stream that nobody would cut is not let begin."""

    code = "keeper_away"
