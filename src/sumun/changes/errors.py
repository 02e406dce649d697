"""When a change is stored and the rest did not go as it should. Both are outages: nobody was told "no".

SumunError
└── OutageError
    └── StoreUnavailableError
        ├── ChangeNotAnnouncedError   stored, not announced yet: it will be, when the store is back
        └── ChangeNotConfirmedError   stored and announced, and nobody can say who has applied it
"""

from __future__ import annotations

from typing import ClassVar

from sumun.tokens.errors import StoreUnavailableError


class ChangeNotAnnouncedError(StoreUnavailableError):
    """The change is in the directory for good. Processes hear of it when the store is back; do not repeat it.

    Until then a process serves what it knew for as long as `outage.serve_known_for` says, and then nothing.
    """

    code: ClassVar[str] = "change_not_announced"


class ChangeNotConfirmedError(StoreUnavailableError):
    """The change is made and announced, and the store went away before it said who has applied it."""

    code: ClassVar[str] = "change_not_confirmed"
