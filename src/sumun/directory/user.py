"""User: one account as a value, and how it is read and written as a row. The functions work inside a transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from sumun.audit.events import UserAdded, UserRenamed
from sumun.directory import held_rights
from sumun.directory.audit_trail import write_down
from sumun.directory.errors import UnknownUserError
from sumun.directory.held_rights import Held
from sumun.directory.names import account_name, display_name, refuse_client_name
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import announce_subject
from sumun.directory.subjects import make_subject
from sumun.directory.tables import CLIENTS, USERS, Row
from sumun.identity import Permission, Subject


@dataclass(frozen=True, slots=True)
class User:
    """One account. `roles` and `permissions` are what is held in all; `created_at_ms` is unix milliseconds."""

    id: str
    display_name: str
    source: str
    roles: frozenset[str]
    permissions: frozenset[Permission]
    disabled: bool
    has_password: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class LoginAccount:
    """An account as the login sees it, all read in one moment. The hash never shows in repr."""

    user: User
    password_hash: str | None = field(repr=False)
    login_epoch: int


def find_row(connection: sa.Connection, user_id: str) -> Row | None:
    """The account's row."""
    return connection.execute(sa.select(USERS).where(USERS.c.id == user_id)).one_or_none()


def known_row(connection: sa.Connection, user_id: str) -> Row:
    """The account's row. Raises UnknownUserError."""
    row = find_row(connection, user_id)
    if row is None:
        raise UnknownUserError(f"there is no account {user_id[:80]!r}; `sumun user list` shows them")
    return row


def user_of(connection: sa.Connection, row: Row) -> User:
    """The row as a value, with what the person holds."""
    held = held_rights.held_by(connection, row.id)
    return User(
        id=row.id,
        display_name=row.display_name,
        source=row.source,
        roles=held.roles,
        permissions=held.permissions,
        disabled=row.disabled_at_ms is not None,
        has_password=row.password_hash is not None,
        created_at_ms=row.created_at_ms,
    )


def set_columns(connection: sa.Connection, user_id: str, **values: object) -> None:
    """Write columns of one account and nothing else."""
    connection.execute(USERS.update().where(USERS.c.id == user_id).values(values))


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to make. `source` is `local` or the authenticator that vouches; only a local one has a password."""

    id: str
    display_name: str
    source: str
    held: Held
    password_hash: str | None = field(default=None, repr=False)


def make(
    connection: sa.Connection, new: NewUser, configured_clients: Collection[str], occasion: Occasion
) -> int:
    """Make an account that is not there; returns the outbox entry. Raises InvalidNameError, NameTakenError."""
    user_id, shown = account_name(new.id), display_name(new.display_name)
    registered = (
        connection.execute(sa.select(CLIENTS.c.id).where(CLIENTS.c.id == user_id)).first() is not None
    )
    refuse_client_name(user_id, configured_clients, registered=registered)
    connection.execute(
        USERS.insert().values(
            id=user_id,
            display_name=shown,
            source=new.source,
            password_hash=new.password_hash,
            created_at_ms=occasion.at_ms,
        )
    )
    subject = Subject.user(user_id)
    make_subject(connection, subject)
    held_rights.insert(connection, user_id, new.held, new.source)
    permissions = frozenset(map(str, new.held.permissions))
    write_down(connection, UserAdded(str(subject), new.source, shown, new.held.roles, permissions), occasion)
    return announce_subject(connection, subject)


def rename(connection: sa.Connection, row: Row, shown: str, occasion: Occasion) -> int | None:
    """Set the display name (as `names.display_name` gave it); None when it is that already."""
    if row.display_name == shown:
        return None
    set_columns(connection, row.id, display_name=shown)
    write_down(connection, UserRenamed(f"user:{row.id}", shown), occasion)
    return announce_subject(connection, Subject.user(row.id))
