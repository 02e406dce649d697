"""`--role` and `--permission`, as every command takes them."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from sumun.config.plan import Plan
    from sumun.directory import Held

Command = TypeVar("Command", bound=Callable[..., Any])


def rights_options(command: Command) -> Command:
    """`--role ROLE` and `--permission RESOURCE:ACTION`, each as often as wanted."""
    command = click.option(
        "--permission",
        "permissions",
        multiple=True,
        metavar="RESOURCE:ACTION",
        help="A direct permission; repeatable.",
    )(command)
    return click.option("--role", "roles", multiple=True, metavar="ROLE", help="A role; repeatable.")(command)


def checked_rights(
    plan: Plan | None, roles: tuple[str, ...], permissions: tuple[str, ...], *, some: bool = False
) -> Held:
    """What the options say. With a plan, roles must be defined there (taking an old role away needs none).

    Raises InvalidPermissionError, click.UsageError.
    """
    from sumun.directory import Held
    from sumun.identity import Permission

    if some and not roles and not permissions:
        raise click.UsageError("Say at least one --role or --permission.")
    if plan is not None:
        for role in roles:
            if role not in plan.roles:
                close = get_close_matches(role, plan.roles, n=1)
                hint = (
                    f"Did you mean {close[0]!r}?"
                    if close
                    else f"Defined are: {', '.join(plan.roles) or 'none'}."
                )
                raise click.UsageError(f"The configuration defines no role {role!r}. {hint}")
    return Held(frozenset(roles), frozenset(map(Permission.parse, permissions)))
