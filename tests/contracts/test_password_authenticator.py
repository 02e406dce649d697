"""The authenticator of the directory's people keeps the contract, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sumun.directory import Directory, DirectoryThreads
from sumun.directory.passwords import PasswordHasher, Profile
from sumun.login.authenticator import Authenticator, NotMine
from sumun.login.password import PasswordAuthenticator
from sumun.login.password_threads import PasswordThreads
from tests.contracts.authenticator import RIGHT, AuthenticatorContract, proof
from tests.contracts.in_loop import in_loop
from tests.contracts.occasions import CONFIGURED, NOW, outsider, person

QUICK = Profile(memory_kib=8, passes=1, lanes=1)


class TestPasswordAuthenticator(AuthenticatorContract):
    @pytest.fixture(autouse=True)
    def _location(self, location: Path | str) -> None:
        self.location = location

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Authenticator]:
        self.threads, checks = DirectoryThreads(), PasswordThreads(2, 64)
        threads, hasher = self.threads, PasswordHasher(QUICK)
        with Directory.open(self.location) as directory:
            self.directory = directory
            for name in ("dave", "eve"):
                directory.users.add(person(name, password_hash=hasher.hash(RIGHT)), CONFIGURED, NOW)
            directory.users.disable("eve", NOW)
            try:
                yield PasswordAuthenticator(
                    "password",
                    lambda login: threads.call(directory.users.for_login, login),
                    lambda user_id, old, new: threads.change(directory.users.rehash, user_id, old, new, NOW),
                    hasher,
                    checks,
                )
            finally:
                checks.close()
                await threads.close()

    async def break_it(self, authenticator: Authenticator) -> None:
        await self.threads.close()

    @in_loop
    async def test_people_from_elsewhere(self, authenticator: Authenticator) -> None:
        """An account that another authenticator vouches for is not this one's, and owes what a known one costs."""
        self.directory.users.link_outside(outsider("frank"), CONFIGURED, NOW)
        for login in ("frank", "nobody"):
            assert await authenticator.prove(proof(login, RIGHT)) == NotMine(owes_a_verification=True)
