"""Grants: what a person lets a client do. One for each pair of them.

allow     adds to it, and remembers what was refused beside it; the next consent page shows what is new only
narrow    takes something back: tokens and refresh tokens that it stands behind have no more than what is left
withdraw  takes all of it back: they end. Allowing anew makes a grant of another id

`narrow` and `withdraw` write an outbox entry (`NewsKind.ISSUED`): whoever relays it brings the tokens in line. Allowing
is no news: nothing that was issued has more by it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

import sqlalchemy as sa

from sumun.audit.events import GrantAllowed, GrantNarrowed, GrantWithdrawn
from sumun.directory.audit_trail import write_down
from sumun.directory.database import Database
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import NewsKind, announce
from sumun.directory.refresh_families import end_families_of_grant, narrow_families_of_grant
from sumun.directory.tables import GRANTS, Row
from sumun.directory.user import known_row
from sumun.identity import Permission, narrowed

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """What a person lets a client do. `openid` are the words of OpenID Connect Core 5.4 and 11 (`profile`, ...).

    `refused` are the texts of scopes that they were asked about and did not allow. It is no news for anybody.
    """

    id: str
    user_id: str
    client_id: str
    scopes: frozenset[Permission]
    openid: frozenset[str]
    created_at_ms: int
    changed_at_ms: int
    refused: frozenset[str] = frozenset()

    def covers(self, scopes: frozenset[Permission], openid: frozenset[str]) -> bool:
        """True when all of this is allowed."""
        return narrowed(scopes, self.scopes) == scopes and openid <= self.openid


class Grants:
    """Grants. Every method may raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, grant_id: str) -> StoredGrant | None:
        """The grant of this id; None: there is none, or it was withdrawn."""
        with self._database.read() as connection:
            return grant_in(connection, grant_id)

    def of(self, user_id: str, client_id: str) -> StoredGrant | None:
        """What this person lets this client do; None: nothing."""
        with self._database.read() as connection:
            row = _row(connection, _pair(user_id, client_id))
            return None if row is None else _grant(row)

    def of_user(self, user_id: str) -> list[StoredGrant]:
        """Everything this person allowed, by client."""
        wanted = sa.select(GRANTS).where(GRANTS.c.user_id == user_id).order_by(GRANTS.c.client_id)
        with self._database.read() as connection:
            return [_grant(row) for row in connection.execute(wanted)]

    def allow(
        self,
        user_id: str,
        client_id: str,
        scopes: frozenset[Permission],
        openid: frozenset[str],
        occasion: Occasion,
        refused: frozenset[str] = frozenset(),
    ) -> StoredGrant:
        """Let the client do this too, and not these; the grant as it is after that. Raises UnknownUserError."""
        with self._database.write() as connection:
            known_row(connection, user_id)
            before = _row(connection, _pair(user_id, client_id))
            if before is None:
                grant_id = f"grt_{secrets.token_hex(_ID_BYTES)}"
                after = StoredGrant(
                    grant_id, user_id, client_id, scopes, openid, occasion.at_ms, occasion.at_ms, refused
                )
                connection.execute(GRANTS.insert().values(_columns(after)))
            else:
                held = _grant(before)
                held = _with_refusals(connection, held, frozenset(map(str, scopes)) | openid, refused)
                if scopes <= held.scopes and openid <= held.openid:
                    return held
                after = _changed(held, held.scopes | scopes, held.openid | openid, occasion)
                _store(connection, after)
            words = frozenset(map(str, after.scopes))
            event = GrantAllowed(f"user:{user_id}", after.id, client_id, words, after.openid)
            write_down(connection, event, occasion)
            return after

    def narrow(
        self, grant_id: str, scopes: frozenset[Permission], openid: frozenset[str], occasion: Occasion
    ) -> int | None:
        """Leave no more than this of it; nothing left: it is withdrawn. Returns the outbox entry, None if unchanged.

        None too when there is no such grant.
        """
        with self._database.write() as connection:
            row = _row(connection, GRANTS.c.id == grant_id)
            if row is None:
                return None
            held = _grant(row)
            after = _changed(held, narrowed(held.scopes, scopes), held.openid & openid, occasion)
            if not after.scopes and not after.openid:
                return _withdraw(connection, held, occasion)
            if (after.scopes, after.openid) == (held.scopes, held.openid):
                return None
            _store(connection, after)
            narrow_families_of_grant(connection, grant_id, after.scopes, after.openid)
            words = frozenset(map(str, after.scopes))
            event = GrantNarrowed(f"user:{held.user_id}", grant_id, held.client_id, words, after.openid)
            write_down(connection, event, occasion)
            return announce(connection, NewsKind.ISSUED, grant_id)

    def withdraw(self, grant_id: str, occasion: Occasion) -> int | None:
        """Let the client do nothing any more. Returns the outbox entry, None when there is no such grant."""
        with self._database.write() as connection:
            row = _row(connection, GRANTS.c.id == grant_id)
            return None if row is None else _withdraw(connection, _grant(row), occasion)


def grant_in(connection: sa.Connection, grant_id: str) -> StoredGrant | None:
    """The grant of this id, as a transaction sees it."""
    row = _row(connection, GRANTS.c.id == grant_id)
    return None if row is None else _grant(row)


def _withdraw(connection: sa.Connection, grant: StoredGrant, occasion: Occasion) -> int:
    end_families_of_grant(connection, grant.id)
    connection.execute(GRANTS.delete().where(GRANTS.c.id == grant.id))
    write_down(connection, GrantWithdrawn(f"user:{grant.user_id}", grant.id, grant.client_id), occasion)
    return announce(connection, NewsKind.ISSUED, grant.id)


def _with_refusals(
    connection: sa.Connection, grant: StoredGrant, allowed: frozenset[str], refused: frozenset[str]
) -> StoredGrant:
    """The grant, once it is remembered what is refused, and what is not any more."""
    after = replace(grant, refused=(grant.refused | refused) - allowed)
    if after != grant:
        _store(connection, after)
    return after


def _changed(
    grant: StoredGrant, scopes: frozenset[Permission], openid: frozenset[str], occasion: Occasion
) -> StoredGrant:
    return replace(grant, scopes=scopes, openid=openid, changed_at_ms=occasion.at_ms)


def _store(connection: sa.Connection, grant: StoredGrant) -> None:
    connection.execute(GRANTS.update().where(GRANTS.c.id == grant.id).values(_columns(grant)))


def _pair(user_id: str, client_id: str) -> sa.ColumnElement[bool]:
    return (GRANTS.c.user_id == user_id) & (GRANTS.c.client_id == client_id)


def _row(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Row | None:
    return connection.execute(sa.select(GRANTS).where(which)).one_or_none()


def _columns(grant: StoredGrant) -> dict[str, object]:
    return {
        "id": grant.id,
        "user_id": grant.user_id,
        "client_id": grant.client_id,
        "scopes": grant.scopes,
        "openid": grant.openid,
        "refused": grant.refused,
        "created_at_ms": grant.created_at_ms,
        "changed_at_ms": grant.changed_at_ms,
    }


def _grant(row: Row) -> StoredGrant:
    return StoredGrant(
        id=row.id,
        user_id=row.user_id,
        client_id=row.client_id,
        scopes=frozenset(map(Permission.parse, row.scopes)),
        openid=frozenset(row.openid),
        created_at_ms=row.created_at_ms,
        changed_at_ms=row.changed_at_ms,
        refused=frozenset(row.refused),
    )
