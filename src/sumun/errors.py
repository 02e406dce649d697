"""The root of every error of ours.

A package draws its own tree in its `errors.py` under `SumunError`. An error carries a stable code for programs and
a sentence for people; it never knows HTTP: the faces (`oauth`, `answers`) hold the table from error to status.
"""

from __future__ import annotations

from typing import ClassVar


class SumunError(Exception):
    """Something sumun can name went wrong. `str(error)` is a sentence for people and never holds a secret.

    `code` is stable and lower_snake_case: programs and logs read it, never the sentence.
    `exit_code` is what the command line ends with: 1 refused or failed, 2 wrong usage or wrong input,
    3 something outside is missing or unreachable (sysexits-like, small on purpose).
    """

    code: ClassVar[str] = "sumun_error"
    exit_code: ClassVar[int] = 1


class OutageError(SumunError):
    """A neighbour (store, directory, authentication server) did not answer. Never a "no": the caller answers 503."""

    code = "outage"
    exit_code = 3
