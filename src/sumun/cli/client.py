"""`sumun client`: OAuth clients. Those of the configuration file are changed there; the others here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work, confirm, report
from sumun.cli.options import data_option, json_option, yes_option
from sumun.cli.rights import checked_rights, rights_options
from sumun.cli.table import print_fields, print_table

if TYPE_CHECKING:
    from sumun.changes import Applied
    from sumun.config.plan import Client
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
    "--grant", "grants", multiple=True, help="A grant type, such as client_credentials; repeatable."
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="RESOURCE:ACTION",
    help="What its tokens may carry; repeatable.",
)
@click.option("--token", "token", type=click.Choice(["opaque", "jwt"]), default="opaque", show_default=True)
@rights_options
@data_option
def add(
    client_id: str,
    kind: str,
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    token: str,
    roles: tuple[str, ...],
    permissions: tuple[str, ...],
    data: Path,
) -> None:
    """Register a client. A confidential one gets a secret, shown this once."""
    from secrets import token_urlsafe

    from sumun.config.plan import ClientKind

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
            scopes=frozenset(map(Permission.parse, scopes)),
            roles=held.roles,
            permissions=held.permissions,
            token_kind=TokenKind(token),
            token_lifetime_seconds=tokens.jwt_lifetime_seconds
            if token == "jwt"
            else tokens.opaque_lifetime_seconds,
        )
        return await operator.changes.register_client(new, actor=operator.actor)

    report(at_work(data, work), f"client {client_id} added")
    if secret:
        click.echo(f"secret (shown this once): {secret}")


@client.command(name="list")
@json_option
@data_option
def list_(as_json: bool, data: Path) -> None:  # noqa: FBT001
    """List clients of the configuration file and registered ones."""

    async def work(operator: Operator) -> list[tuple[str, ...]]:
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
    """Show one client."""

    async def work(operator: Operator) -> dict[str, str]:
        from sumun.directory.errors import UnknownClientError

        configured = operator.plan.clients.get(client_id)
        found = configured or operator.directory.clients.get(client_id)
        if found is None:
            raise UnknownClientError(f"there is no client {client_id[:80]!r}; `sumun client list` shows them")
        where = "configuration" if configured else "registered"
        names = ("id", "kind", "from", "grants", "scopes", "token", "state")
        disabled = False if configured else bool(getattr(found, "disabled", False))
        fields = dict(zip(names, _row(found, where, disabled=disabled), strict=True))
        fields["roles"] = ", ".join(sorted(found.roles))
        fields["permissions"] = ", ".join(sorted(map(str, found.permissions)))
        fields["login"] = ", ".join(found.login)
        fields["redirect URIs"] = ", ".join(found.redirect_uris)
        fields["token lifetime"] = f"{found.token_lifetime_seconds} s"
        return fields

    print_fields(at_work(data, work), as_json=as_json)


@client.command()
@click.argument("client_id")
@yes_option
@data_option
def disable(client_id: str, yes: bool, data: Path) -> None:  # noqa: FBT001
    """Stop a registered client: its tokens are refused now."""
    confirm(f"Disable the client {client_id} and refuse its tokens?", yes=yes)

    async def work(operator: Operator) -> Applied:
        _refuse_configured(operator, client_id)
        return await operator.changes.disable_client(client_id, actor=operator.actor)

    report(at_work(data, work), f"client {client_id} disabled")


@client.command()
@click.argument("client_id")
@data_option
def enable(client_id: str, data: Path) -> None:
    """Let a registered client work again."""

    async def work(operator: Operator) -> Applied:
        _refuse_configured(operator, client_id)
        return await operator.changes.enable_client(client_id, actor=operator.actor)

    report(at_work(data, work), f"client {client_id} enabled")


@client.command(name="rotate-secret")
@click.argument("client_id")
@yes_option
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

    report(at_work(data, work), f"secret of {client_id} replaced")
    click.echo(f"secret (shown this once): {secret}")


def _refuse_configured(operator: Operator, client_id: str) -> None:
    configured = operator.plan.clients.get(client_id)
    if configured is not None:
        raise click.UsageError(
            f"{client_id} stands in the configuration file ({configured.where}): change it there."
        )


def _row(found: Client | RegisteredClient, where: str, *, disabled: bool) -> tuple[str, ...]:
    return (
        found.id,
        found.kind.value,
        where,
        ",".join(sorted(found.grants)),
        ",".join(sorted(map(str, found.scopes))),
        found.token_kind.value,
        "disabled" if disabled else "active",
    )
