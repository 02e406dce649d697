"""The outbox: changes that are committed and not yet announced.

An entry is written in the transaction of its change, so a crash between the two loses nothing. `changes/` publishes the
entries in order and deletes them after: an entry may be announced twice (two processes at once, a crash between
publishing and deleting), never not at all, and saying "forget what you know of alice" twice does no harm.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from sumun.directory.database import Database
from sumun.directory.tables import OUTBOX
from sumun.identity import Subject


class NewsKind(StrEnum):
    """What an entry is about. The words of `tokens.feed.ChangeKind`, which stands beside this package, not below it.

    ISSUED is ours alone.
    """

    TOKEN = "token"
    SUBJECT = "subject"
    CLIENT = "client"
    KEYS = "keys"
    ISSUED = "issued"
    """What was issued under this id (a grant, a refresh family, a session) is to be brought in line with what the
    directory says of it now. Whoever relays does that, and the token store tells of each token."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change to announce. `id` grows in the order of the commits."""

    id: int
    kind: NewsKind
    key: str


def announce(connection: sa.Connection, kind: NewsKind, key: str = "") -> int:
    """Write an entry into the change's own transaction; returns its id."""
    made = connection.execute(OUTBOX.insert().values(kind=kind.value, key=key)).inserted_primary_key
    assert made is not None  # noqa: S101  # an insert of one row always has its key
    return int(made[0])


def announce_subject(connection: sa.Connection, subject: Subject) -> int:
    """News of a person or program."""
    return announce(connection, NewsKind.SUBJECT, str(subject))


class Outbox:
    """What waits to be announced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def oldest(self, limit: int) -> list[Entry]:
        """The entries that wait longest, in order. Raises DirectoryUnavailableError."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(OUTBOX).order_by(OUTBOX.c.id).limit(limit))
            return [Entry(row.id, NewsKind(row.kind), row.key) for row in rows]

    def delete(self, ids: Collection[int]) -> None:
        """Forget entries that were announced; those that are gone already do not matter."""
        if ids:
            with self._database.write() as connection:
                connection.execute(OUTBOX.delete().where(OUTBOX.c.id.in_(list(ids))))
