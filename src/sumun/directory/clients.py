"""Clients registered at run time. Those of the configuration file are not here; the file wins.

A client has two sides. It acts for itself (client_credentials): then it is the subject `client:ID`, with roles,
permissions and epochs like a person. And people's tokens are issued through it: a denial of the kind `client` is about
those.
Clients are never deleted, only disabled. Changes return the id of their outbox entry, None when nothing changed.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from sumun.access import TokenKind
from sumun.audit.events import (
    AuditEvent,
    ClientChanged,
    ClientDisabled,
    ClientEnabled,
    ClientRegistered,
    ClientSecretRotated,
)
from sumun.config.network import parse_redirect
from sumun.config.plan import ClientKind
from sumun.config.refused import RefusedError
from sumun.directory.audit_trail import write_down
from sumun.directory.client import RegisteredClient, changed_fields, takes_away
from sumun.directory.database import Database
from sumun.directory.denials import Denial, DenialKind, deny
from sumun.directory.errors import (
    ClientExistsError,
    DirectoryRefusedError,
    NameTakenError,
    UnknownClientError,
)
from sumun.directory.names import account_name, held_permissions, refuse_configured_client, role_names
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import NewsKind, announce, announce_subject
from sumun.directory.subjects import lower, make_subject
from sumun.directory.tables import CLIENTS, USERS, Row
from sumun.identity import Permission, Subject


class Clients:
    """Registered clients. Every method may raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, client_id: str) -> RegisteredClient | None:
        """The client of exactly this id."""
        with self._database.read() as connection:
            row = _row(connection, client_id)
            return None if row is None else _client(row)

    def list(self, after: str = "", limit: int = 1000) -> list[RegisteredClient]:
        """Clients in the order of their ids, from the one after `after` on."""
        wanted = sa.select(CLIENTS).where(CLIENTS.c.id > after).order_by(CLIENTS.c.id).limit(limit)
        with self._database.read() as connection:
            return [_client(row) for row in connection.execute(wanted)]

    def add(self, client: RegisteredClient, configured_clients: Collection[str], occasion: Occasion) -> int:
        """Register. Raises InvalidNameError, ClientExistsError, NameTakenError (a person has the name)."""
        account_name(client.id)
        refuse_configured_client(client.id, configured_clients)
        _refuse_unfit(client)
        with self._database.write() as connection:
            if _row(connection, client.id) is not None:
                raise ClientExistsError(f"there is a client {client.id!r} already; ids are never given twice")
            if connection.execute(sa.select(USERS.c.id).where(USERS.c.id == client.id)).first() is not None:
                raise NameTakenError(
                    f"{client.id!r} is a person's account; people and clients never share a name"
                )
            connection.execute(CLIENTS.insert().values(**_columns(client), created_at_ms=occasion.at_ms))
            if client.disabled:
                _set(connection, client.id, disabled_at_ms=occasion.at_ms)
            make_subject(connection, Subject.client(client.id))
            return _written(connection, client.id, _registered(client), occasion)

    def change(self, client: RegisteredClient, occasion: Occasion) -> int | None:
        """Make the client like this one; `disabled` and the secret are left alone (they have methods of their own).

        Raises UnknownClientError, InvalidNameError, DirectoryRefusedError (another kind is another client).
        """
        _refuse_unfit(client)
        with self._database.write() as connection:
            before = _client(_known(connection, client.id))
            if before.kind is not client.kind:
                raise DirectoryRefusedError(
                    f"the client {client.id!r} is {before.kind.value} and stays so; register a new client instead"
                )
            changed = changed_fields(before, client) - {"disabled", "secret_sha256", "registration_sha256"}
            if not changed:
                return None
            columns = {name: value for name, value in _columns(client).items() if name in changed}
            _set(connection, client.id, **columns)
            lowered = takes_away(before, client)
            if lowered:
                _lower(connection, client.id, occasion, ends_logins=False)
            event = ClientChanged(f"client:{client.id}", changed, lowered)
            return _written(connection, client.id, event, occasion)

    def disable(self, client_id: str, occasion: Occasion) -> int | None:
        """Stop a client: nothing is issued through it, what was is refused. Raises UnknownClientError."""
        with self._database.write() as connection:
            if _known(connection, client_id).disabled_at_ms is not None:
                return None
            _set(connection, client_id, disabled_at_ms=occasion.at_ms)
            _lower(connection, client_id, occasion, ends_logins=True)
            return _written(connection, client_id, ClientDisabled(f"client:{client_id}"), occasion)

    def enable(self, client_id: str, occasion: Occasion) -> int | None:
        """Let a client be used again. Raises UnknownClientError."""
        with self._database.write() as connection:
            if _known(connection, client_id).disabled_at_ms is None:
                return None
            _set(connection, client_id, disabled_at_ms=None)
            return _written(connection, client_id, ClientEnabled(f"client:{client_id}"), occasion)

    def rotate_secret(self, client_id: str, secret_sha256: bytes, occasion: Occasion) -> int:
        """A new secret; what the old one obtained for the client itself ends. People's tokens live on.

        Raises UnknownClientError, DirectoryRefusedError (a public client has no secret).
        """
        with self._database.write() as connection:
            client = _client(_known(connection, client_id))
            if client.kind is ClientKind.PUBLIC:
                raise DirectoryRefusedError(f"{client_id!r} is a public client: it has no secret to rotate")
            if client.jwks:
                raise DirectoryRefusedError(
                    f"{client_id!r} proves itself with a key: it has no secret to rotate"
                )
            _set(connection, client_id, secret_sha256=secret_sha256)
            lower(connection, Subject.client(client_id), occasion, ends_logins=True)
            return _written(connection, client_id, ClientSecretRotated(f"client:{client_id}"), occasion)


