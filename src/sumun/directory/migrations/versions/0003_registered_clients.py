"""What clients that register themselves say of themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add it; clients of before say nothing."""
    for name in ("name", "authentication", "jwks", "post_logout_redirect_uris"):
        op.add_column("clients", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("requires_pushed_requests", "dpop"):
        op.add_column("clients", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("clients", sa.Column("registration_sha256", sa.LargeBinary))
