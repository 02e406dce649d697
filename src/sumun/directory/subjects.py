"""Epochs: what makes an earlier login, or an earlier claims token, stop counting.

epoch         grows with everything that takes something away; a denial tells the verifiers of claims tokens
login_epoch   grows too when every earlier login must end
Both only grow, in the transaction of the change. Raising rights moves neither: it shows at the next look or refresh.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sumun.audit.events import LoginsEnded
from sumun.directory.audit_trail import write_down
from sumun.directory.database import Database
from sumun.directory.denials import Denial, DenialKind, deny
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import NewsKind, announce, announce_subject
from sumun.directory.tables import SUBJECTS
from sumun.identity import Subject, SubjectKind


@dataclass(frozen=True, slots=True)
class Epochs:
    """Where a subject stands. A subject that nothing was ever taken from is at 0, 0."""

    epoch: int = 0
    login_epoch: int = 0


def read_epochs(connection: sa.Connection, subject: Subject) -> Epochs:
    """Where the subject stands; 0, 0 when there is nothing about it."""
    row = connection.execute(sa.select(SUBJECTS).where(SUBJECTS.c.subject == str(subject))).first()
    return Epochs() if row is None else Epochs(row.epoch, row.login_epoch)


def make_subject(connection: sa.Connection, subject: Subject) -> None:
    """Give the subject its row, at 0, 0 unless it has one (a configured client whose logins were ended once)."""
    if connection.execute(sa.select(SUBJECTS).where(SUBJECTS.c.subject == str(subject))).first() is None:
        connection.execute(SUBJECTS.insert().values(subject=str(subject), epoch=0, login_epoch=0))


def lower(connection: sa.Connection, subject: Subject, occasion: Occasion, *, ends_logins: bool) -> int:
    """Something is taken away: a new epoch, a denial of the older ones. Returns the new epoch.

    Writes no news and no audit record: the change that calls does.
    """
    make_subject(connection, subject)
    mine = SUBJECTS.c.subject == str(subject)
    moved = {"epoch": SUBJECTS.c.epoch + 1}
    if ends_logins:
        moved["login_epoch"] = SUBJECTS.c.login_epoch + 1
    connection.execute(SUBJECTS.update().where(mine).values(moved))
    epoch = int(connection.execute(sa.select(SUBJECTS.c.epoch).where(mine)).scalar_one())
    denial = Denial(DenialKind.SUBJECT, str(subject), epoch, occasion.denied_until_ms)
    deny(connection, denial, occasion.at_ms)
    return epoch


class Subjects:
    """Epochs of people and programs, configured clients too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def epochs(self, subject: Subject) -> Epochs:
        """Where the subject stands; 0, 0 when there is nothing about it."""
        with self._database.read() as connection:
            return read_epochs(connection, subject)

    def end_logins(self, subject: Subject, occasion: Occasion) -> int:
        """Every login and token so far ends ("log out everywhere"). Returns the outbox entry.

        For a client of the configuration file too: the directory need not know the client.
        """
        with self._database.write() as connection:
            lower(connection, subject, occasion, ends_logins=True)
            write_down(connection, LoginsEnded(str(subject)), occasion)
            if subject.kind is SubjectKind.CLIENT:
                announce(connection, NewsKind.CLIENT, subject.id)
            return announce_subject(connection, subject)
