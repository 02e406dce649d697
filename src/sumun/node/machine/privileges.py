"""From root to an ordinary user.

A part that root started imports everything, reads its secrets and binds its sockets, and then becomes `run_as` for
good: supplementary groups, group, user, in that order (setgroups needs root, so it comes first), and never back. The
supervisor itself stays root, as HAProxy's master does, so that it can restart parts and bind low ports again; it takes
no request and reads nothing from the network. What they read is root's and cannot be written by the account: whoever
could write HAProxy's configuration could be root.
"""

from __future__ import annotations

import errno
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from sumun.node.errors import NodeError

PREFERRED_USERS = ("sumun", "nobody")
RUN_AS = "SUMUN_RUN_AS"
"""Environment variable: whom a part that has no plan becomes (the demo's services)."""


class UnknownUserError(NodeError):
    """`run_as` names no user of this machine."""

    code = "unknown_run_as"


class ClosedWayError(NodeError):
    """The account may not enter a folder on the way to the data."""

    code = "closed_way"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def choose_account(run_as: str) -> Account | None:
    """Whom parts shall become, or None when this process is not root (then nothing changes).

    `run_as` empty: the first of PREFERRED_USERS that exists. Raises UnknownUserError.
    """
    if os.geteuid() != 0:
        return None
    for name in (run_as,) if run_as else PREFERRED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid == 0:
            break
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise UnknownUserError(
        f"run_as: {run_as or ' or '.join(PREFERRED_USERS)!r} is not an ordinary user of this machine; "
        "make one (useradd --system sumun) or name another under node: run_as"
    )


def become(account: Account | None) -> None:
    """Drop root for good. No-op for None. Raises OSError when the kernel refuses."""
    if account is None:
        return
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)


def show(path: Path, account: Account | None) -> None:
    """Let the account read `path` (a folder: and enter it), which stays root's own. No-op for None."""
    if account is not None:
        os.chown(path, 0, account.gid, follow_symlinks=False)
        path.chmod(0o750 if path.is_dir() else 0o640)


def share(path: Path, account: Account | None) -> None:
    """Let the account make files in this folder, which stays root's own. No-op for None.

    Sticky: it can take away neither the folder nor what is root's in it. A folder that it could put a link in the place
    of would be a way to anywhere: root empties it, and gives away what is in it. Raises OSError, for a link too.
    """
    if account is None:
        return
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(folder, 0, account.gid)
        os.fchmod(folder, 0o1770)
        if not os.path.samestat(os.fstat(folder), path.lstat()):
            raise OSError(errno.ELOOP, "another was put in its place", str(path))
    finally:
        os.close(folder)


def refuse_closed_way(path: Path, account: Account | None) -> None:
    """Raises ClosedWayError when the account may not enter a folder above `path`. Looks at modes, not at ACLs."""
    if account is None:
        return
    for above in filter(Path.exists, reversed(path.parents)):
        seen = above.stat()
        if seen.st_uid == account.uid:
            enters = seen.st_mode & 0o100
        elif seen.st_gid == account.gid:
            enters = seen.st_mode & 0o010
        else:
            enters = seen.st_mode & 0o001
        if not enters:
            raise ClosedWayError(
                f"{path}: the user {account.name}, who the parts become, may not enter {above}; choose a place below "
                f"folders that everybody may enter, or chmod o+x {above}"
            )


def give(path: Path, account: Account | None) -> None:
    """Make `path` the account's own (the link itself, if it is one). No-op for None."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def give_all_in(path: Path, account: Account | None) -> None:
    """Make everything below `path` the account's own. Follows no link, not even one put there meanwhile."""
    if account is None:
        return
    for _, folders, files, fd in os.fwalk(path, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=fd, follow_symlinks=False)
