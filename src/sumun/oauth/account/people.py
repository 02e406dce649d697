"""What the account pages read of a person, and what they change. Contracts, and the directory behind the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sumun.changes import Applied
from sumun.directory import Directory, DirectoryThreads, LastingLogin, StoredGrant, User
from sumun.directory.names import LOCAL
from sumun.directory.passwords import PasswordHasher
from sumun.identity import Permission
from sumun.login.password_threads import PasswordThreads


class ChangesAccounts(Protocol):
    """What this needs of `changes.Changes`. When a call returns, this node refuses what was taken away.

    All raise OutageError.
    """

    async def settled(self) -> Applied:
        """Change nothing, and wait for who has not confirmed what was changed before."""
        ...

    async def narrow_grant(
        self, grant_id: str, scopes: frozenset[Permission], openid: frozenset[str], *, actor: str
    ) -> Applied:
        """Leave no more than this of a grant."""
        ...

    async def withdraw_grant(self, grant_id: str, *, actor: str) -> Applied:
        """Take all of it back."""
        ...

    async def end_family(self, family_id: str, reason: str, *, actor: str) -> Applied:
        """End one login through a client, with every token of it."""
        ...

    async def set_password(self, user_id: str, password_hash: str, *, actor: str) -> Applied:
        """A new password; every earlier login ends."""
        ...


class AccountReader:
    """Reads people and what they allowed, on the event loop. All but `hash` raise DirectoryUnavailableError."""

    def __init__(
        self,
        directory: Directory,
        threads: DirectoryThreads,
        hasher: PasswordHasher,
        password_threads: PasswordThreads,
        clock: Callable[[], float],
    ) -> None:
        """`clock`: unix seconds."""
        self._directory = directory
        self._threads = threads
        self._hasher = hasher
        self._password_threads = password_threads
        self._clock = clock

    async def user(self, user_id: str) -> User | None:
        """The account."""
        return await self._threads.call(self._directory.users.get, user_id)

    async def grants(self, user_id: str) -> list[StoredGrant]:
        """Everything this person allowed, by client."""
        return await self._threads.call(self._directory.grants.of_user, user_id)

    async def lasting_logins(self, user_id: str) -> list[LastingLogin]:
        """The logins of this person through the operator's own clients that can be gone on with."""
        return await self._threads.call(
            self._directory.lasting_logins.of_user, user_id, int(self._clock() * 1000)
        )

    async def hash(self, password: str) -> str:
        """A password as it is kept. Raises InvalidPasswordError, LoginBusyError."""
        return await self._password_threads.run(self._hasher.hash, password)


def keeps_password_here(user: User) -> bool:
    """Whether the password can be changed here: not that of a person whom another server vouches for."""
    return user.source == LOCAL and user.has_password
