"""Errors of recognition.

OutageError
├── OutOfTouchError       this process may have missed changes, or has not learned the state of things yet
├── ChangingTooFastError  what was looked up changed again during every look
└── TooManyNewTokensError too many JWTs that nobody has seen before wait for their signature to be verified
"""

from __future__ import annotations

from sumun.errors import OutageError


class OutOfTouchError(OutageError):
    """This process cannot prove that it knows every change. It says neither yes nor no until it has caught up."""

    code = "out_of_touch"


class ChangingTooFastError(OutageError):
    """Every look was overtaken by news about the same thing. Ask again in a moment."""

    code = "changing_too_fast"


class TooManyNewTokensError(OutageError):
    """The line of tokens whose signature was never verified here is full. Those that were are answered all the same."""

    code = "too_many_new_tokens"
