"""A database that says no."""

from __future__ import annotations

import sqlalchemy as sa

from sumun.directory import Directory


def refuse_inserts(directory: Directory, table: str) -> None:
    """From now on the database itself refuses every new row of the table."""
    with directory._database.write() as connection:
        if directory.is_sqlite:
            connection.execute(
                sa.text(f"CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")
            )
        else:
            connection.execute(
                sa.text("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$")
            )
            connection.execute(
                sa.text(f"CREATE TRIGGER no BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no()")
            )
