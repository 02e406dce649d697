"""What a database's error means."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
import sqlalchemy as sa

from sumun.directory.faults import is_busy, may_have_happened, unavailable


def sqlite_error(name: str) -> sa.exc.DBAPIError:
    """As the driver raises it."""
    error = sqlite3.OperationalError("said with a row in it: $argon2id$x")
    error.sqlite_errorname = name
    return sa.exc.OperationalError("INSERT", {}, error)


@pytest.mark.parametrize(
    ("error", "said", "unsure"),
    [
        (sqlite_error("SQLITE_FULL"), "the disk is full", False),
        (sqlite_error("SQLITE_BUSY_SNAPSHOT"), "locked for too long", False),
        (sqlite_error("SQLITE_READONLY_DIRECTORY"), "cannot be written", False),
        (sqlite_error("SQLITE_CORRUPT_INDEX"), "damaged", False),
        (sqlite_error("SQLITE_IOERR_FSYNC"), "the disk failed", True),
        (
            sa.exc.OperationalError("x", {}, psycopg.errors.DiskFull("row: $argon2id$x")),
            "disk is full",
            False,
        ),
        (
            sa.exc.InternalError("x", {}, psycopg.errors.ReadOnlySqlTransaction("$argon2id$x")),
            "it is a standby",
            False,
        ),
        (
            sa.exc.OperationalError("x", {}, psycopg.errors.AdminShutdown("$argon2id$x")),
            "stopping or starting",
            True,
        ),
        (
            sa.exc.IntegrityError("x", {}, psycopg.errors.UniqueViolation("$argon2id$x")),
            "UniqueViolation 23505",
            False,
        ),
        (
            sa.exc.OperationalError("x", {}, psycopg.OperationalError("server\nclosed")),
            "(server closed)",
            True,
        ),
        (sa.exc.TimeoutError("pool"), "all connections were busy", True),
        (sqlite3.DatabaseError("$argon2id$x"), "refused a statement (DatabaseError", True),
    ],
)
def test_a_sentence_for_each(error: Exception, said: str, *, unsure: bool) -> None:
    """Each error becomes a sentence that names the place and helps, without the database's words about a row."""
    sentence = str(unavailable(error, "the file /x", "a change"))
    assert sentence.startswith("a change in the file /x failed: ")
    assert said in sentence
    assert "argon2id" not in sentence
    assert may_have_happened(error) is unsure


def test_busy() -> None:
    """Only a lock is worth another try."""
    assert is_busy(sqlite_error("SQLITE_BUSY_RECOVERY"))
    assert not is_busy(sqlite_error("SQLITE_FULL"))
