"""Logins through clients that go on by refresh tokens, as the person sees them: where am I logged in?"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sumun.directory.database import Database
from sumun.directory.subjects import read_epochs
from sumun.directory.tables import REFRESH_FAMILIES as FAMILIES
from sumun.directory.tables import REFRESH_TOKENS as TOKENS
from sumun.identity import Subject, SubjectKind


@dataclass(frozen=True, slots=True)
class LastingLogin:
    """One refresh family that can still be gone on with. `used_at_ms`: when it last was, or began."""

    family_id: str
    client_id: str
    created_at_ms: int
    used_at_ms: int


class LastingLogins:
    """Reads them. May raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_user(self, user_id: str, now_ms: int) -> list[LastingLogin]:
        """Those that no grant stands behind (the operator's own applications), the last used first."""
        subject = Subject(SubjectKind.USER, user_id)
        used = sa.func.max(TOKENS.c.used_at_ms)
        with self._database.read() as connection:
            wanted = (
                sa.select(FAMILIES.c.id, FAMILIES.c.client_id, FAMILIES.c.created_at_ms, used.label("used"))
                .join(TOKENS, TOKENS.c.family_id == FAMILIES.c.id)
                .where(
                    FAMILIES.c.subject == str(subject),
                    FAMILIES.c.grant_id == "",
                    FAMILIES.c.expires_at_ms > now_ms,
                    FAMILIES.c.login_epoch >= read_epochs(connection, subject).login_epoch,
                )
                .group_by(FAMILIES.c.id, FAMILIES.c.client_id, FAMILIES.c.created_at_ms)
                .having(sa.func.max(TOKENS.c.expires_at_ms) > now_ms)
            )
            found = [
                LastingLogin(row.id, row.client_id, row.created_at_ms, row.used or row.created_at_ms)
                for row in connection.execute(wanted)
            ]
        return sorted(found, key=lambda one: -one.used_at_ms)
