"""Errors of answering."""

from __future__ import annotations

from sumun.errors import OutageError


class NotRepeatableError(OutageError):
    """A stream that could not be judged again is not let begin."""

    code = "not_repeatable"
