"""Refused: a value that a reader will not take, before anybody knows where it stands."""

from __future__ import annotations

from typing import ClassVar

from sumun.errors import SumunError


class RefusedError(SumunError):
    """A value is not what a setting takes.

    `what` continues a sentence that begins with the value ("is not a duration"), `allowed` says what is, `mend` what
    to write. None of them holds the value itself, for it may be a secret; `mend` may when the reader knows it is none.
    """

    code: ClassVar[str] = "refused_value"
    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, allowed: str = "", mend: str = "") -> None:
        """Keep the three parts."""
        super().__init__(what)
        self.what = what
        self.allowed = allowed
        self.mend = mend
