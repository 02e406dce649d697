"""Refresh tokens: by their SHA-256, each good once, in families that end together.

A used token stays beside the others of its family: who shows it again is told when it was first used, and judges.
Families begin, and tokens are used, many at a time (`together`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from sumun.directory.database import Database
from sumun.directory.grants import grant_in
from sumun.directory.refresh_families import end_families
from sumun.directory.tables import REFRESH_FAMILIES, REFRESH_TOKENS, Row
from sumun.identity import Permission, Subject

# Families of before are deleted when one begins: a day after their end, whatever clocks there are.
_KEPT_AFTER_EXPIRY_MS = 24 * 3600 * 1000
_MOST_SWEPT = 100  # at a time: whoever begins one does not wait for thousands


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """What every token that is refreshed in it is made of.

    secret          32 random bytes; together with a token in clear they make the next one
    login_epoch     the subject's when it began; a newer one ends it
    session_id, grant_id, audience, bound_to   as `tokens.record.TokenRecord` has them
    auth_time       when the person proved who they are, unix seconds; amr, acr: how
    expires_at_ms   the end of all of it, however much it is used
    """

    id: str
    subject: Subject
    client_id: str
    session_id: str
    grant_id: str
    scopes: frozenset[Permission]
    openid: frozenset[str]
    audience: frozenset[str]
    bound_to: str
    login_epoch: int
    auth_time: int
    amr: tuple[str, ...]
    acr: str
    secret: bytes = field(repr=False)
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class StoredRefreshToken:
    """A token as it is kept. `used_at_ms`: when it was first used; None: it was not."""

    family: RefreshFamily
    expires_at_ms: int
    used_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """A family begins at `at_ms`; its first token is good until `token_expires_at_ms`."""

    family: RefreshFamily
    sha256: bytes
    token_expires_at_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Use:
    """A token is used at `at_ms`; the next one is good until `next_expires_at_ms`."""

    sha256: bytes
    next_sha256: bytes
    next_expires_at_ms: int
    at_ms: int


class RefreshTokens:
    """Refresh tokens. Every method may raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, beginnings: Sequence[Beginning]) -> list[bool]:
        """Begin each of these, at least one, with its first token. False: what it is for was taken back meanwhile."""
        with self._database.write() as connection:
            now_ms = min(one.at_ms for one in beginnings)
            over = REFRESH_FAMILIES.c.expires_at_ms < now_ms - _KEPT_AFTER_EXPIRY_MS
            end_families(connection, over, _MOST_SWEPT)
            begun = [_may_begin(connection, one.family) for one in beginnings]
            those = list(itertools.compress(beginnings, begun))
            if those:
                connection.execute(
                    REFRESH_FAMILIES.insert(), [_columns(one.family, one.at_ms) for one in those]
                )
                connection.execute(REFRESH_TOKENS.insert(), [_first_token(one) for one in those])
            return begun

    def look(self, sha256: bytes) -> StoredRefreshToken | None:
        """The token; None: there is none, or its family has ended."""
        wanted = (
            sa.select(
                REFRESH_FAMILIES,
                REFRESH_TOKENS.c.expires_at_ms.label("token_expires_at_ms"),
                REFRESH_TOKENS.c.used_at_ms,
            )
            .join(REFRESH_TOKENS, REFRESH_TOKENS.c.family_id == REFRESH_FAMILIES.c.id)
            .where(REFRESH_TOKENS.c.sha256 == sha256)
        )
        with self._database.read() as connection:
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return None
            return StoredRefreshToken(_family(row), row.token_expires_at_ms, row.used_at_ms)

    def use(self, uses: Sequence[Use]) -> list[int | None]:
        """When each was first used, which may be now; None: its family has ended. The next ones are there then."""
        wanted = sa.select(REFRESH_TOKENS).where(REFRESH_TOKENS.c.sha256.in_([use.sha256 for use in uses]))
        with self._database.write() as connection:
            rows = {bytes(row.sha256): row for row in connection.execute(wanted)}
            first = {sha256: row.used_at_ms for sha256, row in rows.items()}
            for use in uses:
                if use.sha256 in rows and first[use.sha256] is None:
                    first[use.sha256] = use.at_ms
                    mine = REFRESH_TOKENS.c.sha256 == use.sha256
                    connection.execute(REFRESH_TOKENS.update().where(mine).values(used_at_ms=use.at_ms))
                    family_id = rows[use.sha256].family_id
                    connection.execute(_token(use.next_sha256, family_id, use.next_expires_at_ms))
            return [first.get(use.sha256) for use in uses]


def _may_begin(connection: sa.Connection, family: RefreshFamily) -> bool:
    """Whether the person still allows all that it is for."""
    if not family.grant_id:
        return True
    grant = grant_in(connection, family.grant_id)
    return grant is not None and grant.covers(family.scopes, family.openid)


def _first_token(one: Beginning) -> dict[str, object]:
    return {
        "sha256": one.sha256,
        "family_id": one.family.id,
        "expires_at_ms": one.token_expires_at_ms,
        "used_at_ms": None,
    }


def _token(sha256: bytes, family_id: str, expires_at_ms: int) -> sa.Insert:
    return REFRESH_TOKENS.insert().values(sha256=sha256, family_id=family_id, expires_at_ms=expires_at_ms)


def _columns(family: RefreshFamily, at_ms: int) -> dict[str, object]:
    return {
        "id": family.id,
        "subject": str(family.subject),
        "client_id": family.client_id,
        "session_id": family.session_id,
        "grant_id": family.grant_id,
        "scopes": family.scopes,
        "openid": family.openid,
        "audience": family.audience,
        "bound_to": family.bound_to,
        "login_epoch": family.login_epoch,
        "authenticated_at_s": family.auth_time,
        "amr": family.amr,
        "acr": family.acr,
        "secret": family.secret,
        "created_at_ms": at_ms,
        "expires_at_ms": family.expires_at_ms,
    }


def _family(row: Row) -> RefreshFamily:
    return RefreshFamily(
        id=row.id,
        subject=Subject.parse(row.subject),
        client_id=row.client_id,
        session_id=row.session_id,
        grant_id=row.grant_id,
        scopes=frozenset(map(Permission.parse, row.scopes)),
        openid=frozenset(row.openid),
        audience=frozenset(row.audience),
        bound_to=row.bound_to,
        login_epoch=row.login_epoch,
        auth_time=row.authenticated_at_s,
        amr=row.amr,
        acr=row.acr,
        secret=bytes(row.secret),
        expires_at_ms=row.expires_at_ms,
    )
