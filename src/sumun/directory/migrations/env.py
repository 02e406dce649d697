"""What Alembic runs. The connection, its transaction and its lock are those of directory/schema.py."""

from __future__ import annotations

from alembic import context

from sumun.directory.schema import VERSION_TABLE
from sumun.directory.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # true of SQLite too, because we say BEGIN ourselves
)
with context.begin_transaction():
    context.run_migrations()
