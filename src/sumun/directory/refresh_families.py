"""Refresh families: one login through one client that may be gone on with, as rows of a change's own transaction.

A family ends as a whole and is deleted then, its tokens with it. What was issued in it is the token store's: whoever
ends or narrows families announces it (`outbox.NewsKind.ISSUED`).
"""

from __future__ import annotations

import sqlalchemy as sa

from sumun.directory.tables import REFRESH_FAMILIES, REFRESH_TOKENS, Row
from sumun.identity import Permission, narrowed

_AT_ONCE = 500
"""A statement has a bounded number of parameters."""


def family_row(connection: sa.Connection, family_id: str) -> Row | None:
    """The row of this id; None: there is none, or it has ended."""
    wanted = sa.select(REFRESH_FAMILIES).where(REFRESH_FAMILIES.c.id == family_id)
    return connection.execute(wanted).one_or_none()


def end_families(connection: sa.Connection, which: sa.ColumnElement[bool], most: int | None = None) -> None:
    """Delete these families and their tokens; so many at most."""
    wanted = sa.select(REFRESH_FAMILIES.c.id).where(which).limit(most)
    ids = list(connection.execute(wanted).scalars())
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        connection.execute(REFRESH_TOKENS.delete().where(REFRESH_TOKENS.c.family_id.in_(some)))
        connection.execute(REFRESH_FAMILIES.delete().where(REFRESH_FAMILIES.c.id.in_(some)))


def end_families_of_grant(connection: sa.Connection, grant_id: str) -> None:
    """Nothing is refreshed any more that this grant allowed."""
    end_families(connection, REFRESH_FAMILIES.c.grant_id == grant_id)


def narrow_families_of_grant(
    connection: sa.Connection, grant_id: str, scopes: frozenset[Permission], openid: frozenset[str]
) -> None:
    """What is refreshed has no more than this from now on; a family that nothing is left of ends."""
    mine = REFRESH_FAMILIES.c.grant_id == grant_id
    for row in connection.execute(sa.select(REFRESH_FAMILIES).where(mine)).all():
        this = REFRESH_FAMILIES.c.id == row.id
        left = narrowed(frozenset(map(Permission.parse, row.scopes)), scopes)
        words = frozenset(row.openid) & openid
        if left or words:
            connection.execute(REFRESH_FAMILIES.update().where(this).values(scopes=left, openid=words))
        else:
            end_families(connection, this)
