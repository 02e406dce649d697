"""What a person holds, and who gave it. Every function works inside the transaction of its change.

A right has an origin: `local` (an operator) or the person's authenticator. The same right may come from both; it is
gone when the last origin took it away, and only that is a lowering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sumun.audit.events import RightsGranted, RightsWithdrawn
from sumun.directory.audit_trail import write_down
from sumun.directory.errors import HeldFromElsewhereError
from sumun.directory.names import held_permissions, role_names
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import announce_subject
from sumun.directory.subjects import lower
from sumun.directory.tables import USER_PERMISSIONS, USER_ROLES, Row
from sumun.identity import Permission, Subject


@dataclass(frozen=True, slots=True)
class Held:
    """Roles and direct permissions, side by side."""

    roles: frozenset[str] = frozenset()
    permissions: frozenset[Permission] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what nobody can hold. Raises InvalidNameError."""
        role_names(self.roles)
        held_permissions(self.permissions)

    def __or__(self, other: Held) -> Held:
        return Held(self.roles | other.roles, self.permissions | other.permissions)

    def __sub__(self, other: Held) -> Held:
        return Held(self.roles - other.roles, self.permissions - other.permissions)

    def __and__(self, other: Held) -> Held:
        return Held(self.roles & other.roles, self.permissions & other.permissions)

    def __bool__(self) -> bool:
        return bool(self.roles or self.permissions)

    def __str__(self) -> str:
        return ", ".join([*sorted(self.roles), *sorted(map(str, self.permissions))])


NOTHING = Held()


def held_by(connection: sa.Connection, user_id: str) -> Held:
    """What the person holds in all."""
    every = NOTHING
    for held in _by_origin(connection, user_id).values():
        every |= held
    return every


def from_origin(connection: sa.Connection, user_id: str, origin: str) -> Held:
    """What this origin gave the person."""
    return _by_origin(connection, user_id).get(origin, NOTHING)


def grant(connection: sa.Connection, user_id: str, held: Held, origin: str, occasion: Occasion) -> int | None:
    """Give; returns the outbox entry, None when the origin gave all of it before."""
    new = held - from_origin(connection, user_id, origin)
    if not new:
        return None
    insert(connection, user_id, new, origin)
    event = RightsGranted(f"user:{user_id}", origin, new.roles, frozenset(map(str, new.permissions)))
    write_down(connection, event, occasion)
    return announce_subject(connection, Subject.user(user_id))


def insert(connection: sa.Connection, user_id: str, held: Held, origin: str) -> None:
    """Write the rows and nothing else."""
    for role in sorted(held.roles):
        connection.execute(USER_ROLES.insert().values(user_id=user_id, role=role, origin=origin))
    for permission in sorted(map(str, held.permissions)):
        connection.execute(
            USER_PERMISSIONS.insert().values(user_id=user_id, permission=permission, origin=origin)
        )


def withdraw(
    connection: sa.Connection, user_id: str, held: Held, origin: str, occasion: Occasion
) -> int | None:
    """Take away what this origin gave; returns the outbox entry, None when it had given none of it.

    Raises HeldFromElsewhereError when another origin gave some of it too: the person would keep it.
    """
    by_origin = _by_origin(connection, user_id)
    for other, given in by_origin.items():
        if other != origin and held & given:
            raise HeldFromElsewhereError(
                f"{user_id!r} has {held & given} from {other!r}, which would give it back at the next login; "
                f"take it away there, or disable {user_id!r}"
            )
    gone = held & by_origin.get(origin, NOTHING)
    return _take(connection, user_id, gone, origin, occasion) if gone else None


def replace(
    connection: sa.Connection, user_id: str, held: Held, origin: str, occasion: Occasion
) -> int | None:
    """Make `held` all that this origin gives; returns the outbox entry, None when that is so already."""
    before = from_origin(connection, user_id, origin)
    entry = grant(connection, user_id, held, origin, occasion)
    gone = before - held
    return _take(connection, user_id, gone, origin, occasion) if gone else entry


def _take(connection: sa.Connection, user_id: str, gone: Held, origin: str, occasion: Occasion) -> int:
    before = held_by(connection, user_id)
    _delete(connection, user_id, gone, origin)
    if before - held_by(connection, user_id):
        lower(connection, Subject.user(user_id), occasion, ends_logins=False)
    event = RightsWithdrawn(f"user:{user_id}", origin, gone.roles, frozenset(map(str, gone.permissions)))
    write_down(connection, event, occasion)
    return announce_subject(connection, Subject.user(user_id))


def _delete(connection: sa.Connection, user_id: str, gone: Held, origin: str) -> None:
    for table, column, words in (
        (USER_ROLES, USER_ROLES.c.role, gone.roles),
        (USER_PERMISSIONS, USER_PERMISSIONS.c.permission, frozenset(map(str, gone.permissions))),
    ):
        mine = (table.c.user_id == user_id) & (table.c.origin == origin)
        connection.execute(table.delete().where(mine & column.in_(sorted(words))))


def _by_origin(connection: sa.Connection, user_id: str) -> dict[str, Held]:
    roles = connection.execute(
        sa.select(USER_ROLES.c.origin, USER_ROLES.c.role).where(USER_ROLES.c.user_id == user_id)
    ).all()
    permissions = connection.execute(
        sa.select(USER_PERMISSIONS.c.origin, USER_PERMISSIONS.c.permission).where(
            USER_PERMISSIONS.c.user_id == user_id
        )
    ).all()
    return {
        origin: Held(_words(roles, origin), frozenset(map(Permission.parse, _words(permissions, origin))))
        for origin in {row[0] for row in (*roles, *permissions)}
    }


def _words(rows: Sequence[Row], origin: str) -> frozenset[str]:
    return frozenset(word for given_by, word in rows if given_by == origin)
