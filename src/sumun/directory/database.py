"""Database: one open SQL database, and who may write when. One way of working for both kinds.

**One writer at a time, in the whole deployment.** A write begins by taking the writers' lock (SQLite: BEGIN IMMEDIATE;
PostgreSQL: an advisory lock that ends with the transaction), so a change reads what it changes without surprises,
and the outbox is numbered in the order of the commits. Changes are rare; readers never wait for them.

A write is whole or not there: it commits when the block ends, and an exception in the block takes it back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from sumun.directory.faults import DATABASE_ERRORS, is_busy, may_have_happened, unavailable

# Any number that nothing else in the database uses for an advisory lock: "sumun" in ASCII.
WRITERS_LOCK = 0x73756D756E
# A writer holds the lock for milliseconds (a migration: for seconds). Who waits longer waits for something broken.
LOCK_WAIT_SECONDS = 5.0


class Database:
    """An engine and its name. Safe to use from several threads; not across a fork (open it anew in the child)."""

    def __init__(self, engine: sa.Engine, place: str) -> None:
        """`place` names the database for people, without any password."""
        self.engine = engine
        self.place = place
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Several looks at one moment (SQLite: a read transaction; PostgreSQL: REPEATABLE READ).

        Raises DirectoryUnavailableError.
        """
        try:
            options = (
                {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            )
            with self.engine.connect().execution_options(**options) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise unavailable(error, self.place, "a look") from None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that has the writers' lock; committed durably when the block ends without an exception.

        Raises DirectoryUnavailableError; its sentence says so when the commit may have happened all the same.
        """
        committing = False
        try:
            with self.engine.connect() as connection:
                self._take_writers_lock(connection)
                yield connection
                committing = True
                connection.commit()
        except DATABASE_ERRORS as error:
            unsure = committing and may_have_happened(error)
            doing = (
                "a change (it may be stored all the same: look before you repeat it)"
                if unsure
                else "a change"
            )
            raise unavailable(error, self.place, doing) from None

    def _take_writers_lock(self, connection: sa.Connection) -> None:
        if not self.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS_LOCK)))
            return
        # busy_timeout covers nearly every wait; SQLite does not use it while another process recovers the WAL.
        last_try = time.monotonic() + LOCK_WAIT_SECONDS
        connection.execution_options(sumun_begin="BEGIN IMMEDIATE")
        while True:
            try:
                connection.begin()
                return
            except sa.exc.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= last_try:
                    raise
                time.sleep(0.01)

    def close(self) -> None:
        """Close every connection. May be called twice."""
        self.engine.dispose()
