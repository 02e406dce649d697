"""Open a database: SQLite by path, PostgreSQL by URL. What each needs so that an acknowledged change is kept.

SQLite      one file, mode 0600 (it holds signing keys and password hashes), WAL, synchronous=FULL: a commit is on the
            disk when it returns. Any number of processes may have it open.
PostgreSQL  through psycopg 3. A server that acknowledges before the disk has it (synchronous_commit=off) is refused.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sumun.directory.database import LOCK_WAIT_SECONDS, Database
from sumun.directory.errors import DirectoryUnusableError
from sumun.directory.faults import DATABASE_ERRORS, is_busy, unavailable

_SCHEMES = ("postgresql", "postgresql+psycopg")
_OWNER_ONLY = 0o600
_CONNECT_SECONDS = 3
# A server that is gone without a word: its connections end within seconds, not the two hours of the kernel (tcp(7)).
_KEEPALIVES = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
_STATEMENT_MS = 5_000


def open_database(location: Path | str) -> Database:
    """Open it, making the SQLite file when there is none. `location`: a path, or a `postgresql://` URL.

    Raises DirectoryUnusableError (wrong place, mode or setting), DirectoryUnavailableError.
    """
    return _open_sqlite(location) if isinstance(location, Path) else _open_postgresql(location)


def _open_sqlite(path: Path) -> Database:
    place = f"the file {path}"
    try:
        _own_file(path)
        _switch_to_wal(path)
    except OSError as error:
        raise DirectoryUnusableError(
            f"the directory's file {path} cannot be made or kept private: {error.strerror}; "
            "check the folder's owner and mode"
        ) from None
    except sqlite3.Error as error:
        raise unavailable(error, place, "opening the directory") from None
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        # isolation_level None: the driver begins nothing by itself, our listener below does.
        connect_args={"isolation_level": None, "timeout": LOCK_WAIT_SECONDS},
        hide_parameters=True,  # no row in an error's text
    )
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return Database(engine, place)


def _own_file(path: Path) -> None:
    """There is a file, and only its owner can read it. Root makes it for the owner of the folder, who will use it."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, _OWNER_ONLY)
    except FileExistsError:
        pass
    else:
        try:
            folder = path.parent.stat()
            if os.geteuid() == 0 and folder.st_uid != 0:
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
        finally:
            os.close(descriptor)
    # SQLite gives its side files the owner and mode of the main file; an old one may be looser.
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        with contextlib.suppress(FileNotFoundError):
            _narrow(file)


def _narrow(file: Path) -> None:
    """Nobody but the owner may read it. A link is refused: root would open, and narrow, whatever it leads to.

    By a descriptor that is a mere place (O_PATH, open(2)): closing any other would end SQLite's locks on the file.
    """
    place = os.open(file, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        mode = os.fstat(place).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.ELOOP, "it is no plain file", str(file))
        if stat.S_IMODE(mode) & ~_OWNER_ONLY:
            os.chmod(f"/proc/self/fd/{place}", _OWNER_ONLY)  # noqa: PTH101 - no Path
    finally:
        os.close(place)


def _switch_to_wal(path: Path) -> None:
    """WAL is a lasting property of the file. The switch takes a lock that busy_timeout does not wait for."""
    last_try = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        connection = sqlite3.connect(path, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= last_try:
                raise
            time.sleep(0.01)
            continue
        finally:
            connection.close()
        if mode != "wal":
            raise DirectoryUnusableError(
                f"the directory's file {path} stands on a file system without shared memory (SQLite said journal_mode "
                f"{mode!r} instead of wal): put the data folder on a local disk, or use PostgreSQL"
            )
        return


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Settings of a connection: sqlite.org/pragma.html."""
    connection.execute("PRAGMA synchronous=FULL")  # fsync at every commit
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction begins as it means to go on: as a reader, or (Database.write) as the writer."""
    connection.exec_driver_sql(connection.get_execution_options().get("sumun_begin", "BEGIN"))


def _open_postgresql(url_text: str) -> Database:
    try:
        url = sa.make_url(url_text)
    except sa.exc.ArgumentError:
        raise DirectoryUnusableError(
            "the directory's URL cannot be read; write postgresql://ROLE:PASSWORD@HOST/DATABASE"
        ) from None
    if url.drivername not in _SCHEMES:
        raise DirectoryUnusableError(
            f"the directory's URL begins with {url.drivername!r}; allowed is postgresql:// (or no URL at all: SQLite)"
        )
    if importlib.util.find_spec("psycopg") is None:
        raise DirectoryUnusableError(
            "the directory is to be PostgreSQL, and psycopg is not installed: install sumun[postgres]"
        )
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            **_KEEPALIVES,
            "application_name": "sumun",
            "options": f"-c statement_timeout={_STATEMENT_MS} -c lock_timeout={int(LOCK_WAIT_SECONDS * 1000) - 500}",
        },
        pool_pre_ping=True,  # a connection that a restart of the server left dead is noticed before it is used
        pool_timeout=LOCK_WAIT_SECONDS,
        hide_parameters=True,
    )
    database = Database(engine, f"the database {url.render_as_string(hide_password=True)}")
    try:
        _check_promises(database)
    except BaseException:
        database.close()
        raise
    return database


def _check_promises(database: Database) -> None:
    """The server keeps what it acknowledges, and knows every letter."""
    try:
        with database.engine.connect() as connection:
            commits, encoding = connection.execute(
                sa.text("SELECT current_setting('synchronous_commit'), current_setting('server_encoding')")
            ).one()
    except DATABASE_ERRORS as error:
        raise unavailable(error, database.place, "opening the directory") from None
    if commits == "off":
        raise DirectoryUnusableError(
            f"{database.place} has synchronous_commit=off, so a crash would lose acknowledged revocations; "
            "allowed are on, remote_apply, remote_write, local: ALTER ROLE ... SET synchronous_commit = on"
        )
    if encoding != "UTF8":
        raise DirectoryUnusableError(
            f"{database.place} has the encoding {encoding}; names need UTF8: create the database with ENCODING 'UTF8'"
        )
