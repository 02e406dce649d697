"""People from outside: accounts of persons for whom an authenticator vouches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from sumun.directory import held_rights
from sumun.directory.database import Database
from sumun.directory.errors import UserFromElsewhereError
from sumun.directory.held_rights import Held
from sumun.directory.names import LOCAL, account_name, display_name
from sumun.directory.occasion import Occasion
from sumun.directory.tables import Row
from sumun.directory.user import NewUser, User, find_row, known_row, make, rename, user_of


@dataclass(frozen=True, slots=True)
class OutsidePerson:
    """What an authenticator says of a person at login. `source` is the authenticator's configured name.

    `held` is all that this source gives; what an operator granted here is not in it and stays.
    """

    source: str
    user_id: str
    display_name: str
    held: Held


@dataclass(frozen=True, slots=True)
class Linked:
    """The person's account after that. `entry` is the outbox entry, None when nothing changed."""

    user: User
    entry: int | None


def link(
    database: Database, person: OutsidePerson, configured_clients: Collection[str], occasion: Occasion
) -> Linked:
    """Make the account, or bring it up to date. Nothing new: one look, nothing written, nobody told.

    Raises InvalidNameError, NameTakenError, UserFromElsewhereError, DirectoryUnavailableError.
    """
    user_id, shown = account_name(person.user_id), display_name(person.display_name)
    if person.source == LOCAL:
        raise UserFromElsewhereError(
            f"{LOCAL!r} names our own accounts; an authenticator cannot be called so"
        )
    with database.read() as connection:
        row = find_row(connection, user_id)
        if row is not None and not _is_news(connection, row, person, shown):
            return Linked(user_of(connection, row), None)
    with database.write() as connection:
        row = find_row(connection, user_id)
        if row is None:
            new = NewUser(user_id, shown, person.source, person.held)
            entry: int | None = make(connection, new, configured_clients, occasion)
        else:
            _refuse_other_source(row, person.source)
            renamed = rename(connection, row, shown, occasion)
            entry = held_rights.replace(connection, user_id, person.held, person.source, occasion) or renamed
        return Linked(user_of(connection, known_row(connection, user_id)), entry)


def _is_news(connection: sa.Connection, row: Row, person: OutsidePerson, shown: str) -> bool:
    _refuse_other_source(row, person.source)
    given = held_rights.from_origin(connection, row.id, person.source)
    return bool(row.display_name != shown or given != person.held)


def _refuse_other_source(row: Row, source: str) -> None:
    """Whoever vouched first owns the account: otherwise any authenticator could speak for our administrator."""
    if row.source != source:
        raise UserFromElsewhereError(
            f"{source!r} speaks for {row.id!r}, and that account belongs to {row.source!r}; "
            "rename the person in one of the two"
        )
