"""The schema: the steps and the tables say the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sumun.directory import Directory, NewsKind
from sumun.directory.schema import MIGRATIONS, STEPS, VERSION_TABLE
from sumun.directory.tables import METADATA
from sumun.tokens.feed import ChangeKind


def test_the_steps_make_the_tables(tmp_path: Path) -> None:
    """A database that climbed every step has the tables of tables.py, names of constraints included."""
    file = tmp_path / "sumun.db"
    Directory.open(file).close()
    engine = sa.create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "version_table": VERSION_TABLE}
            )
            assert compare_metadata(context, METADATA) == []
            climbed = dict(
                connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
            )
    finally:
        engine.dispose()
    for name, table in METADATA.tables.items():
        made = str(sa.schema.CreateTable(table).compile(dialect=engine.dialect))
        assert words(made) == words(climbed[name]), name


def words(statement: str) -> list[str]:
    """What a CREATE TABLE makes, without its white space, in one order: SQLite puts what is added on one line."""
    inside = statement[statement.index("(") + 1 : statement.rindex(")")]
    return sorted(" ".join(one.split()) for one in re.split(r",(?![^()]*\))", inside))


def test_every_step_is_listed() -> None:
    """STEPS is the folder, in order, in one line without branches."""
    script = ScriptDirectory(str(MIGRATIONS))
    assert [step.revision for step in reversed(list(script.walk_revisions()))] == list(STEPS)
    assert script.get_heads() == [STEPS[-1]]


def test_an_up_to_date_directory_opens_without_alembic(tmp_path: Path) -> None:
    """Opening costs one look: Alembic, a third of a second, is imported on the day of an upgrade only."""
    Directory.open(tmp_path / "sumun.db").close()
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "alembic"}
    try:
        Directory.open(tmp_path / "sumun.db").close()
        assert "alembic" not in sys.modules
    finally:
        sys.modules.update(kept)


def test_news_is_called_the_same_everywhere() -> None:
    """The outbox and the feed have one word for one thing, but for what the relay itself has to do."""
    told = {kind.value for kind in NewsKind} - {NewsKind.ISSUED.value}
    assert told == {kind.value for kind in ChangeKind} - {"everything"}
