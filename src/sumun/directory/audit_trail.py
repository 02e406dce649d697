"""The audit record in SQL: written with the change, read by people."""

from __future__ import annotations

import json

import sqlalchemy as sa

from sumun.audit.events import AuditEvent, AuditRecord
from sumun.directory.database import Database
from sumun.directory.occasion import Occasion
from sumun.directory.tables import AUDIT


def write_down(connection: sa.Connection, event: AuditEvent, occasion: Occasion) -> None:
    """Write an event into the change's own transaction."""
    connection.execute(
        AUDIT.insert().values(
            at_ms=occasion.at_ms,
            event=event.name,
            actor=occasion.actor,
            about=event.about,
            detail=json.dumps(event.detail(), ensure_ascii=False, sort_keys=True),
        )
    )


class AuditTrail:
    """Everything that was written down. Nothing is ever deleted from it here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, event: AuditEvent, occasion: Occasion) -> None:
        """Write down something that happened outside the directory (in the token store, for one)."""
        with self._database.write() as connection:
            write_down(connection, event, occasion)

    def newest(
        self, limit: int = 100, about: str | None = None, before: int | None = None
    ) -> list[AuditRecord]:
        """The last records, newest first; of one subject, key or token; below the number `before` to page on."""
        wanted = sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if about is not None:
            wanted = wanted.where(AUDIT.c.about == about)
        if before is not None:
            wanted = wanted.where(AUDIT.c.id < before)
        with self._database.read() as connection:
            return [
                AuditRecord(row.id, row.at_ms, row.event, row.actor, row.about, json.loads(row.detail))
                for row in connection.execute(wanted)
            ]
