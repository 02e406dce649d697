"""`sumun user`: people and what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work, change, confirm, read_password, report
from sumun.cli.options import data_option, json_option, wait_option, yes_option
from sumun.cli.rights import checked_rights, rights_options
from sumun.cli.table import Cell, print_fields, print_table

if TYPE_CHECKING:
    from sumun.changes import Applied
    from sumun.directory import User

_PAGE = 500


@click.group()
def user() -> None:
    """People: add, list, show, disable, enable, password, grant, revoke."""


@user.command()
@click.argument("name")
@click.option("--display-name", help="What people call them; any language. Default: NAME.")
@rights_options
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
@wait_option
@data_option
def add(
    name: str,
    display_name: str | None,
    roles: tuple[str, ...],
    permissions: tuple[str, ...],
    password_stdin: bool,  # noqa: FBT001 (click hands flags over by name)
    data: Path,
) -> None:
    """Add a person whose password is kept here."""

    async def work(operator: Operator) -> Applied:
        from sumun.directory import LOCAL, NewUser
        from sumun.directory.passwords import PasswordHasher

        held = checked_rights(operator.plan, roles, permissions)
        hashed = PasswordHasher().hash(read_password(from_stdin=password_stdin))
        new = NewUser(name, display_name or name, LOCAL, held, hashed)
        return await operator.changes.add_user(new, actor=operator.actor)

    report(change(data, work), f"user {name} added")


@user.command(name="list")
@json_option
@data_option
def list_(as_json: bool, data: Path) -> None:  # noqa: FBT001
    """List people."""

    async def work(operator: Operator) -> list[User]:
        people: list[User] = []
        while page := operator.directory.users.list(people[-1].id if people else "", _PAGE):
            people += page
        return people

    rows = [
        (
            u.id,
            u.display_name,
            u.source,
            sorted(u.roles),
            _words(u),
            "disabled" if u.disabled else "active",
        )
        for u in at_work(data, work)
    ]
    print_table(("name", "display name", "source", "roles", "permissions", "state"), rows, as_json=as_json)


@user.command()
@click.argument("name")
@json_option
@data_option
def show(name: str, as_json: bool, data: Path) -> None:  # noqa: FBT001
    """Show one person: what they hold, and what it adds up to."""

    async def work(operator: Operator) -> dict[str, Cell]:
        from sumun.directory.errors import UnknownUserError
        from sumun.identity import ANYTHING, Principal, Subject

        found = operator.directory.users.get(name)
        if found is None:
            raise UnknownUserError(f"there is no account {name[:80]!r}; `sumun user list` shows them")
        who = Principal(
            Subject.user(found.id), found.display_name, found.roles, found.permissions, frozenset({ANYTHING})
        )
        return {
            "name": found.id,
            "display name": found.display_name,
            "source": found.source,
            "state": "disabled" if found.disabled else "active",
            "password": "kept here" if found.has_password else "not kept here",
            "roles": sorted(found.roles),
            "permissions": _words(found),
            "effective": sorted(map(str, who.effective_permissions(operator.plan.roles))),
        }

    print_fields(at_work(data, work), as_json=as_json)


@user.command()
@click.argument("name")
@yes_option
@wait_option
@data_option
def disable(name: str, yes: bool, data: Path) -> None:  # noqa: FBT001
    """Stop a person: no login, and every token and login so far ends now."""
    confirm(f"Disable {name} and end every login?", yes=yes)

    async def work(operator: Operator) -> Applied:
        return await operator.changes.disable_user(name, actor=operator.actor)

    report(change(data, work), f"user {name} disabled")


@user.command()
@click.argument("name")
@wait_option
@data_option
def enable(name: str, data: Path) -> None:
    """Let a person log in again; what was ended stays ended."""

    async def work(operator: Operator) -> Applied:
        return await operator.changes.enable_user(name, actor=operator.actor)

    report(change(data, work), f"user {name} enabled")


@user.command()
@click.argument("name")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)
@wait_option
@data_option
def password(name: str, password_stdin: bool, data: Path) -> None:  # noqa: FBT001
    """Give a person a new password; every login so far ends now."""

    async def work(operator: Operator) -> Applied:
        from sumun.directory.passwords import PasswordHasher

        hashed = PasswordHasher().hash(read_password(from_stdin=password_stdin))
        return await operator.changes.set_password(name, hashed, actor=operator.actor)

    report(change(data, work), f"password of {name} changed")


@user.command()
@click.argument("name")
@rights_options
@wait_option
@data_option
def grant(name: str, roles: tuple[str, ...], permissions: tuple[str, ...], data: Path) -> None:
    """Give a person roles and permissions; tokens they have now carry them at once."""

    async def work(operator: Operator) -> Applied:
        held = checked_rights(operator.plan, roles, permissions, some=True)
        return await operator.changes.grant(name, held, actor=operator.actor)

    report(change(data, work), f"granted to {name}")


@user.command()
@click.argument("name")
@rights_options
@wait_option
@data_option
def revoke(name: str, roles: tuple[str, ...], permissions: tuple[str, ...], data: Path) -> None:
    """Take roles and permissions away from a person; tokens they have now lose them at once."""

    async def work(operator: Operator) -> Applied:
        held = checked_rights(None, roles, permissions, some=True)
        return await operator.changes.withdraw(name, held, actor=operator.actor)

    report(change(data, work), f"taken from {name}")


def _words(person: User) -> list[str]:
    return sorted(map(str, person.permissions))
