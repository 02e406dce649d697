"""The one hot look: what the directory says of a subject right now, in one statement and so in one moment.

On SQLite it goes past SQLAlchemy: the same statement on a read-only connection of its own costs a tenth
(docs/directory.md has the figures), because a question for a subject that no process remembers waits for it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from sumun.directory.database import Database
from sumun.directory.faults import DATABASE_ERRORS, unavailable
from sumun.directory.tables import CLIENTS, SUBJECTS, USER_PERMISSIONS, USER_ROLES, USERS
from sumun.identity import Permission, Standing, Subject, SubjectKind

# A reader of a WAL never waits for a writer; it waits only while another process recovers the file after a crash.
_BUSY_SECONDS = 0.2


def _all_of(column: sa.ColumnElement[str], user_id: sa.ColumnElement[str]) -> Any:
    """The words of one person in one column, joined by spaces."""
    return sa.select(sa.func.aggregate_strings(column, " ")).where(user_id == USERS.c.id).scalar_subquery()


_USER = (
    sa.select(
        USERS.c.display_name,
        USERS.c.disabled_at_ms,
        SUBJECTS.c.epoch,
        SUBJECTS.c.login_epoch,
        _all_of(USER_ROLES.c.role, USER_ROLES.c.user_id),
        _all_of(USER_PERMISSIONS.c.permission, USER_PERMISSIONS.c.user_id),
    )
    .join(SUBJECTS, SUBJECTS.c.subject == sa.bindparam("subject"))
    .where(USERS.c.id == sa.bindparam("id"))
)
_CLIENT = (
    sa.select(
        CLIENTS.c.id,
        CLIENTS.c.disabled_at_ms,
        SUBJECTS.c.epoch,
        SUBJECTS.c.login_epoch,
        sa.type_coerce(CLIENTS.c.roles, sa.Text),
        sa.type_coerce(CLIENTS.c.permissions, sa.Text),
    )
    .join(SUBJECTS, SUBJECTS.c.subject == sa.bindparam("subject"))
    .where(CLIENTS.c.id == sa.bindparam("id"))
)
_WANTED = {SubjectKind.USER: _USER, SubjectKind.CLIENT: _CLIENT}


class StandingReader:
    """Reads standings. Safe to use from several threads."""

    def __init__(self, database: Database, file: Path | None) -> None:
        """`file`: the SQLite file, None on PostgreSQL."""
        self._database = database
        self._single = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._file = file
        self._direct: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._texts = {kind: _named(wanted) for kind, wanted in _WANTED.items()} if file else {}

    def standing(self, subject: Subject) -> Standing | None:
        """The standing, None when the directory has no such person or registered client.

        Raises DirectoryUnavailableError.
        """
        asked = {"subject": str(subject), "id": subject.id}
        try:
            row = self._ask_file(subject.kind, asked) if self._file else self._ask_engine(subject.kind, asked)
        except DATABASE_ERRORS as error:
            raise unavailable(error, self._database.place, "a look") from None
        return None if row is None else _standing(subject, row)

    def _ask_engine(self, kind: SubjectKind, asked: dict[str, str]) -> Sequence[Any] | None:
        with self._single.connect() as connection:
            return connection.execute(_WANTED[kind], asked).one_or_none()

    def _ask_file(self, kind: SubjectKind, asked: dict[str, str]) -> Sequence[Any] | None:
        with self._lock:
            if self._direct is None:
                self._direct = sqlite3.connect(
                    f"{Path(str(self._file)).absolute().as_uri()}?mode=ro",
                    uri=True,
                    timeout=_BUSY_SECONDS,
                    isolation_level=None,
                    check_same_thread=False,  # the lock sees to it
                )
            row: Sequence[Any] | None = self._direct.execute(self._texts[kind], asked).fetchone()
            return row

    def close(self) -> None:
        """Close the connection of our own. May be called twice."""
        with self._lock:
            if self._direct is not None:
                self._direct.close()
                self._direct = None


def _named(wanted: sa.Select[*tuple[Any, ...]]) -> str:
    """The statement as text with `:name` parameters, which sqlite3 takes as they are."""
    named = sqlite.dialect(paramstyle="named")
    compiled = wanted.params(subject="", id="").compile(
        dialect=named, compile_kwargs={"render_postcompile": True}
    )
    return str(compiled)


def _standing(subject: Subject, row: Sequence[Any]) -> Standing:
    name, disabled_at_ms, epoch, login_epoch, roles, permissions = row
    return Standing(
        subject=subject,
        name=name,
        roles=frozenset((roles or "").split()),
        permissions=frozenset(map(Permission.parse, (permissions or "").split())),
        disabled=disabled_at_ms is not None,
        epoch=epoch,
        login_epoch=login_epoch,
    )
