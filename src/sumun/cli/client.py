"""`sumun client`: OAuth clients. Those of the configuration file are changed there; the others here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work, change, confirm, report
from sumun.cli.options import data_option, json_option, wait_option, yes_option
from sumun.cli.rights import checked_rights, rights_options
from sumun.cli.table import Cell, print_fields, print_table

if TYPE_CHECKING:
    from sumun.changes import Applied
    from sumun.config.plan import Client, ClientKind
    from sumun.directory import RegisteredClient

_SECRET_BYTES = 32


@click.group()
def client() -> None:
    """OAuth clients: add, list, show, disable, enable, rotate-secret."""


@client.command()
@click.argument("client_id")
@click.option(
    "--kind",
    type=click.Choice(["public", "confidential", "resource_server"]),
    default="confidential",
    show_default=True,
)
@click.option(
    "--grant", "grants", multiple=True, help="A grant type, such as client_credentials. Repeatable."
)
@click.option("--name", default="", help="What people are told it is called. Default: its id.")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    metavar="URI",
    help="Where authorization codes may be sent; repeatable. Needed for authorization_code.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="RESOURCE:ACTION",
    help="The most that its tokens may carry; repeatable. Default: *:*.",
)
@click.option("--token", "token", type=click.Choice(["opaque", "jwt"]), default="opaque", show_default=True)
@rights_options
@wait_option
@data_option
def add(
    client_id: str,
    kind: str,
    grants: tuple[str, ...],
    name: str,
    redirect_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    token: str,
    roles: tuple[str, ...],
    permissions: tuple[str, ...],
    data: Path,
) -> None:
    """Register a client. A confidential one gets a secret, shown this once."""
    from secrets import token_urlsafe

    from sumun.config.plan import ClientKind

    _check_grants(ClientKind(kind), grants)
    if (roles or permissions) and "client_credentials" not in grants:
        raise click.UsageError(
            "Rights of its own are for a client that acts for itself: add --grant client_credentials."
        )
    if bool(redirect_uris) != ("authorization_code" in grants):
        raise click.UsageError("The grant authorization_code needs --redirect-uri, and no other grant does.")
    secret = None if kind == ClientKind.PUBLIC.value else token_urlsafe(_SECRET_BYTES)

    async def work(operator: Operator) -> Applied:
        from hashlib import sha256

        from sumun.access import TokenKind
        from sumun.directory import RegisteredClient
        from sumun.identity import Permission

        held = checked_rights(operator.plan, roles, permissions)
        tokens = operator.plan.tokens
        new = RegisteredClient(
            id=client_id,
            kind=ClientKind(kind),
            grants=frozenset(grants),
            secret_sha256=sha256(secret.encode()).digest() if secret else None,
            first_party=False,
            login=(),
            scopes=frozenset(map(Permission.parse, scopes or ("*:*",))),
            roles=held.roles,
            permissions=held.permissions,
            token_kind=TokenKind(token),
            token_lifetime_seconds=tokens.jwt_lifetime_seconds
            if token == "jwt"
            else tokens.opaque_lifetime_seconds,
            redirect_uris=redirect_uris,
            name=name,
        )
        return await operator.changes.register_client(new, actor=operator.actor)

    _change_with_secret(data, work, f"client {client_id} added", secret)


def _check_grants(kind: ClientKind, grants: tuple[str, ...]) -> None:
    """What `config` asks of the clients in the file, of those registered here. Raises click.UsageError."""
    from sumun.config.plan import KNOWN_GRANTS, TOKEN_EXCHANGE, ClientKind

    if kind is ClientKind.RESOURCE_SERVER:
        if grants:
            raise click.UsageError("A resource server gets no tokens, it only introspects those of others.")
        return
    if not grants:
        raise click.UsageError("A client without a grant can do nothing: say --grant client_credentials.")
    for grant in grants:
        if grant not in KNOWN_GRANTS:
            raise click.UsageError(f"There is no grant {grant!r}; there are {', '.join(KNOWN_GRANTS)}.")
        if grant == "refresh_token" and "authorization_code" not in grants:
            raise click.UsageError("The grant refresh_token renews what authorization_code gave: say both.")
        if grant == "password":
            raise click.UsageError(
                "The grant password is for clients of our own (first_party): they stand in the configuration file."
            )
        if grant in ("client_credentials", TOKEN_EXCHANGE) and kind is ClientKind.PUBLIC:
            raise click.UsageError(f"The grant {grant} is only for confidential clients (RFC 6749 4.4).")


@client.command(name="list")
@json_option
@data_option
def list_(as_json: bool, data: Path) -> None:  # noqa: FBT001
    """List clients of the configuration file and registered ones."""

    async def work(operator: Operator) -> list[tuple[Cell, ...]]:
        configured = [_row(c, "configuration", disabled=False) for c in operator.plan.clients.values()]
        return configured + [
            _row(c, "registered", disabled=c.disabled) for c in operator.directory.clients.list()
        ]

    headings = ("id", "kind", "from", "grants", "scopes", "token", "state")
    print_table(headings, at_work(data, work), as_json=as_json)


@client.command()
@click.argument("client_id")
@json_option
@data_option
def show(client_id: str, as_json: bool, data: Path) -> None:  # noqa: FBT001
    """Show one client, and what it has used of its quota."""

    async def work(operator: Operator) -> dict[str, Cell]:
        from sumun.directory.errors import UnknownClientError

        configured = operator.plan.clients.get(client_id)
        found = configured or operator.directory.clients.get(client_id)
        if found is None:
            raise UnknownClientError(f"there is no client {client_id[:80]!r}; `sumun client list` shows them")
        where = "configuration" if configured else "registered"
        names = ("id", "kind", "from", "grants", "scopes", "token", "state")
        disabled = False if configured else bool(getattr(found, "disabled", False))
        fields = dict(zip(names, _row(found, where, disabled=disabled), strict=True))
        fields["roles"] = sorted(found.roles)
        fields["permissions"] = sorted(map(str, found.permissions))
        fields["login"] = list(found.login)
        fields["redirect URIs"] = list(found.redirect_uris)
        fields["token lifetime"] = f"{found.token_lifetime_seconds}s"
        if configured and configured.quota is not None:
            fields["quota"] = f"{configured.quota}/day"
            fields["used today"] = await _used(operator, client_id)
        return fields

    print_fields(at_work(data, work), as_json=as_json)


async def _used(operator: Operator, client_id: str) -> Cell:
    from sumun.errors import OutageError

    try:
        return str((await operator.quotas.add(client_id, ())).calls)
    except OutageError:
        return "not known: the store is away"


@client.command()
@click.argument("client_id")
@yes_option
@wait_option
@data_option
def disable(client_id: str, yes: bool, data: Path) -> None:  # noqa: FBT001
    """Stop a registered client: its tokens are refused now."""
    confirm(f"Disable the client {client_id} and refuse its tokens?", yes=yes)

    async def work(operator: Operator) -> Applied:
        _refuse_configured(operator, client_id)
        return await operator.changes.disable_client(client_id, actor=operator.actor)

    report(change(data, work), f"client {client_id} disabled")


@client.command()
@click.argument("client_id")
@wait_option
@data_option
def enable(client_id: str, data: Path) -> None:
    """Let a registered client work again."""

    async def work(operator: Operator) -> Applied:
        _refuse_configured(operator, client_id)
        return await operator.changes.enable_client(client_id, actor=operator.actor)

    report(change(data, work), f"client {client_id} enabled")


@client.command(name="rotate-secret")
@click.argument("client_id")
@yes_option
@wait_option
@data_option
def rotate_secret(client_id: str, yes: bool, data: Path) -> None:  # noqa: FBT001
    """Give a registered client a new secret, shown this once; the old one is refused now."""
    from secrets import token_urlsafe

    confirm(f"Replace the secret of {client_id}?", yes=yes)
    secret = token_urlsafe(_SECRET_BYTES)

    async def work(operator: Operator) -> Applied:
        from hashlib import sha256

        _refuse_configured(operator, client_id)
        digest = sha256(secret.encode()).digest()
        return await operator.changes.rotate_client_secret(client_id, digest, actor=operator.actor)

    _change_with_secret(data, work, f"secret of {client_id} replaced", secret)


def _change_with_secret(
    data: Path, work: Callable[[Operator], Awaitable[Applied]], done: str, secret: str | None
) -> None:
    """Make the change, and show the secret whenever it was made, also when the rest went wrong."""
    from sumun.changes import ChangeNotAnnouncedError, ChangeNotConfirmedError

    made = True
    applied: Applied | None = None
    try:
        applied = change(data, work)
    except (ChangeNotAnnouncedError, ChangeNotConfirmedError):
        raise
    except BaseException:
        made = False
        raise
    finally:
        if made and secret:
            click.echo(f"secret (shown this once): {secret}")
    report(applied, done)


def _refuse_configured(operator: Operator, client_id: str) -> None:
    configured = operator.plan.clients.get(client_id)
    if configured is not None:
        raise click.UsageError(
            f"{client_id} stands in the configuration file ({configured.where}): change it there."
        )


def _row(found: Client | RegisteredClient, where: str, *, disabled: bool) -> tuple[Cell, ...]:
    return (
        found.id,
        found.kind.value,
        where,
        sorted(found.grants),
        sorted(map(str, found.scopes)),
        found.token_kind.value,
        "disabled" if disabled else "active",
    )
