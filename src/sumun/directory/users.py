"""People: their accounts, what they hold, and who says so.

An account has one source: `local` (made here, password kept here) or the name of an outside authenticator that vouches
for the person. Rights have an origin in the same words: an operator may give an outside person something more, and
what the authenticator says at the next login leaves that alone. Effective is the union.

Accounts are never deleted, only disabled: an id never comes to mean somebody else.
Changes return the id of their outbox entry, None when nothing changed (and then nothing was written at all).
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from sumun.audit.events import PasswordChanged, PasswordRehashed, UserDisabled, UserEnabled
from sumun.directory import held_rights, outside_people
from sumun.directory.audit_trail import write_down
from sumun.directory.database import Database
from sumun.directory.errors import UserExistsError, UserFromElsewhereError
from sumun.directory.held_rights import Held
from sumun.directory.names import LOCAL, display_name, typed_name
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import announce_subject
from sumun.directory.outside_people import Linked, OutsidePerson
from sumun.directory.subjects import lower, read_epochs
from sumun.directory.tables import USERS
from sumun.directory.user import (
    LoginAccount,
    NewUser,
    User,
    find_row,
    known_row,
    make,
    rename,
    set_columns,
    user_of,
)
from sumun.identity import Subject


class Users:
    """People. Every method may raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str) -> User | None:
        """The account of exactly this id."""
        with self._database.read() as connection:
            row = find_row(connection, user_id)
            return None if row is None else user_of(connection, row)

    def for_login(self, typed: str) -> LoginAccount | None:
        """The account that a typed login means (case does not matter), with its hash; None when there is none."""
        user_id = typed_name(typed)
        if user_id is None:
            return None
        with self._database.read() as connection:
            row = find_row(connection, user_id)
            if row is None:
                return None
            epochs = read_epochs(connection, Subject.user(user_id))
            return LoginAccount(user_of(connection, row), row.password_hash, epochs.login_epoch)

    def list(self, after: str = "", limit: int = 100) -> list[User]:
        """Accounts in the order of their ids, from the one after `after` on."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(USERS).where(USERS.c.id > after).order_by(USERS.c.id).limit(limit)
            )
            return [user_of(connection, row) for row in rows.all()]

    def add(self, new: NewUser, configured_clients: Collection[str], occasion: Occasion) -> int:
        """Make an account. `configured_clients` are the client ids of the configuration file: no person has one.

        Raises InvalidNameError, UserExistsError, NameTakenError.
        """
        with self._database.write() as connection:
            if find_row(connection, new.id) is not None:
                raise UserExistsError(f"there is an account {new.id!r} already; names are never given twice")
            return make(connection, new, configured_clients, occasion)

    def link_outside(
        self, person: OutsidePerson, configured_clients: Collection[str], occasion: Occasion
    ) -> Linked:
        """What an outside authenticator said of a person at login: make the account, or bring it up to date.

        Taking something away here is a lowering like any other. Nothing new: nothing is written, nobody is told.
        Raises InvalidNameError, NameTakenError, UserFromElsewhereError (the name belongs to another source).
        """
        return outside_people.link(self._database, person, configured_clients, occasion)

    def rename(self, user_id: str, shown: str, occasion: Occasion) -> int | None:
        """Change the display name. Raises UnknownUserError, InvalidNameError."""
        shown = display_name(shown)
        with self._database.write() as connection:
            return rename(connection, known_row(connection, user_id), shown, occasion)

    def grant(self, user_id: str, held: Held, occasion: Occasion) -> int | None:
        """Give roles and permissions, as an operator. Raises UnknownUserError, InvalidNameError."""
        with self._database.write() as connection:
            known_row(connection, user_id)
            return held_rights.grant(connection, user_id, held, LOCAL, occasion)

    def withdraw(self, user_id: str, held: Held, occasion: Occasion) -> int | None:
        """Take roles and permissions away that an operator gave.

        Raises UnknownUserError; HeldFromElsewhereError when the person's authenticator gave one of them: taking it away
        here would last until the next login only.
        """
        with self._database.write() as connection:
            known_row(connection, user_id)
            return held_rights.withdraw(connection, user_id, held, LOCAL, occasion)

    def disable(self, user_id: str, occasion: Occasion) -> int | None:
        """Stop a person: no login, and every login so far ended. Raises UnknownUserError."""
        with self._database.write() as connection:
            if known_row(connection, user_id).disabled_at_ms is not None:
                return None
            set_columns(connection, user_id, disabled_at_ms=occasion.at_ms)
            lower(connection, Subject.user(user_id), occasion, ends_logins=True)
            write_down(connection, UserDisabled(f"user:{user_id}"), occasion)
            return announce_subject(connection, Subject.user(user_id))

    def enable(self, user_id: str, occasion: Occasion) -> int | None:
        """Let a person log in again; what was ended stays ended. Raises UnknownUserError."""
        with self._database.write() as connection:
            if known_row(connection, user_id).disabled_at_ms is None:
                return None
            set_columns(connection, user_id, disabled_at_ms=None)
            write_down(connection, UserEnabled(f"user:{user_id}"), occasion)
            return announce_subject(connection, Subject.user(user_id))

    def set_password(self, user_id: str, password_hash: str, occasion: Occasion) -> int:
        """A new password for a local account; every earlier login ends.

        Raises UnknownUserError, UserFromElsewhereError (the password is kept elsewhere).
        """
        with self._database.write() as connection:
            source = known_row(connection, user_id).source
            if source != LOCAL:
                raise UserFromElsewhereError(
                    f"the password of {user_id!r} is kept by {source!r}; change it there"
                )
            set_columns(connection, user_id, password_hash=password_hash)
            lower(connection, Subject.user(user_id), occasion, ends_logins=True)
            write_down(connection, PasswordChanged(f"user:{user_id}"), occasion)
            return announce_subject(connection, Subject.user(user_id))

    def rehash(self, user_id: str, old_hash: str, new_hash: str, occasion: Occasion) -> bool:
        """Keep the same password under a newer profile, unless it was changed meanwhile (then False). No news."""
        with self._database.write() as connection:
            if known_row(connection, user_id).password_hash != old_hash:
                return False
            set_columns(connection, user_id, password_hash=new_hash)
            write_down(connection, PasswordRehashed(f"user:{user_id}"), occasion)
            return True
