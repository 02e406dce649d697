"""Denials: claims tokens that must not be believed although their signature is good.

A claims token (JWT) is believed without asking anybody, so what is taken away must be denied, durably, until the last
token that says otherwise has expired. A subject's denial says "older epochs are refused": a token carries the epoch of
its mint, and no clock is involved in that comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from sumun.audit.events import TokenRevoked
from sumun.directory.audit_trail import write_down
from sumun.directory.database import Database
from sumun.directory.occasion import CLOCK_LEEWAY_MS, Occasion
from sumun.directory.outbox import NewsKind, announce
from sumun.directory.tables import DENIALS, Row

# Expired denials stay this long, so that a clock that was ahead for a while does not take one away too early.
_KEPT_AFTER_EXPIRY_MS = 24 * 3600 * 1000


class DenialKind(StrEnum):
    """Which tokens are denied."""

    TOKEN = "token"
    """One token; key: its `jti`."""
    SUBJECT = "subject"
    """Tokens of a subject whose `epoch` is below min_epoch; key: `user:alice`."""
    CLIENT = "client"
    """Tokens issued through a client, to anybody, before its epoch (of the subject `client:ID`) was min_epoch."""


@dataclass(frozen=True, slots=True)
class Denial:
    """What is denied, until `expires_at_ms` (unix milliseconds; no such token is alive after it)."""

    kind: DenialKind
    key: str
    min_epoch: int | None
    expires_at_ms: int


def deny(connection: sa.Connection, denial: Denial, at_ms: int) -> None:
    """Write a denial into the change's own transaction. One that is there already only grows, never shrinks."""
    mine = (DENIALS.c.kind == denial.kind.value) & (DENIALS.c.key == denial.key)
    held = connection.execute(sa.select(DENIALS).where(mine)).one_or_none()
    if held is None:
        connection.execute(
            DENIALS.insert().values(
                kind=denial.kind.value,
                key=denial.key,
                min_epoch=denial.min_epoch,
                expires_at_ms=denial.expires_at_ms,
            )
        )
    else:
        higher = None if denial.min_epoch is None else max(denial.min_epoch, held.min_epoch or 0)
        later = max(denial.expires_at_ms, held.expires_at_ms)
        connection.execute(DENIALS.update().where(mine).values(min_epoch=higher, expires_at_ms=later))
    connection.execute(DENIALS.delete().where(DENIALS.c.expires_at_ms < at_ms - _KEPT_AFTER_EXPIRY_MS))


class Denials:
    """What is denied now, and the denial of one token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alive(self, at_ms: int) -> list[Denial]:
        """Every denial that some token may still need at `at_ms`: what a process learns before its first answer."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(DENIALS).where(DENIALS.c.expires_at_ms >= at_ms))
            return [_denial(row) for row in rows]

    def of(self, kind: DenialKind, key: str) -> Denial | None:
        """The denial of one token, subject or client."""
        with self._database.read() as connection:
            mine = (DENIALS.c.kind == kind.value) & (DENIALS.c.key == key)
            row = connection.execute(sa.select(DENIALS).where(mine)).one_or_none()
            return None if row is None else _denial(row)

    def deny_token(self, jti: str, expires_at_ms: int, occasion: Occasion) -> int:
        """Revoke one claims token until it has expired (with leeway for clocks). Returns the outbox entry."""
        until = max(expires_at_ms, occasion.at_ms) + CLOCK_LEEWAY_MS
        with self._database.write() as connection:
            deny(connection, Denial(DenialKind.TOKEN, jti, None, until), occasion.at_ms)
            write_down(connection, TokenRevoked(f"token:{jti}", "jwt"), occasion)
            return announce(connection, NewsKind.TOKEN, jti)


def _denial(row: Row) -> Denial:
    return Denial(DenialKind(row.kind), row.key, row.min_epoch, row.expires_at_ms)
