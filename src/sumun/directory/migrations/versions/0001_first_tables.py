"""The first tables: people, subjects, clients, keys, denials, outbox, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _people()
    _clients_and_keys()
    op.create_table(
        "denials",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("min_epoch", sa.BigInteger),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_denials"),
    )
    op.create_index("ix_denials_expires_at_ms", "denials", ["expires_at_ms"])
    op.create_table(
        "outbox",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_about", "audit", ["about"])


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("disabled_at_ms", sa.BigInteger),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    for table, right in (("user_roles", "role"), ("user_permissions", "permission")):
        op.create_table(
            table,
            sa.Column("user_id", sa.Text, nullable=False),
            sa.Column(right, sa.Text, nullable=False),
            sa.Column("origin", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("user_id", right, "origin", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id"),
        )
    op.create_table(
        "subjects",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("login_epoch", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_subjects"),
    )


def _clients_and_keys() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary),
        sa.Column("grants", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("token_kind", sa.Text, nullable=False),
        sa.Column("token_lifetime_seconds", sa.BigInteger, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("redirect_uris", sa.Text, nullable=False),
        sa.Column("first_party", sa.Boolean, nullable=False),
        sa.Column("disabled_at_ms", sa.BigInteger),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("alg", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("private_jwk", sa.Text),
        sa.Column("public_jwk", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("retires_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
