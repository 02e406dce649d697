"""The tables, nothing else. A change here goes with a new file in migrations/versions; a test compares the two.

Times are unix milliseconds (`_ms`). Lists of words (roles, scopes, addresses) are joined by one space: no word holds a
space. Nothing is ever deleted from users, clients, subjects and audit, so no id can come to mean another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={  # names that are the same on every database, so that a later migration can say them
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


Row = sa.Row[*tuple[Any, ...]]
"""A row whose columns are known by name."""


class Words(sa.TypeDecorator[tuple[str, ...]]):
    """A list of words without spaces, stored as one text: a set sorted, anything else in its order."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Any] | None, dialect: sa.Dialect) -> str | None:
        """Join the text forms."""
        if value is None:
            return None
        words = list(map(str, value))
        return " ".join(sorted(words) if isinstance(value, frozenset) else words)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> tuple[str, ...] | None:
        """Split."""
        return None if value is None else tuple(value.split())


# An id that counts. SQLite counts only INTEGER; AUTOINCREMENT so that a deleted number never comes back.
_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),  # the account name, lower case, never changed
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),  # `local`, or the authenticator that vouches
    sa.Column("password_hash", sa.Text),  # PHC string
    sa.Column("disabled_at_ms", sa.BigInteger),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
)

# `origin` says who gave the right: `local` (an operator) or the person's authenticator. What one gave the other keeps.
USER_ROLES = sa.Table(
    "user_roles",
    METADATA,
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
)
USER_PERMISSIONS = sa.Table(
    "user_permissions",
    METADATA,
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("permission", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
)

# One row for each user and registered client, and for a configured client once its logins were ended.
SUBJECTS = sa.Table(
    "subjects",
    METADATA,
    sa.Column("subject", sa.Text, primary_key=True),  # `user:alice`, `client:batch`
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("login_epoch", sa.BigInteger, nullable=False),
)

CLIENTS = sa.Table(
    "clients",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.LargeBinary),
    sa.Column("grants", Words, nullable=False),
    sa.Column("scopes", Words, nullable=False),
    sa.Column("roles", Words, nullable=False),
    sa.Column("permissions", Words, nullable=False),
    sa.Column("token_kind", sa.Text, nullable=False),
    sa.Column("token_lifetime_seconds", sa.BigInteger, nullable=False),
    sa.Column("login", Words, nullable=False),
    sa.Column("redirect_uris", Words, nullable=False),
    sa.Column("first_party", sa.Boolean, nullable=False),
    sa.Column("disabled_at_ms", sa.BigInteger),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("authentication", sa.Text, nullable=False, server_default=""),
    sa.Column("jwks", sa.Text, nullable=False, server_default=""),  # JSON
    sa.Column("post_logout_redirect_uris", Words, nullable=False, server_default=""),
    sa.Column("requires_pushed_requests", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("dpop", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("registration_sha256", sa.LargeBinary),  # of its registration access token, if it has one
)

SIGNING_KEYS = sa.Table(
    "signing_keys",
    METADATA,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("alg", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # active, published, retired
    sa.Column("private_jwk", sa.Text),  # JSON; erased when the key is retired
    sa.Column("public_jwk", sa.Text, nullable=False),  # JSON
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("retires_at_ms", sa.BigInteger),  # when it may go: its last token has expired then
)

# Claims tokens that must not be believed although their signature is good.
DENIALS = sa.Table(
    "denials",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),  # token, subject, client
    sa.Column("key", sa.Text, primary_key=True),  # jti, `user:alice`, client id
    sa.Column("min_epoch", sa.BigInteger),  # tokens of an older epoch are refused; NULL for one token
    sa.Column("expires_at_ms", sa.BigInteger, nullable=False, index=True),
)

# What a person lets a client do. One for each pair; withdrawing deletes it, and allowing anew makes one of another id.
GRANTS = sa.Table(
    "grants",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),  # `grt_...`
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("scopes", Words, nullable=False),
    sa.Column("openid", Words, nullable=False),  # openid, profile, email, offline_access
    sa.Column("refused", Words, nullable=False),  # of either: asked about, and not allowed
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_at_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("user_id", "client_id"),
)

# One login through one client that may be gone on with: what every token that is refreshed in it is made of. Ending it
# deletes it and its tokens.
REFRESH_FAMILIES = sa.Table(
    "refresh_families",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),  # `fam_...`
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False, index=True),  # `sid_...`, or empty
    sa.Column("grant_id", sa.Text, nullable=False, index=True),  # `grt_...`, or empty
    sa.Column("scopes", Words, nullable=False),
    sa.Column("openid", Words, nullable=False),
    sa.Column("audience", Words, nullable=False),  # empty: the whole gateway
    sa.Column("bound_to", sa.Text, nullable=False),  # the key that must be shown, or empty
    sa.Column("login_epoch", sa.BigInteger, nullable=False),
    sa.Column("authenticated_at_s", sa.BigInteger, nullable=False),  # unix seconds
    sa.Column("amr", Words, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),  # with a token in clear it makes the next one
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ms", sa.BigInteger, nullable=False, index=True),
)

# Refresh tokens by their SHA-256. Used ones stay until their family ends: a second use is how a theft shows.
REFRESH_TOKENS = sa.Table(
    "refresh_tokens",
    METADATA,
    sa.Column("sha256", sa.LargeBinary, primary_key=True),
    sa.Column("family_id", sa.Text, sa.ForeignKey("refresh_families.id"), nullable=False, index=True),
    sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    sa.Column("used_at_ms", sa.BigInteger),
)

# Changes that are stored and not yet announced. `id` grows in the order of the commits (there is one writer at a time).
OUTBOX = sa.Table(
    "outbox",
    METADATA,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)
