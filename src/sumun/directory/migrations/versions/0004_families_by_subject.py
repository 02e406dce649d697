"""A person is shown the logins that go on: found by subject."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_refresh_families_subject", "refresh_families", ["subject"])
