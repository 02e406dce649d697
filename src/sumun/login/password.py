"""The authenticator `password`: people of the directory who have their password here.

    login -> account (or NotMine) -> verify in a thread -> Rejected | Identified, and a new hash when the profile moved

That an account is disabled is said only to who has its password. A hash made with other parameters than today's is
replaced after the right password was seen; the password stays the same, so nobody else hears of it, and if it cannot be
replaced now the login is good all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from sumun.config.values import Section
from sumun.directory.user import LoginAccount
from sumun.errors import OutageError
from sumun.login.authenticator import Identified, NotMine, Outcome, PasswordProof, Rejected, RejectedBecause
from sumun.login.password_threads import PasswordThreads

log = logging.getLogger(__name__)


class PasswordSettings(Section):
    """The kind `password` has no settings: the hash's parameters are named in `directory.passwords`."""


FindAccount = Callable[[str], Awaitable[LoginAccount | None]]
"""The account that a typed login means, its hash and its login epoch read in one look. Raises OutageError."""

KeepHash = Callable[[str, str, str], Awaitable[object]]
"""(user id, old hash, new hash): replace the hash unless it was changed meanwhile. Raises OutageError."""


class Hasher(Protocol):
    """What this needs of `directory.passwords`."""

    def verify(self, password_hash: str | None, typed: str) -> bool:
        """Is it the password of this hash? Slow, and as slow for None, which is never right."""
        ...

    def needs_rehash(self, password_hash: str) -> bool:
        """Quick: was the hash made with other parameters than today's?"""
        ...

    def hash(self, typed: str) -> str:
        """A new hash. Slow."""
        ...


class PasswordAuthenticator:
    """Keeps the contract of `authenticator.Authenticator`."""

    def __init__(
        self, name: str, find: FindAccount, keep_hash: KeepHash, hasher: Hasher, threads: PasswordThreads
    ) -> None:
        """`threads` are shared with the other authenticators of this process and closed by who made them."""
        self.name = name
        self._find = find
        self._keep_hash = keep_hash
        self._hasher = hasher
        self._threads = threads

    async def prove(self, proof: PasswordProof) -> Outcome:
        """Judge one proof. Raises OutageError: the directory is away, or every place for a check is taken."""
        account = await self._find(proof.login)
        if account is None or account.password_hash is None:
            return NotMine(owes_a_verification=True)
        user = account.user
        if not await self._threads.run(self._hasher.verify, account.password_hash, proof.password):
            return Rejected(RejectedBecause.BAD_CREDENTIALS, user.id)
        if user.disabled:
            return Rejected(RejectedBecause.DISABLED, user.id)
        if self._hasher.needs_rehash(account.password_hash):
            await self._rehash(user.id, account.password_hash, proof.password)
        return Identified(user.id, self.name, account.login_epoch)

    async def close(self) -> None:
        """Nothing is held."""

    async def _rehash(self, user_id: str, old_hash: str, password: str) -> None:
        try:
            new_hash = await self._threads.run(self._hasher.hash, password)
            await self._keep_hash(user_id, old_hash, new_hash)
        except OutageError as outage:  # the next login tries again
            log.warning("the password hash of %s was not renewed: %s", user_id, outage.code)


def pay_verification(hasher: Hasher, threads: PasswordThreads) -> Callable[[str], Awaitable[None]]:
    """What a chain pays for an unknown account (`pipeline.PayVerification`): one verification that proves nothing."""

    async def pay(password: str) -> None:
        await threads.run(hasher.verify, None, password)

    return pay
