"""Signing keys: kept here, used by `tokens/`. A key goes one way through three states.

published  verifiers know it (JWKS), it does not sign: yet, so that caches learn it first, or any more, until its last
           token has expired (`retires_at_ms`)
active     it signs; at most one for each algorithm
retired    nobody believes it; its private part is erased

Changes return the id of their outbox entry, None when nothing changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sa

from sumun.audit.events import AuditEvent, KeyActivated, KeyAdded, KeyRetired
from sumun.directory.audit_trail import write_down
from sumun.directory.database import Database
from sumun.directory.errors import KeyStateError, UnknownKeyError
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import NewsKind, announce
from sumun.directory.tables import SIGNING_KEYS, Row


class KeyState(StrEnum):
    """Where in its life a key is."""

    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is kept. The JWKs are JSON texts (RFC 7517); the private one never shows in repr."""

    kid: str
    alg: str
    state: KeyState
    public_jwk: str
    private_jwk: str | None = field(repr=False)
    created_at_ms: int
    retires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to keep. Its id is never used twice."""

    kid: str
    alg: str
    public_jwk: str
    private_jwk: str = field(repr=False)


class Keys:
    """Signing keys. Every method may raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[StoredKey]:
        """Every key that was ever made, oldest first."""
        with self._database.read() as connection:
            wanted = sa.select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.created_at_ms, SIGNING_KEYS.c.kid)
            return [_key(row) for row in connection.execute(wanted)]

    def add_first(self, key: NewKey, occasion: Occasion) -> int | None:
        """Keep it as the active key, unless its algorithm has one already (then None).

        Many processes start at once, each with a fresh key: the first wins, the others read the list again.
        """
        with self._database.write() as connection:
            if _active(connection, key.alg):
                return None
            return _insert(connection, key, KeyState.ACTIVE, occasion)

    def add(self, key: NewKey, occasion: Occasion) -> int:
        """Publish it, so that verifiers know it before it signs. Raises KeyStateError (the id is taken)."""
        with self._database.write() as connection:
            return _insert(connection, key, KeyState.PUBLISHED, occasion)

    def activate(self, kid: str, retire_others_at_ms: int, occasion: Occasion) -> int | None:
        """Let it sign from now on; the one before stays published until `retire_others_at_ms`.

        Raises UnknownKeyError, KeyStateError (retired).
        """
        with self._database.write() as connection:
            key = _known(connection, kid)
            if key.state is KeyState.ACTIVE:
                return None
            if key.state is KeyState.RETIRED:
                raise KeyStateError(
                    f"the key {kid!r} is retired for good; make a new one: `sumun keys rotate`"
                )
            before = _active(connection, key.alg)
            for other in before:
                _set(connection, other, state=KeyState.PUBLISHED.value, retires_at_ms=retire_others_at_ms)
            _set(connection, kid, state=KeyState.ACTIVE.value, retires_at_ms=None)
            return _written(connection, KeyActivated(f"key:{kid}", frozenset(before)), occasion)

    def retire(self, kid: str, occasion: Occasion) -> int | None:
        """Believe it no more, from now on, and erase its private part: every token it signed is refused.

        Raises UnknownKeyError, KeyStateError (active: activate another one first).
        """
        with self._database.write() as connection:
            key = _known(connection, kid)
            if key.state is KeyState.RETIRED:
                return None
            if key.state is KeyState.ACTIVE:
                raise KeyStateError(f"the key {kid!r} signs; activate another one first: `sumun keys rotate`")
            return _retire(connection, kid, occasion)

    def retire_due(self, occasion: Occasion) -> int | None:
        """Retire every published key whose time has come. Returns the last outbox entry."""
        due = (SIGNING_KEYS.c.state == KeyState.PUBLISHED.value) & (
            SIGNING_KEYS.c.retires_at_ms <= occasion.at_ms
        )
        with self._database.read() as connection:
            if connection.execute(sa.select(SIGNING_KEYS.c.kid).where(due)).first() is None:
                return None
        entry = None
        with self._database.write() as connection:
            for kid in connection.execute(sa.select(SIGNING_KEYS.c.kid).where(due)).scalars().all():
                entry = _retire(connection, kid, occasion)
        return entry


def _insert(connection: sa.Connection, key: NewKey, state: KeyState, occasion: Occasion) -> int:
    if (
        connection.execute(sa.select(SIGNING_KEYS.c.kid).where(SIGNING_KEYS.c.kid == key.kid)).first()
        is not None
    ):
        raise KeyStateError(f"there is a key {key.kid!r} already; key ids are never used twice")
    connection.execute(
        SIGNING_KEYS.insert().values(
            kid=key.kid,
            alg=key.alg,
            state=state.value,
            public_jwk=key.public_jwk,
            private_jwk=key.private_jwk,
            created_at_ms=occasion.at_ms,
        )
    )
    return _written(connection, KeyAdded(f"key:{key.kid}", key.alg, state.value), occasion)


def _retire(connection: sa.Connection, kid: str, occasion: Occasion) -> int:
    _set(connection, kid, state=KeyState.RETIRED.value, private_jwk=None)
    return _written(connection, KeyRetired(f"key:{kid}"), occasion)


def _active(connection: sa.Connection, alg: str) -> list[str]:
    mine = (SIGNING_KEYS.c.alg == alg) & (SIGNING_KEYS.c.state == KeyState.ACTIVE.value)
    return list(connection.execute(sa.select(SIGNING_KEYS.c.kid).where(mine)).scalars())


def _known(connection: sa.Connection, kid: str) -> StoredKey:
    row = connection.execute(sa.select(SIGNING_KEYS).where(SIGNING_KEYS.c.kid == kid)).one_or_none()
    if row is None:
        raise UnknownKeyError(f"there is no key {kid[:80]!r}; `sumun keys list` shows them")
    return _key(row)


def _set(connection: sa.Connection, kid: str, **columns: object) -> None:
    connection.execute(SIGNING_KEYS.update().where(SIGNING_KEYS.c.kid == kid).values(columns))


def _written(connection: sa.Connection, event: AuditEvent, occasion: Occasion) -> int:
    write_down(connection, event, occasion)
    return announce(connection, NewsKind.KEYS)


def _key(row: Row) -> StoredKey:
    return StoredKey(
        kid=row.kid,
        alg=row.alg,
        state=KeyState(row.state),
        public_jwk=row.public_jwk,
        private_jwk=row.private_jwk,
        created_at_ms=row.created_at_ms,
        retires_at_ms=row.retires_at_ms,
    )
