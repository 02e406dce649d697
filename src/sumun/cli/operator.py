"""What commands that change people, clients, tokens and keys work with.

They work on the data folder itself: the directory, and the node's store and feed. While a node with a store of its own
does not run, people and clients can still be changed (it learns everything when it starts); tokens need the store, so
they say so.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from sumun.cli.options import waits_for_all
from sumun.errors import SumunError

if TYPE_CHECKING:
    from sumun.changes import Applied, Changes
    from sumun.config.plan import Plan
    from sumun.directory import Directory
    from sumun.keeper.quota_book import QuotaBook
    from sumun.tokens.store import TokenStore

Result = TypeVar("Result")

_GUESSED_UNDER = 8


class NotRunningError(SumunError):
    """Something that only a running gateway can do."""

    code = "not_running"
    exit_code = 3


class _StoredOnlyError(SumunError):
    """The change is stored, and the node that would announce it does not run."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator at work. `actor` goes into the audit record."""

    plan: Plan
    directory: Directory
    store: TokenStore
    changes: Changes
    quotas: QuotaBook
    actor: str


def at_work(data: Path, work: Callable[[Operator], Awaitable[Result]]) -> Result:
    """Open the data folder's parts, do the work, close them. Raises SumunError."""
    from sumun.changes import ChangeNotAnnouncedError
    from sumun.tokens.errors import StoreUnavailableError

    folder = data.absolute()
    for_all = waits_for_all()

    async def whole() -> Result:
        from sumun.node.assemble.stores import open_quota_book
        from sumun.node.operator.opened import open_for_operator

        async with (
            open_for_operator(folder) as parts,
            open_quota_book(parts.address, parts.in_force.store_deadline_seconds) as quotas,
        ):
            plan = parts.in_force.plan
            changes = parts.changes.for_all() if for_all else parts.changes
            operator = Operator(plan, parts.directory, parts.stores.tokens, changes, quotas, _actor())
            try:
                return await work(operator)
            except StoreUnavailableError as outage:
                if plan.node.store is not None or is_running(data):
                    raise
                if isinstance(outage, ChangeNotAnnouncedError):
                    raise _StoredOnlyError(str(outage)) from None
                raise NotRunningError(
                    f"the gateway does not run on {folder}, and its store keeps the tokens: start it, then try again"
                ) from None

    return asyncio.run(whole())


def change(data: Path, work: Callable[[Operator], Awaitable[Applied]]) -> Applied | None:
    """The same for a change. None: it is stored, and the node, which does not run, learns it when it starts.

    Raises SumunError.
    """
    try:
        return at_work(data, work)
    except _StoredOnlyError:
        return None


def report(applied: Applied | None, done: str, nothing: str = "") -> None:
    """Say what became of a change, or that there was `nothing` to do; exit 1 when a live process did not confirm it."""
    if applied is None:
        click.echo(f"{done}. The gateway is not running; it will know when it starts.")
        return
    if applied.n is None:
        done = nothing or f"{done}: nothing to change, it is so already"
    if applied.unconfirmed:
        click.echo(
            f"{done}, but not confirmed by {applied.behind()}: what is named refuses or follows within "
            "outage.serve_known_for.",
            err=True,
        )
        sys.exit(1)
    click.echo(f"{done}, on every node." if waits_for_all() else f"{done}.")


def is_running(data: Path) -> bool:
    """True when a gateway runs on this data folder."""
    from sumun.node.machine import folders

    return folders.is_running(folders.DataFolder(data.absolute()))


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless told not to. Aborts on no, and when there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody is there to answer: say --yes.")
    click.confirm(question, abort=True)


def read_password(*, from_stdin: bool) -> str:
    """A new password: typed twice, or the first line of standard input. Never an argument (others can see those)."""
    if from_stdin:
        return _noted(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise click.UsageError(
            "Nobody is there to type a password: say --password-stdin and send it as the first line."
        )
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return _noted(password)


def _noted(password: str) -> str:
    """A short one is the operator's to give, and to be told of."""
    if 0 < len(password) < _GUESSED_UNDER:
        click.echo(
            f"note: this password has {len(password)} characters and can be guessed; "
            "people who choose their own at /account need 15",
            err=True,
        )
    return password


def _actor() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    # sudo keeps who it really is
    return f"cli:{os.environ.get('SUDO_USER') or name}"
