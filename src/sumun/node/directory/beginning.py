"""The directory when a node starts: where it is, its schema, its first signing key, and names that clash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sumun.config.plan import Plan
from sumun.directory import Directory
from sumun.directory.errors import DirectoryUnavailableError, DirectoryUnusableError
from sumun.node.directory.signing import ensure_key
from sumun.node.errors import DirectoryOutOfReachError, NameClashError
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets


def directory_location(plan: Plan, folder: DataFolder, secrets: Secrets) -> Path | str:
    """A path (SQLite) or a URL (PostgreSQL)."""
    return folder.database if plan.node.directory is None else secrets.get(plan.node.directory.source)


def prepare_directory(
    plan: Plan, folder: DataFolder, secrets: Secrets, people: Callable[[Directory, Plan], None] | None
) -> None:
    """Bring the schema up and make the first signing key. Raises NameClashError, DirectoryOutOfReachError."""
    try:
        with Directory.open(directory_location(plan, folder, secrets)) as directory:
            _refuse_clashes(plan, directory)
            ensure_key(directory, plan)
            if people is not None:
                people(directory, plan)
    except (DirectoryUnavailableError, DirectoryUnusableError) as error:
        if plan.node.directory is None:
            raise
        raise DirectoryOutOfReachError(f"{plan.node.directory.where}: {error}") from error


def _refuse_clashes(plan: Plan, directory: Directory) -> None:
    """A name stands for one thing: a client of the file may be neither a person nor a registered client."""
    for client in plan.clients.values():
        if directory.users.get(client.id) is not None:
            taken = "a person's account"
        elif directory.clients.get(client.id) is not None:
            taken = "a client registered at run time"
        else:
            continue
        raise NameClashError(
            f"{client.where}: the client id {client.id!r} is {taken} already; give the client another id"
        )
