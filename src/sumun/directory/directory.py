"""Directory: everything long-lived that is kept in SQL, through one door."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from sumun.directory.audit_trail import AuditTrail
from sumun.directory.clients import Clients
from sumun.directory.database import Database
from sumun.directory.denials import Denials
from sumun.directory.grants import Grants
from sumun.directory.issued import Issued
from sumun.directory.keys import Keys
from sumun.directory.lasting_logins import LastingLogins
from sumun.directory.opening import open_database
from sumun.directory.outbox import Outbox
from sumun.directory.refresh_tokens import RefreshTokens
from sumun.directory.schema import bring_up
from sumun.directory.standing_reader import StandingReader
from sumun.directory.subjects import Subjects
from sumun.directory.users import Users
from sumun.identity import Standing, Subject


class Directory:
    """An open directory. Synchronous: the event loop calls it through DirectoryThreads.

    Safe to use from several threads and, each with a Directory of its own, from several processes; never across a fork.
    Every method of every part may raise DirectoryUnavailableError.
    """

    def __init__(self, database: Database, file: Path | None) -> None:
        """`file` is the SQLite file, None on PostgreSQL. `Directory.open` is the way to make one."""
        self._database = database
        self._standings = StandingReader(database, file)
        self.is_sqlite = database.is_sqlite
        self.users = Users(database)
        self.clients = Clients(database)
        self.subjects = Subjects(database)
        self.grants = Grants(database)
        self.issued = Issued(database)
        self.refresh_tokens = RefreshTokens(database)
        self.lasting_logins = LastingLogins(database)
        self.keys = Keys(database)
        self.denials = Denials(database)
        self.outbox = Outbox(database)
        self.audit = AuditTrail(database)

    @classmethod
    def open(cls, location: Path | str) -> Directory:
        """Open the directory at a path (SQLite; the file is made) or a `postgresql://` URL, and bring its schema up.

        Raises DirectoryUnusableError (wrong place, not ours, written by a newer sumun), DirectoryUnavailableError.
        """
        database = open_database(location)
        try:
            bring_up(database)
        except BaseException:
            database.close()
            raise
        return cls(database, location if isinstance(location, Path) else None)

    def standing(self, subject: Subject) -> Standing | None:
        """A subject's rights and epochs in one look; None when there is no such person or registered client."""
        return self._standings.standing(subject)

    def close(self) -> None:
        """Let go of every connection. May be called twice."""
        self._standings.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