def _row(connection: sa.Connection, client_id: str) -> Row | None:
    return connection.execute(sa.select(CLIENTS).where(CLIENTS.c.id == client_id)).one_or_none()


def _known(connection: sa.Connection, client_id: str) -> Row:
    row = _row(connection, client_id)
    if row is None:
        raise UnknownClientError(
            f"there is no registered client {client_id[:80]!r}; one of the configuration file is changed there"
        )
    return row


def _set(connection: sa.Connection, client_id: str, **columns: object) -> None:
    connection.execute(CLIENTS.update().where(CLIENTS.c.id == client_id).values(columns))


def _lower(connection: sa.Connection, client_id: str, occasion: Occasion, *, ends_logins: bool) -> None:
    """Deny both sides: the client's own tokens, and people's tokens that were issued through it."""
    epoch = lower(connection, Subject.client(client_id), occasion, ends_logins=ends_logins)
    denial = Denial(DenialKind.CLIENT, client_id, epoch, occasion.denied_until_ms)
    deny(connection, denial, occasion.at_ms)


def _written(connection: sa.Connection, client_id: str, event: AuditEvent, occasion: Occasion) -> int:
    """The record, and the news for both sides."""
    write_down(connection, event, occasion)
    announce_subject(connection, Subject.client(client_id))
    return announce(connection, NewsKind.CLIENT, client_id)


def _registered(client: RegisteredClient) -> ClientRegistered:
    return ClientRegistered(
        f"client:{client.id}",
        client.kind.value,
        client.grants,
        frozenset(map(str, client.scopes)),
        client.roles,
        frozenset(map(str, client.permissions)),
    )


def _refuse_unfit(client: RegisteredClient) -> None:
    role_names(client.roles)
    held_permissions(client.permissions)
    proofs = (client.secret_sha256 is not None) + bool(client.jwks)
    if proofs != (client.kind is not ClientKind.PUBLIC):
        raise DirectoryRefusedError(
            f"the client {client.id!r} is {client.kind.value}: a public client has no secret, "
            "every other has one, or keys instead (RFC 6749 2.1)"
        )
    words = (*client.grants, *client.login, *client.redirect_uris, *client.post_logout_redirect_uris)
    if any(not word or any(c.isspace() for c in word) for word in words):
        raise DirectoryRefusedError(
            f"the client {client.id!r} has a grant, login or redirect address that is empty or holds a space"
        )
    for address in client.redirect_uris:
        try:
            parse_redirect(address)
        except RefusedError as error:
            raise DirectoryRefusedError(
                f"the client {client.id!r} has a redirect address that {error.what}"
            ) from None


def _columns(client: RegisteredClient) -> dict[str, object]:
    return {
        "id": client.id,
        "kind": client.kind.value,
        "secret_sha256": client.secret_sha256,
        "grants": client.grants,
        "scopes": client.scopes,
        "roles": client.roles,
        "permissions": client.permissions,
        "token_kind": client.token_kind.value,
        "token_lifetime_seconds": client.token_lifetime_seconds,
        "login": client.login,
        "redirect_uris": client.redirect_uris,
        "first_party": client.first_party,
        "name": client.name,
        "authentication": client.authentication,
        "jwks": client.jwks,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "requires_pushed_requests": client.requires_pushed_requests,
        "dpop": client.dpop,
        "registration_sha256": client.registration_sha256,
    }


def _client(row: Row) -> RegisteredClient:
    return RegisteredClient(
        id=row.id,
        kind=ClientKind(row.kind),
        grants=frozenset(row.grants),
        secret_sha256=row.secret_sha256,
        first_party=row.first_party,
        login=row.login,
        scopes=frozenset(map(Permission.parse, row.scopes)),
        roles=frozenset(row.roles),
        permissions=frozenset(map(Permission.parse, row.permissions)),
        token_kind=TokenKind(row.token_kind),
        token_lifetime_seconds=row.token_lifetime_seconds,
        redirect_uris=row.redirect_uris,
        disabled=row.disabled_at_ms is not None,
        name=row.name,
        authentication=row.authentication,
        jwks=row.jwks,
        post_logout_redirect_uris=row.post_logout_redirect_uris,
        requires_pushed_requests=row.requires_pushed_requests,
        dpop=row.dpop,
        registration_sha256=row.registration_sha256,
    )
