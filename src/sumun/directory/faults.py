"""What a database's error means, in a sentence for the operator.

The words of the database are not repeated where they may quote a row (a password hash, a key): only its error's name
or SQLSTATE is, and the plain sentence that we know for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sumun.directory.errors import DirectoryUnavailableError

# Every error that a database call may end in. SQLAlchemy wraps its driver's; sqlite3's come from the direct reader.
DATABASE_ERRORS = (sa.exc.SQLAlchemyError, sqlite3.Error)

# SQLite's result codes, by the start of their names: sqlite.org/rescode.html
_SQLITE: Mapping[str, str] = {
    "SQLITE_FULL": "the disk is full: make room; nothing was half-written",
    "SQLITE_BUSY": "another process kept the file locked for too long: look for a program that holds it open",
    "SQLITE_LOCKED": "another process kept the file locked for too long: look for a program that holds it open",
    "SQLITE_READONLY": "the file cannot be written: check its owner and mode, and those of its folder",
    "SQLITE_CANTOPEN": "the file cannot be opened: check that the folder exists, and its owner and mode",
    "SQLITE_PERM": "the file cannot be opened: check its owner and mode",
    "SQLITE_NOTADB": "the file is not an SQLite database: check the data folder; it was left as it is",
    "SQLITE_CORRUPT": "the file is damaged: stop sumun, keep a copy, restore a backup or try `sqlite3 FILE .recover`",
    "SQLITE_IOERR": "reading or writing the disk failed: check the disk and the limits on file size",
    "SQLITE_PROTOCOL": "many processes opened the file at once: try again",
}

# PostgreSQL's SQLSTATEs, by their start, longest first: its manual, appendix A.
_POSTGRESQL: Mapping[str, str] = {
    "53100": "the server's disk is full: make room; nothing was half-written",
    "53300": "the server takes no more connections: raise max_connections or close some",
    "55P03": "another process held the directory for too long: look at pg_stat_activity",
    "57014": "the server did not finish in time: look at pg_stat_activity",
    "25006": "the server takes no writes: it is a standby; name the primary",
    "42501": "the role may not use the tables: grant it the database",
    "28": "the server refused the role or its password: check the directory's URL",
    "3D": "the database does not exist: create it, or check the directory's URL",
    "08": "the connection broke: check that the server runs",
    "57P": "the server is stopping or starting: try again",
    "40": "the server gave up a transaction: try again",
}


def unavailable(error: BaseException, place: str, doing: str) -> DirectoryUnavailableError:
    """The error to raise instead. `place` names the database without its password; `doing` says what failed."""
    return DirectoryUnavailableError(f"{doing} in {place} failed: {_meaning(error)}")


def is_busy(error: BaseException) -> bool:
    """True when SQLite says that another connection has the lock."""
    return _name(_cause(error)).startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"))


def may_have_happened(error: BaseException) -> bool:
    """True when a commit that ended in this error may be kept all the same: nobody said that it is not.

    PostgreSQL: the connection broke before the answer. SQLite: the disk failed while it was asked to keep it.
    """
    name = _name(_cause(error))
    return not name or name.startswith(("SQLITE_IOERR", "08", "57P"))


def _meaning(error: BaseException) -> str:
    cause = _cause(error)
    name = _name(cause)
    for known in (_SQLITE, _POSTGRESQL):
        for start, sentence in known.items():
            if name.startswith(start):
                return f"{sentence} ({name})"
    if isinstance(error, sa.exc.TimeoutError):
        return "all connections were busy for too long: try again"
    if isinstance(error, sa.exc.OperationalError) and not name:
        # There is no connection, so these words are about the way to the server; libpq never repeats the password.
        words = " ".join(str(cause).split())
        return f"the server cannot be reached, or lets us not in: check that it runs, and the directory's URL ({words})"
    return f"the database refused a statement ({type(cause).__name__} {name}): was it changed by hand?"


def _cause(error: BaseException) -> Any:
    """The driver's own error."""
    return error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error


def _name(cause: Any) -> str:
    """SQLite's name of the result code, or the SQLSTATE; empty when there is none (no connection)."""
    return getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
