"""`sumun token`: access tokens, by themselves or by their public handle."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work, change, report
from sumun.cli.options import data_option, json_option, wait_option
from sumun.cli.rights import checked_rights, rights_options
from sumun.cli.table import Cell, print_fields
from sumun.errors import SumunError

if TYPE_CHECKING:
    from sumun.changes import Applied
    from sumun.tokens.record import TokenRecord


class UnknownTokenError(SumunError):
    """No such token is live."""

    code = "unknown_token"


@click.group()
def token() -> None:
    """Access tokens: issue, show, revoke, edit.

    TOKEN is a token's handle (tid_..., from `sumun token show`, X-Token-Id or the access log), or `-` to read the
    token itself from the first line of standard input, so that it never stands in a command line.
    """


@token.command()
@click.option("--user", "user_name", help="For this person.")
@click.option(
    "--client",
    "client_id",
    help="Through this client; without --user, for this client itself.",
    required=True,
)
@click.option("--scope", "scopes", multiple=True, metavar="RESOURCE:ACTION", help="Cut it down; repeatable.")
@click.option("--lifetime", help="Such as 15m. Default: the client's.")
@click.option("--kind", type=click.Choice(["opaque", "jwt"]), help="Default: the client's.")
@click.option(
    "--own-rights", is_flag=True, help="The token's own roles and permissions instead of the person's."
)
@rights_options
@click.option("--note", default="", help="For people; shown by `sumun token show`.")
@data_option
def issue(
    user_name: str | None,
    client_id: str,
    scopes: tuple[str, ...],
    lifetime: str | None,
    kind: str | None,
    own_rights: bool,  # noqa: FBT001
    roles: tuple[str, ...],
    permissions: tuple[str, ...],
    note: str,
    data: Path,
) -> None:
    """Issue an access token; it is printed once and kept nowhere in clear."""
    if (roles or permissions) and not own_rights:
        raise click.UsageError(
            "--role and --permission are for --own-rights; else the token follows its person."
        )

    async def work(operator: Operator) -> str:
        from sumun.node.operator.issue_by_hand import Wish, issue_by_hand

        held = checked_rights(operator.plan, roles, permissions) if own_rights else None
        wish = Wish(user_name, client_id, scopes, lifetime, kind, held, note, operator.actor)
        return await issue_by_hand(operator.plan, operator.directory, operator.store, wish)

    click.echo(at_work(data, work))


@token.command()
@click.argument("token")
@json_option
@data_option
def show(token: str, as_json: bool, data: Path) -> None:  # noqa: FBT001
    """Show what an opaque token stands for."""
    secret = _typed(token)

    async def work(operator: Operator) -> dict[str, Cell]:
        record = await _find(operator, token, secret)
        rights = "its own, below" if record.own_rights else "its subject's, as they are now"
        return {
            "token id": record.token_id,
            "subject": str(record.subject),
            "client": record.client_id,
            "scopes": sorted(map(str, record.scopes)),
            "rights": rights,
            "roles": sorted(record.roles),
            "permissions": sorted(map(str, record.permissions)),
            "issued": _moment(record.issued_at_ms),
            "expires": _moment(record.expires_at_ms),
            "note": record.note,
        }

    print_fields(at_work(data, work), as_json=as_json)


@token.command()
@click.argument("token")
@wait_option
@data_option
def revoke(token: str, data: Path) -> None:
    """Revoke a token of either kind; refused from now on."""
    secret = _typed(token)

    async def work(operator: Operator) -> Applied:
        from sumun.node.operator.issue_by_hand import revoke_by_hand

        return await revoke_by_hand(
            operator.plan, operator.directory, operator.changes, token, secret, operator.actor
        )

    nothing = "No such opaque token is live; it may have expired or been revoked already"
    report(change(data, work), "token revoked", nothing)


@token.command()
@click.argument("token")
@rights_options
@click.option("--no-rights", is_flag=True, help="Take everything away: the token stays and may do nothing.")
@wait_option
@data_option
def edit(
    token: str,
    roles: tuple[str, ...],
    permissions: tuple[str, ...],
    no_rights: bool,  # noqa: FBT001
    data: Path,
) -> None:
    """Give an opaque token these rights of its own, in place; the same token carries them from now on.

    What is not named is taken away.
    """
    if no_rights == bool(roles or permissions):
        raise click.UsageError("Say --role or --permission, or --no-rights.")
    secret = _typed(token)

    async def work(operator: Operator) -> Applied:
        from sumun.tokens.store import Rights

        held = checked_rights(operator.plan, roles, permissions)
        record = await _find(operator, token, secret)
        applied = await operator.changes.edit_token(
            record.token_id, Rights(held.roles, held.permissions), actor=operator.actor
        )
        if applied.n is None:
            raise UnknownTokenError(_NOT_LIVE)
        return applied

    report(change(data, work), "token edited")


_NOT_LIVE = "no such opaque token is live (it may have expired or been revoked)"


async def _find(operator: Operator, handle: str, secret: str | None) -> TokenRecord:
    """The record of a live opaque token. Raises UnknownTokenError."""
    from sumun.tokens.format import digest

    if secret is None:
        found = await operator.store.find(handle)
        record = found[1] if found else None
    else:
        (record,) = await operator.store.get_many([digest(secret)])
    if record is None:
        raise UnknownTokenError(_NOT_LIVE)
    return record


def _typed(argument: str) -> str | None:
    """The token itself when the argument is `-`; None for a handle. A token on the command line is refused."""
    if argument == "-":
        return sys.stdin.readline().strip()
    if argument.startswith("smn_") or argument.count(".") == 2:
        raise click.UsageError(
            "A token in a command line can be read by others: send it to standard input and say -."
        )
    return None


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
