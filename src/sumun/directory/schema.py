"""The schema's version: bring an older database up, refuse a newer one.

The number stands in the table `sumun_schema`. Reading it costs one look; Alembic is imported only when there is
something to do. The steps are code, in `migrations/versions`; they run under the writers' lock in one transaction, so
two processes that start at once do them once, and a failed step leaves the database as it was.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from sumun.directory.database import Database
from sumun.directory.errors import DirectoryUnusableError
from sumun.directory.faults import DATABASE_ERRORS, unavailable
from sumun.directory.tables import METADATA

VERSION_TABLE = "sumun_schema"
# The steps, oldest first. A test holds this list and the folder together.
STEPS: tuple[str, ...] = ("0001", "0002", "0003", "0004")
MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up(database: Database) -> None:
    """Make the schema the one this code knows. Nothing to do: one look.

    Raises DirectoryUnusableError (written by a newer sumun; somebody else's database), DirectoryUnavailableError.
    """
    with database.read() as connection:
        if _version(connection, database.place) == STEPS[-1]:
            return
    with database.write() as connection:
        if _version(connection, database.place) != STEPS[-1]:  # another process was quicker
            _climb(connection, database.place)


def _version(connection: sa.Connection, place: str) -> str | None:
    """The step the database stands on; None when it is empty. Raises DirectoryUnusableError."""
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        foreign = sorted(tables & set(METADATA.tables))
        if foreign or (connection.dialect.name == "sqlite" and tables):
            raise DirectoryUnusableError(
                f"{place} holds tables of something else ({', '.join(foreign or sorted(tables)[:3])}); "
                "sumun left them alone: give it a database of its own"
            )
        return None
    version = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # a constant
    if version is not None and version not in STEPS:
        raise DirectoryUnusableError(
            f"{place} was written by a newer sumun (schema {version}); this one knows schemas up to {STEPS[-1]}: "
            "use the newer sumun, or restore the backup from before the upgrade"
        )
    return None if version is None else str(version)


def _climb(connection: sa.Connection, place: str) -> None:
    from alembic import command  # noqa: PLC0415  # a third of a second, and only on the day of an upgrade
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))  # a step may rewrite a table
    try:
        command.upgrade(config, STEPS[-1])
    except CommandError as error:
        raise DirectoryUnusableError(f"{place} cannot be brought to schema {STEPS[-1]}: {error}") from None
    except DATABASE_ERRORS as error:
        raise unavailable(error, place, f"bringing the schema to {STEPS[-1]}") from None
